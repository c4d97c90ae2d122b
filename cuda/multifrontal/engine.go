package multifrontal

/*
#include <stdint.h>
int helm_boxes_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_boxes_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_pivots_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_pivots_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_panels_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_panels_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_updates_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_updates_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_box_forward_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_box_forward_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_box_backward_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_box_backward_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_forward_pivots_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_forward_pivots_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_forward_boundary_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_forward_boundary_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_backward_boundary_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_backward_boundary_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_backward_pivots_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_backward_pivots_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"fmt"

	"github.com/waveprior/waveprior/cuda"
)

var (
	boxes = both("helm_boxes", C.helm_boxes_f32_cpu, C.helm_boxes_f64_cpu, 128, func(args []cuda.Arg) int {
		return int(args[16] + args[17])
	})
	pivots          = both("helm_pivots", C.helm_pivots_f32_cpu, C.helm_pivots_f64_cpu, 256, rows(block+2*tile+1))
	panels          = both("helm_panels", C.helm_panels_f32_cpu, C.helm_panels_f64_cpu, 256, rows(block+2*tile))
	updates         = both("helm_updates", C.helm_updates_f32_cpu, C.helm_updates_f64_cpu, 256, rows(2*block))
	boxForward      = both("helm_box_forward", C.helm_box_forward_f32_cpu, C.helm_box_forward_f64_cpu, 256, local)
	boxBackward     = both("helm_box_backward", C.helm_box_backward_f32_cpu, C.helm_box_backward_f64_cpu, 256, local)
	forwardPivots   = both("helm_forward_pivots", C.helm_forward_pivots_f32_cpu, C.helm_forward_pivots_f64_cpu, 256, rows(2*tile))
	forwardBoundary = both("helm_forward_boundary", C.helm_forward_boundary_f32_cpu, C.helm_forward_boundary_f64_cpu, 256,
		rows(block+tile))
	backwardBoundary = both("helm_backward_boundary", C.helm_backward_boundary_f32_cpu, C.helm_backward_boundary_f64_cpu, 256,
		rows(block+tile))
	backwardPivots = both("helm_backward_pivots", C.helm_backward_pivots_f32_cpu, C.helm_backward_pivots_f64_cpu, 256, rows(2*tile))
)

// local is the shared memory of a box in a solve: argument 13's rows of 16 right-hand sides.
func local(args []cuda.Arg) int { return tile * int(args[13]) }

// Engine owns the buffers of a batch: up to `systems` systems, each a model at a frequency, solved for up to `sides`
// right-hand sides at a time, in complex numbers of T. It serves one goroutine at a time.
type Engine[T cuda.Float] struct {
	a                              *Analysis
	systems, models, count         int // capacity, and of the right-hand sides
	at                             batch
	buffers                        []cuda.Buffer
	model, which                   cuda.Buffer
	diagonal, factor, update       cuda.Buffer
	panel, vector, flag, residual  cuda.Buffer
	u, x, data, product, fold, sum cuda.Buffer // u: background fields, x: those of adjoints and tangents
	weight, phi                    cuda.Buffer
	observed, observation, tau     cuda.Buffer // of SetObservations
	observations                   int
	seen                           any
}

// batch is what Load left: models (0..models-1) at frequencies first..first+frequencies-1, system = model frequencies + f.
type batch struct{ models, first, frequencies, systems int }

// Bytes is the device memory of an engine, per system and per model, for directions directions at a time.
func Bytes[T cuda.Float](a *Analysis, directions int) (system, model int) {
	t, p, c := a.tables, &a.problem, 2*cuda.SizeOf[T]()
	ns, nr := len(p.Sources), len(p.Receivers)
	pz := p.NZ + 2*p.Cells
	system = c*(t.plane+t.factor+t.update+t.panel+t.vectors*ns*directions+t.nodes*ns*(1+directions)+ns*nr*directions) +
		4*t.units + 8*directions*(t.nodes+pz*p.NX+1) + 8*4
	return system, p.NZ * p.NX * (c/2 + directions*(c/2+8))
}

// NewEngine allocates an engine for `systems` systems of `models` models at least one frequency each, and directions times as
// many right-hand sides as there are sources.
func NewEngine[T cuda.Float](a *Analysis, systems, models, directions int) (*Engine[T], error) {
	if systems < 1 || models < 1 || models > systems || directions < 1 {
		return nil, fmt.Errorf("multifrontal: an engine for %d systems of %d models and %d directions: at least 1 each, not more models than systems",
			systems, models, directions)
	}
	t, p, c := a.tables, &a.problem, 2*cuda.SizeOf[T]()
	ns, nr, cells := len(p.Sources), len(p.Receivers), p.NZ*p.NX
	e := &Engine[T]{a: a, systems: systems, models: models, count: ns * directions}
	for _, b := range []struct {
		to    *cuda.Buffer
		bytes int
	}{
		{&e.model, models * cells * c / 2}, {&e.which, 8 * systems}, {&e.diagonal, systems * t.plane * c},
		{&e.factor, systems * t.factor * c}, {&e.update, systems * t.update * c}, {&e.panel, systems * t.panel * c},
		{&e.vector, systems * t.vectors * e.count * c}, {&e.flag, 4 * systems * t.units}, {&e.residual, 16 * systems},
		{&e.u, systems * t.nodes * ns * c}, {&e.x, systems * t.nodes * e.count * c}, {&e.data, systems * e.count * nr * c},
		{&e.product, 8 * systems * directions * t.nodes}, {&e.fold, 8 * systems * directions * (p.NZ + 2*p.Cells) * p.NX},
		{&e.sum, 8 * models * directions * cells}, {&e.weight, 8 * systems * directions}, {&e.phi, 8 * systems},
	} {
		var err error
		if *b.to, err = a.device.Alloc(max(b.bytes, 64)); err != nil {
			e.Close()
			return nil, fmt.Errorf("multifrontal: an engine for %d systems: %w", systems, err)
		}
		e.buffers = append(e.buffers, *b.to)
	}
	return e, nil
}

// Close gives the memory back.
func (e *Engine[T]) Close() error {
	for _, b := range []cuda.Buffer{e.observed, e.observation, e.tau} {
		if !b.IsNil() {
			e.buffers = append(e.buffers, b)
		}
	}
	e.observed, e.observation, e.tau = cuda.Buffer{}, cuda.Buffer{}, cuda.Buffer{}
	return free(e.a.device, &e.buffers)
}

// linksOf is the couplings in T.
func (e *Engine[T]) linksOf() cuda.Buffer { return e.a.links[cuda.SizeOf[T]()/8] }

// Factorise computes L Delta L^T of every system that Assemble made: the boxes, then the fronts, the deepest level first.
func (e *Engine[T]) Factorise() error {
	t, d := e.a.tables, e.a.device
	i, c := cuda.Int, 2*cuda.SizeOf[T]()
	common := []cuda.Arg{e.diagonal.Arg(), e.linksOf().Arg(), e.which.Arg(), i(t.plane), e.factor.Arg(), i(t.factor),
		e.update.Arg(), i(t.update)}
	end := []cuda.Arg{e.flag.Arg(), i(t.units), i(e.at.systems), i(len(e.a.problem.Frequencies))}
	list := func(offset, count int) []cuda.Arg {
		return append([]cuda.Arg{e.a.lists.Arg(), i(len(t.lists)), i(offset), i(count)}, common...)
	}
	args := append(list(t.boxes, t.boxCount), end...)
	args = append(args, i(t.slots), i(t.longest))
	if err := d.Run(of[T](boxes), t.boxCount*e.at.systems, append(args, t.boxesCost(c).args()...)...); err != nil {
		return err
	}
	for k := len(t.levels) - 1; k >= 0; k-- {
		l := &t.levels[k]
		for _, run := range []struct {
			kernel *kernel
			items  items
			cost   cost
		}{{pivots, l.fronts, l.pivotsCost(c)}, {panels, l.boundary, l.panelsCost(c)}, {updates, l.updates, l.updatesCost(c)}} {
			if run.items.count == 0 {
				continue
			}
			args := append(list(run.items.offset, run.items.count), e.panel.Arg(), i(t.panel))
			args = append(append(args, end...), run.cost.args()...)
			if err := d.Run(of[T](run.kernel), run.items.count*e.at.systems, args...); err != nil {
				return err
			}
		}
	}
	return nil
}

// solve overwrites x (systems, rows, count) with S^-1 x.
func (e *Engine[T]) solve(x cuda.Buffer, count int) error {
	t, c := e.a.tables, 2*cuda.SizeOf[T]()
	chunks := cuda.Blocks(count, tile)
	i := cuda.Int
	run := func(k *kernel, at items, costs cost) error {
		if at.count == 0 {
			return nil
		}
		args := []cuda.Arg{e.a.lists.Arg(), i(len(t.lists)), i(at.offset), i(at.count), i(chunks), e.factor.Arg(), i(t.factor),
			e.vector.Arg(), i(t.vectors), x.Arg(), i(t.nodes), i(count), i(e.at.systems), i(t.local)}
		return e.a.device.Run(of[T](k), at.count*chunks*e.at.systems, append(args, costs.args()...)...)
	}
	all := items{t.boxes, t.boxCount}
	if err := run(boxForward, all, t.boxForwardCost(c, count)); err != nil {
		return err
	}
	for k := len(t.levels) - 1; k >= 0; k-- {
		l := &t.levels[k]
		if err := run(forwardPivots, l.fronts, l.forwardPivotsCost(c, count)); err != nil {
			return err
		}
		if err := run(forwardBoundary, l.boundary, l.forwardBoundaryCost(c, count)); err != nil {
			return err
		}
	}
	for k := range t.levels {
		l := &t.levels[k]
		if err := run(backwardBoundary, l.pivots, l.backwardBoundaryCost(c, count)); err != nil {
			return err
		}
		if err := run(backwardPivots, l.fronts, l.backwardPivotsCost(c, count)); err != nil {
			return err
		}
	}
	return run(boxBackward, all, t.boxBackwardCost(c, count))
}
