package helmholtz

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/multifrontal"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// limited is a device with so much memory, and with an error that ends it.
type limited struct {
	cuda.Device
	bytes  int
	broken error
	asked  int // calls of Alloc
}

func (l *limited) Alloc(bytes int) (cuda.Buffer, error) {
	l.asked++
	if l.broken != nil {
		return cuda.Buffer{}, l.broken
	}
	if used, _ := l.Memory(); used+bytes > l.bytes {
		return cuda.Buffer{}, fmt.Errorf("%d of %d bytes are in use: %w", used, l.bytes, cuda.ErrOutOfMemory)
	}
	return l.Device.Alloc(bytes)
}

// current is what a solver was last configured with.
func current(s *Solver) (c *setup) {
	s.kept.View(func(now *setup) { c = now })
	return c
}

// within makes a solver compute on a device with that much memory beside what all calls share.
func within(t *testing.T, o options, room func(a *multifrontal.Analysis, dev cuda.Device) int) (*Solver, contract.Configured, *limited) {
	t.Helper()
	s, c := configure(t, o, 1)
	cpu, err := cuda.NewCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	dev := &limited{Device: cpu, bytes: 1 << 40}
	if current(s).device, err = current(s).newDevice(dev); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dev.broken = nil
		if err := current(s).device.close(); err != nil {
			t.Error(err)
		}
	})
	shared, _ := dev.Memory()
	dev.bytes = shared + room(current(s).device.analysis, dev)
	return s, c, dev
}

// Where the engine fits, and not what a task needs beside it, batches get smaller.
func TestDeviceMemoryBesideEngine(t *testing.T) {
	const seed, items = 44, 4
	s, c, dev := within(t, tiny, func(a *multifrontal.Analysis, dev cuda.Device) int {
		before, _ := dev.Memory()
		e, err := multifrontal.NewEngine[float32](a, 2*items, items, 1)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := dev.Memory()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		return after - before
	})
	workers, _ := configure(t, tiny, 1)
	var models [][]float64
	for k := range items {
		models = append(models, randomModel(seed, k, c.Model.Len()))
	}
	m, d := solvertest.Batch(&c, models...), c.Data.New(items)
	st, err := workers.Forward(ctx, m, d)
	solvertest.OK(t, st, err)
	var phi [2][]float64
	for k, solver := range []*Solver{workers, s} {
		if err := solver.Observe(ctx, d, []float64{1, 1, 1, 1}); err != nil {
			t.Fatal(err)
		}
		phi[k] = make([]float64, items)
		st, err = solver.Misfit(ctx, m, []int{1, 2, 3, 0}, phi[k], c.Model.New(items))
		solvertest.OK(t, st, err)
	}
	for i, want := range phi[0] {
		if e := math.Abs(phi[1][i]-want) / want; !(e <= 1e-4) {
			t.Errorf("misfit of item %d: %g, want %g", i, phi[1][i], want)
		}
	}
	if current(s).device.single.models >= items {
		t.Errorf("%d models at a time in %d bytes: the test does not see what it is for", current(s).device.single.models, dev.bytes)
	}
}

// Where memory is for one system of one model only, in one precision at a time, a batch gives what the workers give, in single
// precision and, for what that does not solve, in double; with less it is ErrOutOfMemory and nothing else.
func TestDeviceMemory(t *testing.T) {
	const seed = 43
	bytes := func(a *multifrontal.Analysis, _ cuda.Device) int { // of the least engine in double precision
		system, model := multifrontal.Bytes[float64](a, 1)
		return system + model + 17*64 // an engine's buffers have 64 bytes at least
	}
	o := tiny.With(options{"frequency_hz": []float64{3, 5, 4}})
	s, c, _ := within(t, o, bytes)
	items := []int{0, 1, 2}
	workers, _ := configure(t, o, 1)
	m := solvertest.Batch(&c, randomModel(seed, 0, c.Model.Len()), randomModel(seed, 1, c.Model.Len()), randomModel(seed, 2, c.Model.Len()))
	for _, limit := range []float64{singleResidual, 0} { // with 0 nothing is good enough: double precision does all, and then the workers
		d, want := c.Data.New(len(items)), c.Data.New(len(items))
		st, err := workers.Forward(ctx, m, want)
		solvertest.OK(t, st, err)
		left, _, err := current(s).device.run(ctx, m, items, current(s).forwardTask(d))
		if err != nil || len(left) != 0 {
			t.Fatalf("%v left: %v", left, err)
		}
		for _, i := range items {
			if e := relative(d.Item(i).AppendReals(nil), want.Item(i).AppendReals(nil)); !(e <= 1e-4) {
				t.Errorf("limit %g: data of item %d are off by %.2g", limit, i, e)
			}
		}
		double := current(s).forwardTask(d).double.(func([]int) chunk[float64])
		if left, err = runChunks(ctx, current(s).device, &current(s).device.double, m, items, 1, limit, double, nil); err != nil {
			t.Fatal(err)
		}
		if all := limit == 0; all != (len(left) == len(items)) || current(s).device.single.Engine != nil || current(s).device.double.systems != 1 {
			t.Errorf("limit %g: %v are left; single precision holds memory: %v; systems at a time: %d", limit, left,
				current(s).device.single.Engine != nil, current(s).device.double.systems)
		}
	}
	less, c, dev := within(t, o, func(a *multifrontal.Analysis, dev cuda.Device) int { return bytes(a, dev) / 4 })
	if _, err := less.Forward(ctx, m, c.Data.New(len(items))); !errors.Is(err, contract.ErrOutOfMemory) {
		t.Errorf("a quarter of what one system needs: %v", err)
	}
	dev.broken, dev.asked = errors.New("this device is no more"), 0
	if _, err := less.Forward(ctx, m, c.Data.New(len(items))); !errors.Is(err, dev.broken) || errors.Is(err, contract.ErrOutOfMemory) || dev.asked != 1 {
		t.Errorf("a device that is no more, asked %d times for memory: %v", dev.asked, err)
	}
	dev.broken, dev.bytes = nil, 1<<40
	st, err := less.Forward(ctx, m, c.Data.New(len(items)))
	solvertest.OK(t, st, err)
}
