package helmholtz

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/multifrontal"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// deviceBytes bounds what a batch takes of a device at once; where the device has less, batches get smaller until they fit.
const deviceBytes = 48 << 30

// device solves whole batches of items on a GPU, in the place of the pool of workers: all items and frequencies that fit its
// memory in one go, models in, data or gradients out. One call at a time.
//
// An item that single precision does not solve well (a pivot near zero, or a residual above singleResidual) is solved in
// double precision there, with all others of its kind in one go; what is not solved then either goes to a worker, on the CPU,
// which corrects such pivots, or says why not.
type device struct {
	*setup
	bytes int // deviceBytes, or less where the device turned out to have less

	dev      cuda.Device
	mu       sync.Mutex
	closed   bool
	analysis *multifrontal.Analysis
	single   engineOf[float32]
	double   engineOf[float64]
}

// engineOf is an engine with its capacity, nil before it is needed.
type engineOf[T cuda.Float] struct {
	*multifrontal.Engine[T]
	systems, models, directions int
}

func (s *setup) openDevice(name string) (*device, error) {
	dev, err := cuda.Open(name, s.threads)
	if err != nil {
		return nil, fmt.Errorf("solver helmholtz: %w: %w", err, contract.ErrUnsupported)
	}
	d, err := s.newDevice(dev)
	if err != nil {
		return nil, errors.Join(err, dev.Close())
	}
	return d, nil
}

// newDevice uploads what all calls share.
func (s *setup) newDevice(dev cuda.Device) (*device, error) {
	p := multifrontal.Problem{NZ: s.nz, NX: s.nx, Cells: s.cells, Sources: s.sources, Receivers: s.receivers}
	for _, o := range s.operators {
		p.Frequencies = append(p.Frequencies, multifrontal.Frequency{Mass: o.mass, Links: o.links, Right: o.acrossX, Down: o.acrossZ, Strength: o.perH2})
	}
	a, err := multifrontal.NewAnalysis(dev, s.plan, p)
	if err != nil {
		return nil, fmt.Errorf("solver helmholtz: %w", kindOf(err))
	}
	return &device{setup: s, bytes: deviceBytes, dev: dev, analysis: a}, nil
}

// kindOf gives the contract's kind to an error of a device that has no memory.
func kindOf(err error) error {
	if errors.Is(err, cuda.ErrOutOfMemory) {
		return fmt.Errorf("%w: %w", contract.ErrOutOfMemory, err)
	}
	return err
}

// close ends the device when a call that runs has come to its end; calls that took the setup before get an error.
func (d *device) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	return errors.Join(d.single.release(), d.double.release(), d.analysis.Close(), d.dev.Close())
}

func (e *engineOf[T]) release() error {
	if e.Engine == nil {
		return nil
	}
	err := e.Close()
	*e = engineOf[T]{}
	return err
}

// task is a call on a batch: how many directions it has, and what it does with a chunk of the items in either precision.
type task struct {
	directions     int
	single, double any // func(items []int) chunk[T]
}

func newTask(directions int, single func([]int) chunk[float32], double func([]int) chunk[float64]) task {
	return task{directions, single, double}
}

// chunk is the work of a task on some items.
type chunk[T cuda.Float] interface {
	// part is called after the background fields of frequencies first to first+count-1 of all its items were queued.
	part(e *multifrontal.Engine[T], first, count, directions int) error
	// finish stores the results of the items that were solved; its statuses are those of items whose results are not finite.
	finish(solved func(i int) bool) map[int]contract.Status
}

// compute does the work of `each` on a device where there is one: t there, f on a worker of the CPU for items that are left.
func (s *setup) compute(ctx context.Context, m *tensor.Tensor, status []contract.Status, t task,
	f func(w *worker, item, frequency int) contract.Status) ([]contract.Status, error) {
	batch := m.Batch()
	if s.device == nil {
		return s.each(ctx, batch, status, f)
	}
	left, failed, err := s.device.run(ctx, m, calls.Good(batch, status), t)
	if err != nil {
		return nil, fmt.Errorf("solver helmholtz: %w", kindOf(err))
	}
	for i, st := range failed {
		status = contract.SetStatus(status, batch, i, st)
	}
	return s.eachOf(ctx, batch, left, status, f)
}

