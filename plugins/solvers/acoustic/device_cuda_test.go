//go:build cuda

package acoustic

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

func (s onGPU) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	c.Device, c.Threads = "cuda:0", 1
	return s.Solver.Configure(ctx, c)
}

// What the GPU gives is what the CPU gives, for both schemes: data, misfit and gradient of a batch with a bad model in it, J and
// its transpose.
func TestCUDAAsCPU(t *testing.T) {
	for name, o := range map[string]options{
		"cpml":    tiny.with(options{"nt": 40}),
		"openfwi": tiny.with(options{"nt": 40, "boundary": section{"kind": "openfwi", "cells": 6}}),
	} {
		t.Run(name, func(t *testing.T) {
			cpu, c := configure(t, o, 1)
			gpu := New()
			if _, err := (onGPU{gpu}).Configure(ctx, contract.Config{Options: o.json(t)}); err != nil {
				t.Fatal(err)
			}
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

func everythingOf(t *testing.T, s *Solver, c *contract.Configured) [][]float64 {
	t.Helper()
	const batch, bad = 3, 1
	m, d, g := c.Model.New(batch), c.Data.New(batch), c.Model.New(batch)
	for i := range batch {
		v := make([]float64, c.Model.Len())
		for k := range v {
			v[k] = 2000 + 100*float64(i) + 300*math.Sin(float64(k))
		}
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
	st, err := s.Forward(ctx, m, d)
	judge(st, err)
	if err := s.Observe(ctx, c.Data.New(1), []float64{0.5}); err != nil {
		t.Fatal(err)
	}
	phi := make([]float64, batch)
	st, err = s.Misfit(ctx, m, make([]int, batch), phi, g)
	judge(st, err)
	dm := tensor.New(c.Model.DType, append([]int{1, 2}, c.Model.ItemShape()...)...)
	dd := tensor.New(c.Data.DType, append([]int{batch, 2}, c.Data.ItemShape()...)...)
	back := tensor.New(c.Model.DType, append([]int{batch, 2}, c.Model.ItemShape()...)...)
	x := make([]float64, dm.Len())
	for k := range x {
		x[k] = math.Cos(3 * float64(k))
	}
	dm.SetReals(x)
	st, err = s.JVP(ctx, m, dm, dd)
	judge(st, err)
	st, err = s.VJP(ctx, m, dd, back)
	judge(st, err)
	var all [][]float64
	for i := range batch {
		if i != bad {
			all = append(all, d.Item(i).AppendReals(nil), g.Item(i).AppendReals(nil), phi[i:i+1], dd.Item(i).AppendReals(nil), back.Item(i).AppendReals(nil))
		}
	}
	return all
}

func TestCUDAConformance(t *testing.T) {
	plugintest.Solver(t, func() contract.Solver { return onGPU{New()} }, plugintest.Options{Options: tiny.with(options{"precision": "float64", "nt": 30}).json(t), Scale: 1})
}
