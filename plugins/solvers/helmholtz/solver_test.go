package helmholtz

import (
	"context"
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

var ctx = context.Background()

type (
	options = solvertest.Options
	section = solvertest.Section
)

// smallSetup is the memorization study's small set-up, which is the oracle's too.
var smallSetup = options{
	"grid":         section{"nz": 64, "nx": 64, "spacing_m": 31.25},
	"boundary":     section{"kind": "pml", "cells": 10, "sigma_max": 100},
	"frequency_hz": []float64{4},
	"sources":      section{"positions_m": [][]float64{{0, 0}, {0, 468.75}, {0, 968.75}, {0, 1468.75}, {0, 1968.75}}},
	"receivers":    section{"z_m": 1968.75, "x_first_m": 0, "x_last_m": 1968.75, "count": 40},
}

// tiny is a set-up that solves in a moment: 9 x 12 nodes with 4 of layer.
var tiny = options{
	"grid":         section{"nz": 9, "nx": 12, "spacing_m": 50},
	"boundary":     section{"cells": 4, "sigma_max": 60},
	"frequency_hz": []float64{3, 5},
	"sources":      section{"positions_m": [][]float64{{0, 100}, {200, 0}, {400, 550}}},
	"receivers":    section{"z_m": 400, "x_first_m": 0, "x_last_m": 550, "count": 5},
}

func configure(t testing.TB, o options, threads int) (*Solver, contract.Configured) {
	t.Helper()
	s := New()
	return s, solvertest.Configure(t, s, o, threads)
}

func cancelled() (context.Context, context.CancelFunc) {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c, cancel
}

func complexes(v []float64) []complex128 {
	out := make([]complex128, len(v)/2)
	for i := range out {
		out[i] = complex(v[2*i], v[2*i+1])
	}
	return out
}

// The given oracle, in both precisions: data and gradient of 1/2 |F(m) - 1.01 F(m)|^2.
func TestOracle(t *testing.T) {
	o, m := readOracle(t)
	for _, c := range []struct {
		precision string
		refine    int
		tol       float64
	}{{"float64", 0, 1e-6}, {"float32", 0, 1e-4}, {"float32", 1, 1e-4}} {
		what := fmt.Sprintf("%s, %d refinement steps", c.precision, c.refine)
		s, conf := configure(t, smallSetup.With(options{"precision": c.precision, "refinement_steps": c.refine}), 1)
		mt, d, g := solvertest.Batch(&conf, m), conf.Data.New(1), conf.Model.New(1)
		st, err := s.Forward(ctx, mt, d)
		solvertest.OK(t, st, err)
		v := d.AppendReals(nil)
		obs := conf.Data.New(1)
		w := make([]float64, len(v))
		for i := range w {
			w[i] = 1.01 * v[i]
		}
		obs.SetReals(w)
		if err := s.Observe(ctx, obs, []float64{1}); err != nil {
			t.Fatal(err)
		}
		phi := make([]float64, 1)
		st, err = s.Misfit(ctx, mt, []int{0}, phi, g)
		solvertest.OK(t, st, err)
		o.check(t, what, complexes(v), g.AppendReals(nil), c.tol)
	}
}

// setupOf is what Configure left.
func setupOf(s *Solver) (c *setup) {
	s.kept.View(func(kept *setup) { c = kept })
	return c
}
