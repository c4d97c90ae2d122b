package helmholtz

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

var ctx = context.Background()

// options returns the solver's table of a small or other set-up as JSON.
type options map[string]any

func (o options) with(more options) options {
	out := options{}
	for k, v := range o {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

func (o options) json(t testing.TB) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// smallSetup is the memorization study's small set-up, which is the oracle's too.
var smallSetup = options{
	"grid":         map[string]any{"nz": 64, "nx": 64, "spacing_m": 31.25},
	"boundary":     map[string]any{"kind": "pml", "cells": 10, "sigma_max": 100},
	"frequency_hz": []float64{4},
	"sources":      map[string]any{"positions_m": [][]float64{{0, 0}, {0, 468.75}, {0, 968.75}, {0, 1468.75}, {0, 1968.75}}},
	"receivers":    map[string]any{"z_m": 1968.75, "x_first_m": 0, "x_last_m": 1968.75, "count": 40},
}

// tiny is a set-up that solves in a moment: 9 x 12 nodes with 4 of layer.
var tiny = options{
	"grid":         map[string]any{"nz": 9, "nx": 12, "spacing_m": 50},
	"boundary":     map[string]any{"cells": 4, "sigma_max": 60},
	"frequency_hz": []float64{3, 5},
	"sources":      map[string]any{"positions_m": [][]float64{{0, 100}, {200, 0}, {400, 550}}},
	"receivers":    map[string]any{"z_m": 400, "x_first_m": 0, "x_last_m": 550, "count": 5},
}

func configure(t testing.TB, o options, threads int) (*Solver, contract.Configured) {
	t.Helper()
	s := New()
	c, err := s.Configure(ctx, contract.Config{Options: o.json(t), Threads: threads})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func cancelled() (context.Context, context.CancelFunc) {
	c, cancel := context.WithCancel(ctx)
	cancel()
	return c, cancel
}

func ok(t testing.TB, status []contract.Status, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range status {
		if s.Code != contract.OK {
			t.Fatalf("item %d: %v", i, s)
		}
	}
}

// batchOf makes a batch of a space of real numbers for each item.
func batchOf(c *contract.Configured, items ...[]float64) *tensor.Tensor {
	m := c.Model.New(len(items))
	for i, v := range items {
		m.Item(i).SetReals(v)
	}
	return m
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
		s, conf := configure(t, smallSetup.with(options{"precision": c.precision, "refinement_steps": c.refine}), 1)
		mt, d, g := batchOf(&conf, m), conf.Data.New(1), conf.Model.New(1)
		st, err := s.Forward(ctx, mt, d)
		ok(t, st, err)
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
		ok(t, st, err)
		o.check(t, what, complexes(v), g.AppendReals(nil), c.tol)
	}
}

// setupOf is what Configure left.
func setupOf(s *Solver) (c *setup) {
	s.kept.View(func(kept *setup) { c = kept })
	return c
}
