package elastic

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
		"no preset":          {options{"preset": nil}, "preset"},
		"no grid":            {options{"grid": section{}}, "grid."},
		"no peak":            {options{"wavelet": section{}}, "wavelet.peak_hz is missing"},
		"order":              {options{"order": 8}, "order"},
		"source below":       {options{"sources": list([]float64{20, 30}, []float64{85, 30})}, "sources: position 1 lies outside the grid (z = 85 m, the grid's nodes are at 0..80 m)"},
		"receiver beside":    {options{"receivers": list([]float64{20, -1})}, "receivers: position 0 lies outside the grid (x = -1 m, the grid's nodes are at 0..110 m)"},
		"source too close":   {options{"boundary": section{"cells": 0}, "sources": list([]float64{5, 50})}, "for its interpolation, the nodes with their layers are iz 0..8"},
		"explosion in air":   {options{"free_surface": true, "source": section{"kind": "explosion"}, "sources": list([]float64{5, 50})}, "needs the node (iz -3, ix 5)"},
		"explosion on top":   {options{"free_surface": true, "source": section{"kind": "explosion"}, "sources": list([]float64{0, 50})}, "szz of the free surface"},
		"direction":          {options{"source": section{"direction_zx": []float64{1}}}, "want [z, x], not both 0"},
		"no force":           {options{"source": section{"direction_zx": []float64{0, 0}}}, "want [z, x], not both 0"},
		"exploding one way":  {options{"source": section{"kind": "explosion", "direction_zx": []float64{0, 1}}}, "of an explosion, which has none"},
		"two densities":      {options{"rho": section{"gardner": true, "constant_kg_m3": 2000}}, "rho.gardner and rho.constant_kg_m3 are both given"},
		"Poisson's ratio":    {options{"vs": section{"poisson": 0.6}}, "poisson"},
		"samples missing":    {options{"wavelet": section{"kind": "samples", "peak_hz": 15}}, "without wavelet.samples"},
		"samples unasked":    {options{"wavelet": section{"peak_hz": 15, "samples": []float64{1}}}, `wavelet.samples with wavelet.kind = "ricker"`},
		"samples too many":   {options{"wavelet": section{"kind": "samples", "peak_hz": 15, "samples": make([]float64, 41)}}, "41 numbers for 40 samples"},
		"silent samples":     {options{"wavelet": section{"kind": "samples", "peak_hz": 15, "samples": make([]float64, 4)}}, "wavelet.samples: all 4 are 0"},
		"a late wavelet":     {options{"wavelet": section{"peak_hz": 15, "delay_s": 1.5}}, "wavelet.delay_s = 1.5 s puts the wavelet's peak, of 1, so far from the time steps, 0 to 0.039 s, that the largest sample is 0"},
		"no velocity":        {options{"wavelet": section{"peak_hz": 90}}, "no velocity suits both: order 4 is stable up to vp dt/h = 0.6061, which is 6060.91 m/s for a time step of 0.001 s and a spacing of 10 m, and at least 3 nodes per wavelength at 225 Hz"},
		"no receivers":       {options{"receivers": section{}}, "receivers: there are none"},
		"few rows":           {options{"free_surface": true, "grid": section{"nz": 3, "nx": 12, "spacing_m": 10}, "sources": list([]float64{10, 50}), "receivers": list([]float64{20, 0})}, "at least 4 are needed"},
		"unknown":            {options{"dt": 1}, "dt"},
		"velocity of layers": {options{"vp_max_m_s": 0}, "vp_max_m_s"},
	})
}

// A model that no wave goes through, too fast for the time step, too slow for the grid or with too much shear is a status with the
// numbers, and the rest of the batch has its bits.
func TestModelStatus(t *testing.T) {
	s, c := configure(t, tiny, 2)
	solvertest.ModelStatus(t, s, &c, rough(&c).AppendReals(nil), 1*12+5, []solvertest.Node{
		{[]float64{math.NaN(), 1500, 2000}, contract.OutOfBounds, "vp is NaN at (iz 1, ix 5)"},
		{[]float64{3000, math.Inf(1), 2000}, contract.OutOfBounds, "vs is +Inf at (iz 1, ix 5)"},
		{[]float64{3000, 1500, math.NaN()}, contract.OutOfBounds, "rho is NaN"},
		{[]float64{0, 1500, 2000}, contract.OutOfBounds, "vp is 0 m/s at (iz 1, ix 5), it must be above 0"},
		{[]float64{3000, -1, 2000}, contract.OutOfBounds, "vs is -1 m/s at (iz 1, ix 5), it must not be below 0"},
		{[]float64{3000, 1500, 0}, contract.OutOfBounds, "rho is 0 kg/m3 at (iz 1, ix 5), at least 1 are allowed"},
		{[]float64{3000, 2200, 2000}, contract.OutOfBounds, "vs is 2200 m/s at (iz 1, ix 5), more than vp/sqrt(2) = 2121.32 m/s"},
		{[]float64{6200, 3000, 2000}, contract.Unstable, "vp is 6200 m/s at (iz 1, ix 5): vp dt/h is 0.6200; order 4 is stable up to vp dt/h = 0.6061, which is 6060.91 m/s for a time step of 0.001 s and a spacing of 10 m"},
		{[]float64{3000, 900, 2000}, contract.Unstable, "the slowest wave has 900 m/s at (iz 1, ix 5): 2.4 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s"},
		{[]float64{6050, 4270, 2000}, contract.OK, ""},
		{[]float64{1500, 0, 1000}, contract.OK, ""}, // a fluid
	})
}

// A model of vp at a bound of its space is taken, whatever rounding to float32 makes of the bound.
func TestBoundsAreTaken(t *testing.T) {
	for _, peak := range []float64{11.1, 11.2, 11.3, 11.4} {
		t.Run(fmt.Sprint(peak, " Hz"), func(t *testing.T) {
			s, c := configure(t, tiny.With(options{"grid": section{"nz": 9, "nx": 12, "spacing_m": 10.7}, "wavelet": section{"peak_hz": peak},
				"vs": section{"poisson": 0.2}, "rho": section{"gardner": true}}), 1)
			solvertest.BoundsAreTaken(t, s, &c)
		})
	}
}
