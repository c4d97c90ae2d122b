package helmholtz

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

func TestOptionErrors(t *testing.T) {
	line := func(z, first, last float64, n int) section {
		return section{"z_m": z, "x_first_m": first, "x_last_m": last, "count": n}
	}
	list := func(zx ...[]float64) section { return section{"positions_m": zx} }
	solvertest.RefusedOptions(t, func() contract.Solver { return New() }, tiny, map[string]solvertest.Refused{
		"no grid":            {options{"grid": nil}, "grid"},
		"one row":            {options{"grid": section{"nz": 1, "nx": 12, "spacing_m": 50}}, "grid.nz"},
		"too many nodes":     {options{"grid": section{"nz": 8192, "nx": 8192, "spacing_m": 50}}, "a grid of 8200 x 8200 nodes, allowed are 1 to 8192 a side"},
		"spacing":            {options{"grid": section{"nz": 9, "nx": 12, "spacing_m": 0}}, "spacing_m"},
		"boundary":           {options{"boundary": section{"kind": "sponge", "cells": 4, "sigma_max": 60}}, "sponge"},
		"no cells":           {options{"boundary": section{"cells": 0, "sigma_max": 60}}, "cells"},
		"no frequency":       {options{"frequency_hz": []float64{}}, "frequency_hz"},
		"frequency 0":        {options{"frequency_hz": []float64{3, 0}}, "frequency_hz"},
		"frequency twice":    {options{"frequency_hz": []float64{3, 5, 3}}, "frequency_hz 0 and 2 are both 3 Hz"},
		"frequency too high": {options{"frequency_hz": []float64{1e8}}, "fewer than 4 nodes per wavelength"},
		"precision":          {options{"precision": "float16"}, "float16"},
		"edge gradient":      {options{"edge_gradient": "none"}, "none"},
		"no sources":         {options{"sources": section{}}, "sources: there are none"},
		"source below":       {options{"sources": list([]float64{0, 0}, []float64{450, 0})}, "sources: position 1 lies outside the grid (z = 450 m, the grid's nodes are at 0..400 m)"},
		"source beside":      {options{"sources": list([]float64{0, -1})}, "sources: position 0 lies outside the grid (x = -1 m, the grid's nodes are at 0..550 m)"},
		"source NaN":         {options{"sources": list([]float64{0, 1e300})}, "x = 1e+300 m"},
		"source of three":    {options{"sources": list([]float64{0, 0, 0})}, "position 0 has 3 numbers"},
		"source twice":       {options{"sources": list([]float64{0, 0}, []float64{100, 0}, []float64{10, 49})}, "positions 0 and 2 both lie in the cell of node (iz 0, ix 0)"},
		"receiver beside":    {options{"receivers": line(0, 0, 600, 3)}, "receivers: position 2 lies outside the grid (x = 600 m"},
		"receivers too many": {options{"receivers": line(0, 0, 550, 13)}, "both lie in the cell"},
		"receivers two ways": {options{"receivers": section{"z_m": 0, "x_first_m": 0, "x_last_m": 50, "count": 2, "positions_m": [][]float64{{0, 0}}}}, "both given"},
		"half a line":        {options{"receivers": section{"z_m": 0, "count": 2}}, "2 of them are given"},
		"a line of one":      {options{"receivers": line(0, 0, 50, 1)}, "one point cannot lie at both"},
		"unknown":            {options{"sigma": 1}, "sigma"},
	})
}