// run does a task for the items and returns those that were not solved, and what became of others that failed.
func (d *device) run(ctx context.Context, m *tensor.Tensor, items []int, t task) ([]int, map[int]contract.Status, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, nil, fmt.Errorf("configured anew during the call: %w", contract.ErrNotConfigured)
	}
	failed := map[int]contract.Status{}
	var err error
	if m.DType == tensor.Float32 && d.refine == 0 { // double precision is what refinement is after
		items, err = runChunks(ctx, d, &d.single, m, items, t.directions, singleResidual, t.single.(func([]int) chunk[float32]), failed)
		if err != nil {
			return nil, nil, err
		}
	}
	limit := singleResidual
	if m.DType == tensor.Float64 {
		limit = doubleResidual
	}
	items, err = runChunks(ctx, d, &d.double, m, items, t.directions, limit, t.double.(func([]int) chunk[float64]), failed)
	return items, failed, err
}

// runChunks does a task in T and returns the items that were not solved well.
func runChunks[T cuda.Float](ctx context.Context, d *device, e *engineOf[T], m *tensor.Tensor, items []int, directions int,
	limit float64, begin func([]int) chunk[T], failed map[int]contract.Status) (left []int, err error) {
	for len(items) > 0 {
		models, count, err := reserve(d, e, len(items), directions)
		if err != nil {
			return nil, err
		}
		now := items[:models]
		work := begin(now)
		bad, err := runChunk(ctx, d, e, m, now, count, limit, work)
		if errors.Is(err, cuda.ErrOutOfMemory) && models*count > 1 { // for what a task needs beside the engine: again, with less
			system, model := multifrontal.Bytes[T](d.analysis, e.directions)
			d.bytes = models * (count*system + model) / 2
			if err := e.release(); err != nil {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		items = items[models:]
		for k, st := range work.finish(func(k int) bool { return !bad[k] }) {
			failed[now[k]] = st
		}
		for k, i := range now {
			if bad[k] {
				left = append(left, i)
			}
		}
	}
	return left, nil
}

// runChunk does a task for as many items as the engine has room for, `count` frequencies at a time, and says which were not solved
// well.
func runChunk[T cuda.Float](ctx context.Context, d *device, e *engineOf[T], m *tensor.Tensor, items []int, count int, limit float64,
	work chunk[T]) (bad []bool, err error) {
	nf, cells := len(d.hz), d.nz*d.nx
	values := make([]T, len(items)*cells)
	for k, i := range items {
		readReals(m.Item(i), 0, values[k*cells:][:cells])
	}
	bad = make([]bool, len(items))
	for first := 0; first < nf; first += count {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n := min(count, nf-first)
		if err := e.Load(values, first, n); err != nil {
			return nil, err
		}
		if err := e.Background(); err != nil {
			return nil, err
		}
		if err := work.part(e.Engine, first, n, e.directions); err != nil {
			return nil, err
		}
		verdicts, err := e.Verdicts()
		if err != nil {
			return nil, err
		}
		for s, v := range verdicts {
			if v.Broken || !(v.Residual <= limit) {
				bad[s/n] = true
			}
		}
	}
	return bad, nil
}

// reserve makes an engine for as many items as there are or memory allows, and returns how many models and how many
// frequencies of each go at a time.
func reserve[T cuda.Float](d *device, e *engineOf[T], items, directions int) (models, frequencies int, err error) {
	nf := len(d.hz)
	directions = max(1, min(directions, sidesAtOnce/len(d.sources)))
	system, model := multifrontal.Bytes[T](d.analysis, directions)
	fit := max(1, d.bytes/(system*nf+model))
	if fit == 1 {
		nf = max(1, min(nf, (d.bytes-model)/system))
	}
	models = min(items, fit)
	for {
		if e.Engine != nil && e.systems >= models*nf && e.models >= models && e.directions >= directions {
			return models, nf, nil
		}
		if err := e.release(); err != nil {
			return 0, 0, err
		}
		made, err := multifrontal.NewEngine[T](d.analysis, models*nf, models, directions)
		switch {
		case err == nil:
			*e = engineOf[T]{made, models * nf, models, directions}
			return models, nf, nil
		case !errors.Is(err, cuda.ErrOutOfMemory):
			return 0, 0, err
		case models > 1: // less
			models = (models + 1) / 2
		case nf > 1:
			nf = (nf + 1) / 2
		case d.single.Engine == nil && d.double.Engine == nil: // the least there is
			return 0, 0, err
		default: // the engine of the other precision makes room
			if err := errors.Join(d.single.release(), d.double.release()); err != nil {
				return 0, 0, err
			}
		}
	}
}

// sidesAtOnce bounds the right-hand sides of one system that are solved together.
const sidesAtOnce = 64

// readReals reads elements of t from `from` on.
func readReals[T cuda.Float](t *tensor.Tensor, from int, out []T) {
	if t.DType == tensor.Float32 {
		for i, v := range t.Float32s()[from:][:len(out)] {
			out[i] = T(v)
		}
		return
	}
	for i, v := range t.Float64s()[from:][:len(out)] {
		out[i] = T(v)
	}
}
