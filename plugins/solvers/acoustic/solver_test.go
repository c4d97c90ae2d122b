package acoustic

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

// tiny is a set-up that is solved in a moment: 10 x 13 nodes of 10 m with 5 of layer, 60 steps, velocities 1125..6123 m/s.
var tiny = options{
	"preset":    "none",
	"grid":      section{"nz": 10, "nx": 13, "spacing_m": 10},
	"dt_s":      1e-3,
	"nt":        60,
	"boundary":  section{"cells": 5},
	"wavelet":   section{"peak_hz": 15, "delay_s": 0.02},
	"sources":   section{"positions_m": [][]float64{{20, 30}, {43, 66}}},
	"receivers": section{"z_m": 50, "x_first_m": 0, "x_last_m": 120, "count": 4},
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

// constant is a batch of one model of that velocity.
func constant(c *contract.Configured, v float64) *tensor.Tensor {
	m := c.Model.New(1)
	x := make([]float64, m.Len())
	for i := range x {
		x[i] = v
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
