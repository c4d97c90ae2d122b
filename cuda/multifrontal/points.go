package multifrontal

/*
#include <stdint.h>
int helm_diagonals_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_diagonals_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_source_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_source_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_receive_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_receive_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_tangent_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_tangent_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_sample_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_sample_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_products_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_products_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_fold_x_cpu(const uint64_t*, int64_t, int64_t);
int helm_fold_z_cpu(const uint64_t*, int64_t, int64_t);
int helm_residual_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_residual_f64_cpu(const uint64_t*, int64_t, int64_t);
int helm_misfit_f32_cpu(const uint64_t*, int64_t, int64_t);
int helm_misfit_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"fmt"

	"github.com/waveprior/waveprior/cuda"
)

var (
	diagonals = both("helm_diagonals", C.helm_diagonals_f32_cpu, C.helm_diagonals_f64_cpu, 256, nil)
	source    = both("helm_source", C.helm_source_f32_cpu, C.helm_source_f64_cpu, 256, nil)
	receive   = both("helm_receive", C.helm_receive_f32_cpu, C.helm_receive_f64_cpu, 256, nil)
	tangent   = both("helm_tangent", C.helm_tangent_f32_cpu, C.helm_tangent_f64_cpu, 256, nil)
	sample    = both("helm_sample", C.helm_sample_f32_cpu, C.helm_sample_f64_cpu, 256, nil)
	products  = both("helm_products", C.helm_products_f32_cpu, C.helm_products_f64_cpu, 256, nil)
	foldX     = cuda.NewKernel("helm_fold_x", C.helm_fold_x_cpu, nil)
	foldZ     = cuda.NewKernel("helm_fold_z", C.helm_fold_z_cpu, nil)
	residual  = both("helm_residual", C.helm_residual_f32_cpu, C.helm_residual_f64_cpu, 256, sums)
	misfit    = both("helm_misfit", C.helm_misfit_f32_cpu, C.helm_misfit_f64_cpu, 256, sums)
)

// sums is the shared memory of a block that sums in double: 64 of them, in complex numbers of whichever size.
func sums([]cuda.Arg) int { return 64 }

// points is the number of elements that a unit of a point kernel does.
const points = 1024

// each runs a point kernel over n elements.
func (e *Engine[T]) each(k *cuda.Kernel, n int, args ...cuda.Arg) error {
	return e.a.device.Run(k, cuda.Blocks(n, points), append(args, cuda.Int(points))...)
}

// Load uploads models (models, nz, nx) and makes the systems of the next calls: every model at the frequencies first to
// first+frequencies-1, those of a model one after the other.
func (e *Engine[T]) Load(models []T, first, frequencies int) error {
	p := &e.a.problem
	cells := p.NZ * p.NX
	b := batch{models: len(models) / cells, first: first, frequencies: frequencies}
	b.systems = b.models * frequencies
	if len(models) == 0 || len(models)%cells != 0 || first < 0 || frequencies < 1 || first+frequencies > len(p.Frequencies) ||
		b.systems > e.systems || b.models > e.models {
		return fmt.Errorf("multifrontal: %d numbers of models of %d x %d at frequencies %d to %d of %d, for %d systems of %d models at most",
			len(models), p.NZ, p.NX, first, first+frequencies-1, len(p.Frequencies), e.systems, e.models)
	}
	which := make([]int32, 0, 2*b.systems)
	for s := range b.systems {
		which = append(which, int32(s/frequencies), int32(first+s%frequencies))
	}
	if err := e.a.device.Upload(e.model, bytesOf(models)); err != nil {
		return err
	}
	if err := e.a.device.Upload(e.which, bytesOf(which)); err != nil {
		return err
	}
	e.at = b
	return nil
}

// Assemble writes the diagonals of all systems.
func (e *Engine[T]) Assemble() error {
	p, b, i := &e.a.problem, &e.at, cuda.Int
	return e.each(of[T](diagonals), b.systems*e.a.tables.plane, e.diagonal.Arg(), e.model.Arg(), e.which.Arg(), e.a.operators.Arg(),
		i(b.models), i(b.systems), i(len(p.Frequencies)), i(p.NZ), i(p.NX), i(p.Cells))
}

// Background assembles and factorises all systems, solves for the fields u of all shots, and measures what Verdicts returns.
func (e *Engine[T]) Background() error {
	t, p, b, i := e.a.tables, &e.a.problem, &e.at, cuda.Int
	ns := len(p.Sources)
	if err := e.Assemble(); err != nil {
		return err
	}
	if err := e.Factorise(); err != nil {
		return err
	}
	if err := e.each(of[T](source), b.systems*t.nodes*ns, e.u.Arg(), e.a.sourceAt.Arg(), i(b.systems), i(t.nodes), i(ns)); err != nil {
		return err
	}
	if err := e.solve(e.u, ns); err != nil {
		return err
	}
	return e.a.device.Run(of[T](residual), b.systems, e.residual.Arg(), e.u.Arg(), e.model.Arg(), e.which.Arg(), e.a.rows.Arg(),
		e.a.operators.Arg(), e.flag.Arg(), i(b.models), i(b.systems), i(len(p.Frequencies)), i(p.NZ), i(p.NX), i(p.Cells), i(ns),
		i(p.Sources[0]), i(t.units))
}

// Verdict says how good a system's solution is.
type Verdict struct {
	Residual float64 // |b - S u|/|b| of the first shot, in float64; NaN where u is not finite
	Broken   bool    // a pivot was nearly zero, and nothing was done about it
}

// Verdicts reads how good the systems are that Background solved.
func (e *Engine[T]) Verdicts() ([]Verdict, error) {
	numbers := make([]float64, 2*e.at.systems)
	if err := e.a.device.Download(bytesOf(numbers), e.residual); err != nil {
		return nil, err
	}
	out := make([]Verdict, e.at.systems)
	for s := range out {
		out[s] = Verdict{Residual: numbers[2*s], Broken: numbers[2*s+1] != 0}
	}
	return out, nil
}

// sample writes x's values at the receivers to data (systems, count, receivers).
func (e *Engine[T]) sample(x cuda.Buffer, count int) error {
	p, b, i := &e.a.problem, &e.at, cuda.Int
	nr := len(p.Receivers)
	return e.each(of[T](sample), b.systems*count*nr, e.data.Arg(), x.Arg(), e.a.receiver.Arg(), e.which.Arg(), e.a.strength.Arg(),
		i(b.systems), i(len(p.Frequencies)), i(e.a.tables.nodes), i(count), i(nr))
}

// download reads systems count receivers complex numbers of T, two T each.
func (e *Engine[T]) download(out []T, count int) error {
	if n := 2 * e.at.systems * count * len(e.a.problem.Receivers); len(out) != n {
		return fmt.Errorf("multifrontal: room for %d numbers of data, there are %d", len(out), n)
	}
	return e.a.device.Download(bytesOf(out), e.data)
}

// Data reads u at the receivers: (systems, shots, receivers) complex numbers.
func (e *Engine[T]) Data(out []T) error {
	ns := len(e.a.problem.Sources)
	if err := e.sample(e.u, ns); err != nil {
		return err
	}
	return e.download(out, ns)
}

// Tangent reads the change of the data along dm (sets, directions, nz, nx), a set for each model or one for all: (systems,
// directions, shots, receivers) complex numbers. Background was called before.
func (e *Engine[T]) Tangent(dm []T, directions int, out []T) error {
	t, p, b, i := e.a.tables, &e.a.problem, &e.at, cuda.Int
	ns := len(p.Sources)
	sets := len(dm) / (directions * p.NZ * p.NX)
	if directions < 1 || directions*ns > e.count || sets != b.models && sets != 1 || len(dm) != sets*directions*p.NZ*p.NX {
		return fmt.Errorf("multifrontal: %d numbers of %d directions for %d models of %d x %d, at most %d directions at a time",
			len(dm), directions, b.models, p.NZ, p.NX, e.count/ns)
	}
	buffer, err := upload(e.a.device, bytesOf(dm))
	if err != nil {
		return err
	}
	defer func() { _ = e.a.device.Free(buffer) }() // it was allocated just now
	own := 0
	if sets > 1 {
		own = 1
	}
	count := directions * ns
	if err := e.each(of[T](tangent), b.systems*t.nodes*count, e.x.Arg(), e.u.Arg(), buffer.Arg(), e.which.Arg(), e.a.nodes.Arg(),
		e.a.operators.Arg(), i(sets), i(b.systems), i(len(p.Frequencies)), i(p.NZ), i(p.NX), i(p.Cells), i(directions), i(ns), i(own)); err != nil {
		return err
	}
	if err := e.solve(e.x, count); err != nil {
		return err
	}
	if err := e.sample(e.x, count); err != nil {
		return err
	}
	return e.download(out, count)
}

// SetObservations keeps observations d (observations, frequencies, shots, receivers) and their standard deviations tau on the
// device. key, if not nil, names them: with the key of the last call nothing is done.
func (e *Engine[T]) SetObservations(key any, d []complex128, tau []float64) error {
	if key != nil && key == e.seen {
		return nil
	}
	p := &e.a.problem
	if n := len(p.Frequencies) * len(p.Sources) * len(p.Receivers); len(tau) == 0 || len(d) != len(tau)*n {
		return fmt.Errorf("multifrontal: %d data in %d observations of %d each", len(d), len(tau), n)
	}
	e.seen = nil
	for _, b := range []struct {
		to   *cuda.Buffer
		data []byte
	}{{&e.observed, bytesOf(d)}, {&e.tau, bytesOf(tau)}, {&e.observation, make([]byte, 4*e.models)}} {
		if !b.to.IsNil() {
			if err := e.a.device.Free(*b.to); err != nil {
				return err
			}
			*b.to = cuda.Buffer{}
		}
		var err error
		if *b.to, err = upload(e.a.device, b.data); err != nil {
			return err
		}
	}
	e.observations, e.seen = len(tau), key
	return nil
}

// Misfit reads phi = 1/2 sum |u - d|^2/tau^2 of every system, of its model's observation, into phi. With gradient it adds the
// adjoint fields' products to what Gradients reads. Background was called before.
func (e *Engine[T]) Misfit(observation []int, phi []float64, gradient, layer, more bool) error {
	t, p, b, i := e.a.tables, &e.a.problem, &e.at, cuda.Int
	if len(observation) != b.models || len(phi) != b.systems || e.observed.IsNil() {
		return fmt.Errorf("multifrontal: %d observation numbers and %d places for misfits of %d models and %d systems", len(observation),
			len(phi), b.models, b.systems)
	}
	numbers := make([]int32, len(observation))
	for m, k := range observation {
		if k < 0 || k >= e.observations {
			return fmt.Errorf("multifrontal: observation %d, there are 0 to %d", k, e.observations-1)
		}
		numbers[m] = int32(k)
	}
	if err := e.a.device.Upload(e.observation, bytesOf(numbers)); err != nil {
		return err
	}
	ns, nr := len(p.Sources), len(p.Receivers)
	if err := e.a.device.Run(of[T](misfit), b.systems, e.phi.Arg(), e.weight.Arg(), e.data.Arg(), e.u.Arg(), e.observed.Arg(),
		e.observation.Arg(), e.tau.Arg(), e.a.receiver.Arg(), e.which.Arg(), e.a.strength.Arg(), i(e.observations), i(b.models),
		i(b.systems), i(len(p.Frequencies)), i(t.nodes), i(ns), i(nr)); err != nil {
		return err
	}
	if gradient {
		if err := e.adjoint(1, layer, more); err != nil {
			return err
		}
	}
	return e.a.device.Download(bytesOf(phi), e.phi)
}

// Adjoint adds to what Gradients reads the transpose of Tangent applied to w (systems, directions, shots, receivers), each times
// its weight (systems, directions); layer: the absorbing layer's share is added to the edge nodes. more: to what the last call
// left, else to zero. w holds the conjugates. Background was called before.
func (e *Engine[T]) Adjoint(w []T, weight []float64, directions int, layer, more bool) error {
	p, b := &e.a.problem, &e.at
	if n := b.systems * directions; directions < 1 || directions*len(p.Sources) > e.count || len(weight) != n ||
		len(w) != 2*n*len(p.Sources)*len(p.Receivers) {
		return fmt.Errorf("multifrontal: %d numbers of cotangents and %d weights of %d directions for %d systems, at most %d directions at a time",
			len(w), len(weight), directions, b.systems, e.count/len(p.Sources))
	}
	if err := e.a.device.Upload(e.data, bytesOf(w)); err != nil {
		return err
	}
	if err := e.a.device.Upload(e.weight, bytesOf(weight)); err != nil {
		return err
	}
	return e.adjoint(directions, layer, more)
}

// adjoint is Adjoint of the cotangents in data.
func (e *Engine[T]) adjoint(directions int, layer, more bool) error {
	t, p, b, i := e.a.tables, &e.a.problem, &e.at, cuda.Int
	ns, pz := len(p.Sources), p.NZ+2*p.Cells
	count := directions * ns
	flag := func(on bool) cuda.Arg {
		if on {
			return 1
		}
		return 0
	}
	if err := e.each(of[T](receive), b.systems*t.nodes*count, e.x.Arg(), e.a.receiverAt.Arg(), e.data.Arg(), i(b.systems), i(t.nodes),
		i(count), i(len(p.Receivers))); err != nil {
		return err
	}
	if err := e.solve(e.x, count); err != nil {
		return err
	}
	if err := e.each(of[T](products), b.systems*directions*t.nodes, e.product.Arg(), e.u.Arg(), e.x.Arg(), e.a.rows.Arg(), e.which.Arg(),
		e.a.operators.Arg(), e.a.strength.Arg(), i(b.systems), i(len(p.Frequencies)), i(t.nodes), i(directions), i(ns)); err != nil {
		return err
	}
	lines := b.systems * directions * pz
	if err := e.each(foldX, lines*p.NX, e.fold.Arg(), e.product.Arg(), i(lines), i(p.NZ), i(p.NX), i(p.Cells), flag(layer)); err != nil {
		return err
	}
	return e.each(foldZ, b.models*directions*p.NZ*p.NX, e.sum.Arg(), e.fold.Arg(), e.weight.Arg(), i(b.models), i(directions),
		i(b.frequencies), i(p.NZ), i(p.NX), i(p.Cells), flag(layer), flag(more))
}

// Gradients reads what Misfit or Adjoint summed: (models, directions, nz, nx).
func (e *Engine[T]) Gradients(out []float64) error {
	if len(out)*8 > e.sum.Bytes() {
		return fmt.Errorf("multifrontal: %d numbers of gradients, there are %d", len(out), e.sum.Bytes()/8)
	}
	return e.a.device.Download(bytesOf(out), e.sum)
}
