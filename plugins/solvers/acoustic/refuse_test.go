package acoustic

import (
	"fmt"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

func TestOptionErrors(t *testing.T) {
	list := func(zx ...[]float64) section { return section{"positions_m": zx} }
	solvertest.RefusedOptions(t, func() contract.Solver { return New() }, tiny, map[string]solvertest.Refused{
		"no preset":           {options{"preset": nil}, "preset"},
		"no grid":             {options{"grid": section{}}, "grid."},
		"no peak":             {options{"wavelet": section{}}, "wavelet.peak_hz is missing"},
		"one row":             {options{"grid": section{"nz": 1, "nx": 13, "spacing_m": 10}}, "grid.nz"},
		"order":               {options{"order": 5}, "order"},
		"boundary":            {options{"boundary": section{"kind": "pml"}}, "pml"},
		"order of sponge":     {options{"order": 8, "boundary": section{"kind": "openfwi"}}, "order 8 with boundary.kind"},
		"surface of sponge":   {options{"free_surface": true, "boundary": section{"kind": "openfwi"}}, "free_surface with boundary.kind"},
		"speed of sponge":     {options{"boundary": section{"kind": "openfwi", "velocity_m_s": 4500}}, "velocity_m_s is of cpml"},
		"thin sponge":         {options{"boundary": section{"kind": "openfwi", "cells": 1}}, "boundary.cells = 1"},
		"few rows":            {options{"order": 8, "grid": section{"nz": 2, "nx": 13, "spacing_m": 10}, "boundary": section{"cells": 0}, "sources": list([]float64{0, 0}), "receivers": list([]float64{10, 0})}, "order 8 needs more than 4"},
		"source below":        {options{"sources": list([]float64{20, 30}, []float64{95, 30})}, "sources: position 1 lies outside the grid (z = 95 m, the grid's nodes are at 0..90 m)"},
		"receiver beside":     {options{"receivers": list([]float64{20, -1})}, "receivers: position 0 lies outside the grid (x = -1 m, the grid's nodes are at 0..120 m)"},
		"source too close":    {options{"boundary": section{"cells": 0}, "sources": list([]float64{5, 30})}, "needs the node (iz -3, ix 3) for its interpolation, the nodes with their layers are iz 0..9"},
		"receiver in the air": {options{"free_surface": true, "receivers": list([]float64{0, 30})}, "lies on the free surface"},
		"record of sponge":    {options{"boundary": section{"kind": "openfwi"}, "record": section{"quantity": "vz", "density_kg_m3": 1, "source_velocity_m_s": 1}}, "whose data are pressures"},
		"record without rho":  {options{"record": section{"quantity": "vx", "source_velocity_m_s": 2000}}, `record.quantity = "vx" needs record.density_kg_m3`},
		"rho for pressure":    {options{"record": section{"density_kg_m3": 2000}}, `it is "pressure"`},
		"record at the edge":  {options{"record": section{"quantity": "vz", "density_kg_m3": 1, "source_velocity_m_s": 1}, "receivers": list([]float64{0, 30})}, "receivers: position 0 lies outside the grid (z = -5 m"},
		"no sources":          {options{"sources": section{}}, "sources: there are none"},
		"samples missing":     {options{"wavelet": section{"kind": "samples", "peak_hz": 15}}, `wavelet.kind = "samples" without samples`},
		"samples unasked":     {options{"wavelet": section{"peak_hz": 15, "samples": []float64{1}}}, `wavelet.samples with kind = "ricker"`},
		"samples too many":    {options{"wavelet": section{"kind": "samples", "peak_hz": 15, "samples": make([]float64, 61)}}, "61 numbers for 60 time steps"},
		"a late wavelet":      {options{"wavelet": section{"peak_hz": 15, "delay_s": 0.2}}, "wavelet.delay_s = 0.2 s puts the wavelet's peak, of 1, so far from the time steps, 0 to 0.059 s, that the largest sample is 5.85e-18"},
		"no velocity":         {options{"wavelet": section{"peak_hz": 90}}, "no velocity suits both: order 4 is stable up to v dt/h = 0.6124, which is 6123.72 m/s for a time step of 0.001 s and a spacing of 10 m, and at least 3 nodes per wavelength at 225 Hz"},
		"unknown":             {options{"dt": 1}, "dt"},
		"both":                {options{"wavelets": []section{{"peak_hz": 15}}}, "wavelet and wavelets are both given"},
		"three for two":       {options{"wavelet": section{}, "wavelets": []section{{"peak_hz": 15}, {"peak_hz": 12}, {"peak_hz": 10}}}, "3 wavelets for 2 shots: give wavelet_of_shot"},
		"one of three":        {options{"wavelet": section{}, "wavelets": []section{{"peak_hz": 15}, {}}}, `wavelets[1].peak_hz is missing (kind = "ricker")`},
		"few of shots":        {options{"wavelet_of_shot": []int{0}}, "wavelet_of_shot has 1 numbers for 2 shots"},
		"no such wavelet":     {options{"wavelet_of_shot": []int{0, 1}}, "wavelet_of_shot: shot 1 has wavelet 1, there are 1 (0..0)"},
		"no such file":        {options{"wavelet": section{"kind": "file", "path": "/nowhere/q.npy"}}, "wavelet.path: "},
	})
}

// A model that no wave goes through, too fast for the time step or too slow for the grid is a status with the numbers, and
// the rest of the batch has its bits.
func TestModelStatus(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		t.Run(precision, func(t *testing.T) {
			s, c := configure(t, tiny.With(options{"precision": precision}), 2)
			solvertest.ModelStatus(t, s, &c, roughModel(c.Model.Len()), 1*13+5, []solvertest.Node{
				{[]float64{math.NaN()}, contract.OutOfBounds, "vp is NaN at (iz 1, ix 5)"},
				{[]float64{math.Inf(1)}, contract.OutOfBounds, "vp is +Inf"},
				{[]float64{0}, contract.OutOfBounds, "vp is 0 m/s at (iz 1, ix 5), it must be above 0"},
				{[]float64{-1500}, contract.OutOfBounds, "vp is -1500 m/s"},
				{[]float64{6200}, contract.Unstable, "vp is 6200 m/s at (iz 1, ix 5): v dt/h is 0.6200; order 4 is stable up to v dt/h = 0.6124, which is 6123.72 m/s for a time step of 0.001 s and a spacing of 10 m"},
				{[]float64{1000}, contract.Unstable, "vp is 1000 m/s at (iz 1, ix 5): 2.67 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s"},
				{[]float64{6120}, contract.OK, ""},
				{[]float64{1125}, contract.OK, ""},
			})
		})
	}
}

