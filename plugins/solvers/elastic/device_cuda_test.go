//go:build cuda

package elastic

import (
	"context"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
)

// onGPU is a Solver that is configured for the first GPU, which may be the emulated one.
type onGPU struct{ *Solver }

func (s onGPU) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	c.Device, c.Threads = "cuda:0", 1
	return s.Solver.Configure(ctx, c)
}

// What the GPU gives is what the CPU gives, with all fields and with vp alone below a free surface: data, misfit and gradient of a
// batch with a bad model in it, J and its transpose.
func TestCUDAAsCPU(t *testing.T) {
	for name, o := range map[string]options{
		"vp, vs, rho": tiny.with(options{"nt": 16}),
		"vp alone":    tiny.with(options{"nt": 16, "free_surface": true, "vs": section{"poisson": 0.25}, "rho": section{"gardner": true}}),
	} {
		t.Run(name, func(t *testing.T) {
			cpu, c := configure(t, o, 1)
			gpu := New()
			if _, err := (onGPU{gpu}).Configure(ctx, contract.Config{Options: o.json(t)}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { gpu.Use(nil) })
			want, got := everythingOf(t, cpu, &c), everythingOf(t, gpu, &c)
			for k := range want {
				off, size := 0.0, 0.0
				for i, x := range want[k] {
					off += (got[k][i] - x) * (got[k][i] - x)
					size += x * x
				}
				if !(off <= 1e-12*size) || size == 0 {
					t.Errorf("result %d: normalised mean square error %.3g (1e-12 is allowed), size %.3g", k, off/size, size)
				}
			}
			if gpu.DevicePeak() == 0 || cpu.DevicePeak() != 0 {
				t.Errorf("peak memory: %d bytes on the GPU, %d of one that was not used", gpu.DevicePeak(), cpu.DevicePeak())
			}
		})
	}
}

func everythingOf(t *testing.T, s *Solver, c *contract.Configured) (all [][]float64) {
	t.Helper()
	const batch, bad = 3, 1
	m, d, g := c.Model.New(batch), c.Data.New(batch), c.Model.New(batch)
	x := rough(c).AppendReals(nil)
	for i := range batch {
		v := append([]float64(nil), x...)
		v[i] *= 1.02
		if i == bad {
			v[3] = math.NaN()
		}
		m.Item(i).SetReals(v)
	}
	judge := func(st []contract.Status, err error) {
		t.Helper()
		if err != nil || contract.StatusAt(st, 0).Code != contract.OK || contract.StatusAt(st, bad).Code != contract.OutOfBounds || contract.StatusAt(st, 2).Code != contract.OK {
			t.Fatalf("%v %v", st, err)
		}
	}
	judge(s.Forward(ctx, m, d))
	if err := s.Observe(ctx, c.Data.New(1), []float64{1e-9}); err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, batch)
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
	for i := range batch {
		if i != bad {
			all = append(all, d.Item(i).AppendReals(nil), g.Item(i).AppendReals(nil), phi[i:i+1], dd.Item(i).AppendReals(nil), back.Item(i).AppendReals(nil))
		}
	}
	return all
}

func TestCUDAConformance(t *testing.T) {
	o := tiny.with(options{"wavelet": section{"peak_hz": 8, "delay_s": 0.01}, "precision": "float64", "nt": 20, "vs": section{"poisson": 0.25}, "rho": section{"gardner": true}})
	plugintest.Solver(t, func() contract.Solver { return onGPU{New()} }, plugintest.Options{Options: o.json(t), Scale: 1})
}
