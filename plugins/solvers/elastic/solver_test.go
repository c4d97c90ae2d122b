package elastic

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

type (
	options = solvertest.Options
	section = solvertest.Section
)

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
	return s, solvertest.Configure(t, s, o, threads)
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
