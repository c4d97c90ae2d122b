package acoustic

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

func TestOptionErrors(t *testing.T) {
	list := func(zx ...[]float64) section { return section{"positions_m": zx} }
	for name, c := range map[string]struct {
		change options
		want   string
	}{
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
	} {
		o := tiny.with(c.change)
		if o["preset"] == nil {
			delete(o, "preset")
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

// A model that no wave goes through, too fast for the time step or too slow for the grid is a status with the numbers, and
// the rest of the batch has its bits.
func TestModelStatus(t *testing.T) {
	for _, precision := range []string{"float32", "float64"} {
		s, c := configure(t, tiny.with(options{"precision": precision}), 2)
		n := c.Model.Len()
		alone, d := c.Data.New(1), c.Data.New(3)
		good := c.Model.New(1)
		good.SetReals(roughModel(n))
		st, err := s.Forward(ctx, good, alone)
		ok(t, st, err)
		for _, bad := range []struct {
			v    float64
			code contract.StatusCode
			text string
		}{
			{math.NaN(), contract.OutOfBounds, "vp is NaN at (iz 1, ix 5)"},
			{math.Inf(1), contract.OutOfBounds, "vp is +Inf"},
			{0, contract.OutOfBounds, "vp is 0 m/s at (iz 1, ix 5), it must be above 0"},
			{-1500, contract.OutOfBounds, "vp is -1500 m/s"},
			{6200, contract.Unstable, "vp is 6200 m/s at (iz 1, ix 5): v dt/h is 0.6200; order 4 is stable up to v dt/h = 0.6124, which is 6123.72 m/s for a time step of 0.001 s and a spacing of 10 m"},
			{1000, contract.Unstable, "vp is 1000 m/s at (iz 1, ix 5): 2.67 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s"},
			{6120, contract.OK, ""},
			{1125, contract.OK, ""},
		} {
			m := c.Model.New(3)
			for i := range 3 {
				v := roughModel(n)
				if i == 1 {
					v[1*13+5] = bad.v
				}
				m.Item(i).SetReals(v)
			}
			st, err := s.Forward(ctx, m, d)
			if err != nil {
				t.Fatal(err)
			}
			if got := contract.StatusAt(st, 1); got.Code != bad.code || !strings.Contains(got.Text, bad.text) {
				t.Errorf("%s: v = %g: %v, want %v with %q", precision, bad.v, got, bad.code, bad.text)
			}
			for _, i := range []int{0, 2} {
				if contract.StatusAt(st, i).Code != contract.OK || !bytes.Equal(d.Item(i).Data, alone.Item(0).Data) {
					t.Errorf("%s: v = %g: item %d beside it: %v, or other bits", precision, bad.v, i, contract.StatusAt(st, i))
				}
			}
		}
	}
}

// At the largest velocity that is taken a long run of every order comes to rest.
func TestLimitIsStable(t *testing.T) {
	for _, order := range []int{2, 4, 6, 8} {
		s, c := configure(t, tiny.with(options{"order": order, "nt": 3000}), 1)
		d := forward(t, s, &c, constant(&c, *c.Model.Quantities[0].Upper*(1-1e-6)))
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
	for _, tau := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if err := s.Observe(ctx, c.Data.New(1), []float64{tau}); !errors.Is(err, contract.ErrInvalidOption) {
			t.Errorf("tau = %g: %v", tau, err)
		}
	}
	if err := s.Observe(ctx, c.Data.New(2), []float64{1}); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("two observations, one tau: %v", err)
	}
	m := c.Model.New(1)
	m.SetReals(roughModel(c.Model.Len()))
	// A gradient beyond float32 is a status, not an infinity.
	if err := s.Observe(ctx, c.Data.New(1), []float64{1e-30}); err != nil {
		t.Fatal(err)
	}
	st, err := s.Misfit(ctx, m, []int{0}, make([]float64, 1), c.Model.New(1))
	if err != nil || contract.StatusAt(st, 0).Code != contract.Diverged {
		t.Errorf("a gradient that overflows: %v %v", st, err)
	}
}

// A model at a bound of its space is taken, whatever rounding to float32 makes of the bound.
func TestBoundsAreTaken(t *testing.T) {
	for _, peak := range []float64{15.1, 15.2, 15.3, 15.4} {
		s, c := configure(t, tiny.with(options{"grid": section{"nz": 10, "nx": 13, "spacing_m": 10.7}, "wavelet": section{"peak_hz": peak}}), 1)
		q := c.Model.Quantities[0]
		for _, v := range []float64{*q.Lower, *q.Upper} {
			m, d := constant(&c, v), c.Data.New(1)
			if text, inside := c.Model.FirstOutside(m.Item(0)); !inside {
				t.Errorf("%g Hz: %s", peak, text)
			}
			if st, err := s.Forward(ctx, m, d); err != nil || contract.StatusAt(st, 0).Code != contract.OK {
				t.Errorf("%g Hz: all of the model is %.9g, a bound: %v %v", peak, v, st, err)
			}
		}
	}
}