// The study's lines land in the cells that it says: int(linspace(0, 63, 40)), and columns 2, 15, 29, ..., 197.
func TestCells(t *testing.T) {
	o, _ := readOracle(t)
	line := func(z, first, last float64, n int) seismic.Positions {
		return seismic.Positions{ZM: &z, XFirstM: &first, XLastM: &last, Count: &n}
	}
	small := &Grid{NZ: 64, NX: 64, SpacingM: 31.25}
	published := &Grid{NZ: 200, NX: 200, SpacingM: 10}
	every := make([]int, 196)
	for i := range every {
		every[i] = i + 2
	}
	third := func(k int) float64 { return float64(k) * (2000.0 / 3) / 64 } // a spacing without an exact binary form
	for _, c := range []struct {
		name string
		p    seismic.Positions
		g    *Grid
		ix   []int
		iz   int
	}{
		{"receivers of the small set-up", line(1968.75, 0, 1968.75, 40), small, o.recIX, 63},
		{"sources of the small set-up, published rule", line(0, 0, 1968.75, 5), small, []int{0, 15, 31, 47, 63}, 0},
		{"sources of the published set-up", line(20, 20, 1970, 15), published, []int{2, 15, 29, 43, 57, 71, 85, 99, 113, 127, 141, 155, 169, 183, 197}, 2},
		{"receivers of the published set-up", line(1970, 20, 1970, 196), published, every, 197},
		{"nodes that rounding misses", seismic.Positions{PositionsM: [][]float64{{third(3), third(7)}, {third(3), third(29)}, {third(3), third(63)}}},
			&Grid{NZ: 64, NX: 64, SpacingM: 2000.0 / 3 / 64}, []int{7, 29, 63}, 3},
		{"between nodes, rounded down", seismic.Positions{PositionsM: [][]float64{{31, 62.4}, {31, 62.6}, {31, 1999.9}}}, small, []int{1, 2, 63}, 0},
	} {
		got, err := locate(&c.p, "receivers", "receiver", c.g)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(got.ix) != len(c.ix) {
			t.Errorf("%s: %d points, want %d", c.name, len(got.ix), len(c.ix))
			continue
		}
		for i := range c.ix {
			if got.ix[i] != c.ix[i] || got.iz[i] != c.iz {
				t.Errorf("%s: point %d lies in (%d, %d), want (%d, %d)", c.name, i, got.iz[i], got.ix[i], c.iz, c.ix[i])
			}
		}
	}
}

// What no wave goes through, or none that the grid carries, is a status with the numbers.
func TestModelStatus(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		t.Run(precision, func(t *testing.T) {
			s, c := configure(t, tiny.With(options{"precision": precision}), 1) // 5 Hz, 50 m: 1000 m/s are 4 nodes per wavelength
			solvertest.ModelStatus(t, s, &c, randomModel(1, 0, c.Model.Len()), 1*12+5, []solvertest.Node{
				{[]float64{math.NaN()}, contract.OutOfBounds, "squared_slowness is NaN at [0 1 5]"},
				{[]float64{math.Inf(1)}, contract.OutOfBounds, "+Inf"},
				{[]float64{math.Inf(-1)}, contract.OutOfBounds, "-Inf"},
				{[]float64{0}, contract.OutOfBounds, "below its lower bound"},
				{[]float64{-0.25}, contract.OutOfBounds, "squared_slowness is -0.25 s2/km2 at [0 1 5]"},
				{[]float64{1.5625}, contract.Unstable, "squared slowness 1.562 s2/km2 at (iz 1, ix 5) is a velocity of 800 m/s: at 5 Hz and a spacing of 50 m that is 3.2 nodes per wavelength, at least 4 are needed (at most 1 s2/km2)"},
				{[]float64{1}, contract.OK, ""},
				{[]float64{1e-6}, contract.OK, ""},
			})
		})
	}
}

func TestCallErrors(t *testing.T) {
	s, c := configure(t, tiny, 1)
	m := solvertest.Batch(&c, randomModel(1, 0, c.Model.Len()), randomModel(1, 1, c.Model.Len()))
	solvertest.RefusedCalls(t, s, &c, m.Slice(0, 1))
	nan := c.Data.New(1)
	nan.Complex64s()[3] = complex(0, float32(math.NaN()))
	if err := s.Observe(ctx, nan, []float64{1}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("NaN observed: %v", err)
	}
	solvertest.Must(t, s.Observe(ctx, c.Data.New(1), []float64{1}))
	if _, err := s.Misfit(ctx, m, []int{0, 1}, make([]float64, 2), nil); !errors.Is(err, contract.ErrNoObservation) || !strings.Contains(err.Error(), "item 1 asks for observation 1") {
		t.Errorf("an observation that is not there: %v", err)
	}
	if _, err := s.Misfit(ctx, m, []int{0}, make([]float64, 2), nil); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("one observation number for two models: %v", err)
	}
	ended, cancel := cancelled()
	defer cancel()
	if _, err := s.Forward(ended, m, c.Data.New(2)); !errors.Is(err, ended.Err()) {
		t.Errorf("a call that was cancelled: %v", err)
	}
}
