package elastic

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

var ctx = context.Background()

// options is the solver's table.
type options map[string]any

func (o options) with(more options) options {
	out := maps.Clone(o)
	maps.Copy(out, more)
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

type section = map[string]any

// tiny is a set-up that is solved in a moment: 9 x 12 nodes of 10 m with 5 of layer, 40 samples of 1 ms, vp up to 6061 m/s, waves
// from 1125 m/s on.
var tiny = options{
	"preset":    "none",
	"grid":      section{"nz": 9, "nx": 12, "spacing_m": 10},
	"dt_s":      1e-3,
	"nt":        40,
	"boundary":  section{"cells": 5},
	"wavelet":   section{"peak_hz": 15, "delay_s": 0.01},
	"sources":   section{"positions_m": [][]float64{{20, 30}, {43, 66}}},
	"receivers": section{"z_m": 50, "x_first_m": 0, "x_last_m": 110, "count": 3},
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

// uniform is a batch of one model that has those values everywhere: vp, vs, rho, as far as the model has them.
func uniform(c *contract.Configured, values ...float64) *tensor.Tensor {
	m := c.Model.New(1)
	x := make([]float64, m.Len())
	n := len(x) / len(c.Model.Quantities)
	for i := range x {
		x[i] = values[i/n]
	}
	m.SetReals(x)
	return m
}

// rough is a model with every node of its own: vp in 2600..3600 m/s, vs 0.5..0.6 of it, rho in 1900..2500 kg/m3.
func rough(c *contract.Configured) *tensor.Tensor {
	m := c.Model.New(1)
	x := make([]float64, m.Len())
	n := len(x) / len(c.Model.Quantities)
	part := func(i, of int) float64 { return float64(i*i%of) / float64(of) }
	for i := range n {
		values := map[string]float64{"vp": 2600 + 1000*part(i, 211), "rho": 1900 + 600*part(i, 149)}
		values["vs"] = values["vp"] * (0.5 + 0.1*part(i, 97))
		for k, q := range c.Model.Quantities {
			x[k*n+i] = values[q.Name]
		}
	}
	m.SetReals(x)
	return m
}

// forward returns the data of one model.
func forward(t testing.TB, s *Solver, c *contract.Configured, m *tensor.Tensor) []float64 {
	t.Helper()
	d := c.Data.New(m.Batch())
	st, err := s.Forward(ctx, m, d)
	ok(t, st, err)
	return d.AppendReals(nil)
}
