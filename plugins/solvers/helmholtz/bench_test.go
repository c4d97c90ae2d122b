package helmholtz

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// publishedSetup is the memorization study's published set-up.
var publishedSetup = options{
	"grid":         section{"nz": 200, "nx": 200, "spacing_m": 10},
	"boundary":     section{"kind": "pml", "cells": 30, "sigma_max": 200},
	"frequency_hz": []float64{6},
	"sources":      section{"z_m": 20, "x_first_m": 20, "x_last_m": 1970, "count": 15},
	"receivers":    section{"z_m": 1970, "x_first_m": 20, "x_last_m": 1970, "count": 196},
}

// bench is a solver with observations of another model, and a batch of smooth models.
func bench(b *testing.B, o options, batch int) (*Solver, contract.Configured, *tensor.Tensor) {
	s, c := configure(b, o, 1)
	n := c.Model.Axes[1].Size
	m := c.Model.New(batch + 1)
	for i := range batch + 1 {
		v := make([]float64, n*n)
		for k := range v {
			v[k] = 0.25 + 0.02*float64(i%3)*float64(k%n)/float64(n) - 0.03*float64(k/n)/float64(n)
		}
		m.Item(i).SetReals(v)
	}
	d := c.Data.New(1)
	st, err := s.Forward(ctx, m.Slice(batch, batch+1), d)
	solvertest.OK(b, st, err)
	if err := s.Observe(ctx, d, []float64{1e-3}); err != nil {
		b.Fatal(err)
	}
	return s, c, m.Slice(0, batch)
}

// measure runs call and reports milliseconds of wall and of processor time per unit, units a call.
func measure(b *testing.B, unit string, units int, call func() error) {
	cpu := func() float64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e6
	}
	begin := cpu()
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N * units)
	b.ReportMetric(b.Elapsed().Seconds()*1e3/n, "ms/"+unit)
	b.ReportMetric((cpu()-begin)/n, "cpu-ms/"+unit)
}

// BenchmarkGradient is a misfit with its gradient, on one thread: one factorisation, and a solve forward and adjoint for
// all shots. ms/item is the figure.
func BenchmarkGradient(b *testing.B) {
	for _, c := range []struct {
		name  string
		o     options
		batch int
	}{{"small", smallSetup, 32}, {"published", publishedSetup, 2}} {
		for _, precision := range []options{{"precision": "float32"}, {"precision": "float32", "refinement_steps": 1}, {"precision": "float64"}} {
			name := fmt.Sprint(c.name, "/", precision["precision"])
			if precision["refinement_steps"] != nil {
				name += "-refined"
			}
			b.Run(name, func(b *testing.B) {
				s, conf, m := bench(b, c.o.With(precision), c.batch)
				which, phi, g := make([]int, c.batch), make([]float64, c.batch), conf.Model.New(c.batch)
				measure(b, "item", c.batch, func() error { _, err := s.Misfit(ctx, m, which, phi, g); return err })
			})
		}
	}
}

// BenchmarkForward is the data alone.
func BenchmarkForward(b *testing.B) {
	for _, c := range []struct {
		name  string
		o     options
		batch int
	}{{"small", smallSetup, 32}, {"published", publishedSetup, 2}} {
		b.Run(c.name, func(b *testing.B) {
			s, conf, m := bench(b, c.o, c.batch)
			d := conf.Data.New(c.batch)
			measure(b, "item", c.batch, func() error { _, err := s.Forward(ctx, m, d); return err })
		})
	}
}

// BenchmarkDirections is JVP and VJP of one model along 100 directions, the latent coordinates of the study.
func BenchmarkDirections(b *testing.B) {
	const k = 100
	for _, c := range []struct {
		name string
		o    options
	}{{"small", smallSetup}, {"published", publishedSetup}} {
		s, conf, m := bench(b, c.o, 1)
		dm := tensor.New(conf.Model.DType, append([]int{1, k}, conf.Model.ItemShape()...)...)
		w := tensor.New(conf.Data.DType, append([]int{1, k}, conf.Data.ItemShape()...)...)
		dm.SetReals(randoms(1, "dm", dm.Reals()))
		w.SetReals(randoms(1, "w", w.Reals()))
		dd, g := tensor.New(conf.Data.DType, w.Shape...), tensor.New(conf.Model.DType, dm.Shape...)
		for name, call := range map[string]func() error{
			"jvp": func() error { _, err := s.JVP(ctx, m, dm, dd); return err },
			"vjp": func() error { _, err := s.VJP(ctx, m, w, g); return err },
		} {
			b.Run(c.name+"/"+name, func(b *testing.B) { measure(b, "direction", k, call) })
		}
	}
}
