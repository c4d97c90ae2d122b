package solvertest

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// OnGPU is a solver that is configured for the first GPU, which may be the emulated one, whatever it is asked for.
type OnGPU struct{ contract.FullSolver }

// Configure implements contract.Plugin.
func (s OnGPU) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	c.Device, c.Threads = "cuda:0", 1
	return s.FullSolver.Configure(ctx, c)
}

// CUDAConformance runs the contract's suite on the GPU. A call has ten minutes: time on the emulated driver says nothing of a GPU's.
// Nine items are a batch, and a big one: 35 are for tiles of 32, and what is more for the memory that processes share. Waves in time have
// no tiles, and here is one process.
func CUDAConformance(t *testing.T, newSolver func() contract.FullSolver, o Options) {
	t.Helper()
	plugintest.Solver(t, func() contract.Solver { return OnGPU{newSolver()} },
		plugintest.Options{Options: o.JSON(t), Scale: 1, CallLimit: 10 * time.Minute, Batch: 9, Big: 9})
}

// InTime is a solver that embeds intime.Solver.
type InTime interface {
	contract.FullSolver
	contract.DeviceMeter
	Use(c *intime.Setup)
}

// CUDAAsCPU wants of the GPU what the CPU gives, to a normalised mean square error of 1e-12: data, misfit and gradient of a batch with a
// bad model in it, J and its transpose. models draws that many for a configured solver, std is the noise of the observation.
func CUDAAsCPU(t *testing.T, newSolver func() InTime, o Options, std float64, models func(c *contract.Configured, batch int) [][]float64) {
	t.Helper()
	cpu, gpu := newSolver(), newSolver()
	c := Configure(t, cpu, o, 1)
	Configure(t, OnGPU{gpu}, o, 1)
	t.Cleanup(func() { gpu.Use(nil) })
	want, got := everything(t, cpu, &c, std, models), everything(t, gpu, &c, std, models)
	for what := range want {
		off, size := 0.0, 0.0
		for i, x := range want[what] {
			off += (got[what][i] - x) * (got[what][i] - x)
			size += x * x
		}
		if !(off <= 1e-12*size) || size == 0 {
			t.Errorf("%s on the GPU: normalised mean square error %.3g (1e-12 is allowed), size %.3g", what, off/size, size)
		}
	}
	if gpu.DevicePeak() == 0 || cpu.DevicePeak() != 0 {
		t.Errorf("peak memory: %d bytes on the GPU, %d of one that was not used", gpu.DevicePeak(), cpu.DevicePeak())
	}
}

// everything is what all calls give for the good models of a batch.
func everything(t *testing.T, s InTime, c *contract.Configured, std float64, models func(c *contract.Configured, batch int) [][]float64) map[string][]float64 {
	t.Helper()
	const batch, bad = 3, 1
	ctx := context.Background()
	list := models(c, batch)
	list[bad][3] = math.NaN()
	judge := func(st []contract.Status, err error) {
		t.Helper()
		Must(t, err)
		for i := range batch {
			want := contract.OK
			if i == bad {
				want = contract.OutOfBounds
			}
			if got := contract.StatusAt(st, i); got.Code != want {
				t.Fatalf("item %d: %v, want %v", i, got, want)
			}
		}
	}
	m, d, g, phi := Batch(c, list...), c.Data.New(batch), c.Model.New(batch), make([]float64, batch)
	judge(s.Forward(ctx, m, d))
	Must(t, s.Observe(ctx, c.Data.New(1), []float64{std}))
	judge(s.Misfit(ctx, m, make([]int, batch), phi, g))
	dm := tensor.New(c.Model.DType, append([]int{1, 2}, c.Model.ItemShape()...)...)
	dd := tensor.New(c.Data.DType, append([]int{batch, 2}, c.Data.ItemShape()...)...)
	back := tensor.New(c.Model.DType, append([]int{batch, 2}, c.Model.ItemShape()...)...)
	w := make([]float64, dm.Len())
	for k := range w {
		w[k] = math.Cos(3 * float64(k))
	}
	dm.SetReals(w)
	judge(s.JVP(ctx, m, dm, dd))
	judge(s.VJP(ctx, m, dd, back))
	all := map[string][]float64{}
	for _, i := range []int{0, 2} {
		for what, x := range map[string]*tensor.Tensor{"data": d, "gradient": g, "tangent": dd, "transpose": back} {
			all[fmt.Sprint(what+" ", i)] = x.Item(i).AppendReals(nil)
		}
		all[fmt.Sprint("misfit ", i)] = phi[i : i+1]
	}
	return all
}
