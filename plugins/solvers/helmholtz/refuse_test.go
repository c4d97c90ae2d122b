package helmholtz

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
)

func TestOptionErrors(t *testing.T) {
	line := func(z, first, last float64, n int) map[string]any {
		return map[string]any{"z_m": z, "x_first_m": first, "x_last_m": last, "count": n}
	}
	list := func(zx ...[]float64) map[string]any { return map[string]any{"positions_m": zx} }
	for name, c := range map[string]struct {
		change options
		want   string
	}{
		"no grid":            {options{"grid": nil}, "grid"},
		"one row":            {options{"grid": map[string]any{"nz": 1, "nx": 12, "spacing_m": 50}}, "grid.nz"},
		"too many nodes":     {options{"grid": map[string]any{"nz": 8192, "nx": 8192, "spacing_m": 50}}, "a grid of 8200 x 8200 nodes, allowed are 1 to 8192 a side"},
		"spacing":            {options{"grid": map[string]any{"nz": 9, "nx": 12, "spacing_m": 0}}, "spacing_m"},
		"boundary":           {options{"boundary": map[string]any{"kind": "sponge", "cells": 4, "sigma_max": 60}}, "sponge"},
		"no cells":           {options{"boundary": map[string]any{"cells": 0, "sigma_max": 60}}, "cells"},
		"no frequency":       {options{"frequency_hz": []float64{}}, "frequency_hz"},
		"frequency 0":        {options{"frequency_hz": []float64{3, 0}}, "frequency_hz"},
		"frequency twice":    {options{"frequency_hz": []float64{3, 5, 3}}, "frequency_hz 0 and 2 are both 3 Hz"},
		"frequency too high": {options{"frequency_hz": []float64{1e8}}, "fewer than 4 nodes per wavelength"},
		"precision":          {options{"precision": "float16"}, "float16"},
		"edge gradient":      {options{"edge_gradient": "none"}, "none"},
		"no sources":         {options{"sources": map[string]any{}}, "sources: there are none"},
		"source below":       {options{"sources": list([]float64{0, 0}, []float64{450, 0})}, "sources: position 1 lies outside the grid (z = 450 m, the grid's nodes are at 0..400 m)"},
		"source beside":      {options{"sources": list([]float64{0, -1})}, "sources: position 0 lies outside the grid (x = -1 m, the grid's nodes are at 0..550 m)"},
		"source NaN":         {options{"sources": list([]float64{0, 1e300})}, "x = 1e+300 m"},
		"source of three":    {options{"sources": list([]float64{0, 0, 0})}, "position 0 has 3 numbers"},
		"source twice":       {options{"sources": list([]float64{0, 0}, []float64{100, 0}, []float64{10, 49})}, "positions 0 and 2 both lie in the cell of node (iz 0, ix 0)"},
		"receiver beside":    {options{"receivers": line(0, 0, 600, 3)}, "receivers: position 2 lies outside the grid (x = 600 m"},
		"receivers too many": {options{"receivers": line(0, 0, 550, 13)}, "both lie in the cell"},
		"receivers two ways": {options{"receivers": map[string]any{"z_m": 0, "x_first_m": 0, "x_last_m": 50, "count": 2, "positions_m": [][]float64{{0, 0}}}}, "both given"},
		"half a line":        {options{"receivers": map[string]any{"z_m": 0, "count": 2}}, "2 of them are given"},
		"a line of one":      {options{"receivers": line(0, 0, 50, 1)}, "one point cannot lie at both"},
		"unknown":            {options{"sigma": 1}, "sigma"},
	} {
		o := tiny.with(c.change)
		if o["grid"] == nil {
			delete(o, "grid")
		}
		_, err := New().Configure(ctx, contract.Config{Options: o.json(t)})
		if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want ErrInvalidOption with %q", name, err, c.want)
		}
	}
	if _, err := New().Configure(ctx, contract.Config{Options: json.RawMessage(`{`)}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("half a table: %v", err)
	}
	if _, err := New().Configure(ctx, contract.Config{Options: tiny.json(t), Device: "cuda:250"}); !errors.Is(err, contract.ErrUnsupported) {
		t.Errorf("device: %v", err)
	}
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
		s, c := configure(t, tiny.with(options{"precision": precision}), 1) // 5 Hz, 50 m: 1000 m/s are 4 nodes per wavelength
		for _, bad := range []struct {
			m    float64
			code contract.StatusCode
			text string
		}{
			{math.NaN(), contract.OutOfBounds, "squared_slowness is NaN at [0 1 5]"},
			{math.Inf(1), contract.OutOfBounds, "+Inf"},
			{math.Inf(-1), contract.OutOfBounds, "-Inf"},
			{0, contract.OutOfBounds, "below its lower bound"},
			{-0.25, contract.OutOfBounds, "squared_slowness is -0.25 s2/km2 at [0 1 5]"},
			{1.5625, contract.Unstable, "squared slowness 1.562 s2/km2 at (iz 1, ix 5) is a velocity of 800 m/s: at 5 Hz and a spacing of 50 m that is 3.2 nodes per wavelength, at least 4 are needed (at most 1 s2/km2)"},
			{1, contract.OK, ""},
			{1e-6, contract.OK, ""},
		} {
			v := randomModel(1, 0, c.Model.Len())
			v[1*12+5] = bad.m
			st, err := s.Forward(ctx, batchOf(&c, v), c.Data.New(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := contract.StatusAt(st, 0); got.Code != bad.code || !strings.Contains(got.Text, bad.text) {
				t.Errorf("%s: m = %g: %v, want %v with %q", precision, bad.m, got, bad.code, bad.text)
			}
		}
	}
}

func TestCallErrors(t *testing.T) {
	s, c := configure(t, tiny, 1)
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := s.Observe(ctx, c.Data.New(1), []float64{tau}); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("tau = %g: %v", tau, err)
		}
	}
	nan := c.Data.New(1)
	nan.Complex64s()[3] = complex(0, float32(math.NaN()))
	if err := s.Observe(ctx, nan, []float64{1}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("NaN observed: %v", err)
	}
	if err := s.Observe(ctx, c.Data.New(2), []float64{1}); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("two observations, one tau: %v", err)
	}
	if err := s.Observe(ctx, c.Data.New(1), []float64{1}); err != nil {
		t.Fatal(err)
	}
	m := batchOf(&c, randomModel(1, 0, c.Model.Len()), randomModel(1, 1, c.Model.Len()))
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
	// A gradient beyond float32 is a status, not an infinity.
	if err := s.Observe(ctx, c.Data.New(1), []float64{1e-30}); err != nil {
		t.Fatal(err)
	}
	st, err := s.Misfit(ctx, m, []int{0, 0}, make([]float64, 2), c.Model.New(2))
	if err != nil || contract.StatusAt(st, 0).Code != contract.Diverged {
		t.Errorf("a gradient that overflows: %v %v", st, err)
	}
}