// At the largest velocity that is taken a long run of every order comes to rest.
func TestLimitIsStable(t *testing.T) {
	for _, order := range []int{2, 4, 6, 8} {
		s, c := configure(t, tiny.With(options{"order": order, "nt": 3000}), 1)
		d := solvertest.Forward(t, s, &c, solvertest.Uniform(&c, *c.Model.Quantities[0].Upper*(1-1e-6)))
		first, last := 0.0, 0.0
		for i, x := range d {
			if it := i / 4 % 3000; it < 300 {
				first = max(first, math.Abs(x))
			} else if it > 2700 {
				last = max(last, math.Abs(x))
			}
		}
		if !(last < 0.05*first) {
			t.Errorf("order %d: %.3g at first, %.3g at last", order, first, last)
		}
	}
}

func TestCallErrors(t *testing.T) {
	s, c := configure(t, tiny, 1)
	solvertest.RefusedCalls(t, s, &c, solvertest.Batch(&c, roughModel(c.Model.Len())))
}

// A model at a bound of its space is taken, whatever rounding to float32 makes of the bound.
func TestBoundsAreTaken(t *testing.T) {
	for _, peak := range []float64{15.1, 15.2, 15.3, 15.4} {
		t.Run(fmt.Sprint(peak, " Hz"), func(t *testing.T) {
			s, c := configure(t, tiny.With(options{"grid": section{"nz": 10, "nx": 13, "spacing_m": 10.7}, "wavelet": section{"peak_hz": peak}}), 1)
			solvertest.BoundsAreTaken(t, s, &c)
		})
	}
}
