package acoustic

import (
	"context"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

var ctx = context.Background()

type (
	options = solvertest.Options
	section = solvertest.Section
)

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
	return s, solvertest.Configure(t, s, o, threads)
}
