package acoustic

import (
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// ricker is what the plugin's own kind of that name means, at the steps of a sampling interval.
func ricker(n int, dt, f, delay float64) []float64 {
	q := make([]float64, n)
	for k := range q {
		b := math.Pow(math.Pi*f*(float64(k)*dt-delay), 2)
		q[k] = (1 - 2*b) * math.Exp(-b)
	}
	return q
}

func saved(t *testing.T, v []float64, shape ...int) string {
	t.Helper()
	x := tensor.New(tensor.Float64, shape...)
	x.SetReals(v)
	path := filepath.Join(t.TempDir(), "q.npy")
	if err := npy.Write(path, x); err != nil {
		t.Fatal(err)
	}
	return path
}

// The wavelet's kinds, through the data: samples, or a file, of a Ricker wavelet give the bits of the Ricker wavelet.
func TestWaveletKinds(t *testing.T) {
	q := ricker(60, 1e-3, 15, 0.02)
	var want []float64
	for name, w := range map[string]section{
		"":        {"peak_hz": 15, "delay_s": 0.02},
		"samples": {"kind": "samples", "peak_hz": 15, "samples": q},
		"file":    {"kind": "file", "peak_hz": 15, "path": saved(t, q, 60)},
		"every":   {"kind": "file", "peak_hz": 15, "path": saved(t, q, 60), "sampling_s": 1e-3},
	} {
		s, c := configure(t, tiny.With(options{"wavelet": w}), 1)
		d := solvertest.Forward(t, s, &c, solvertest.Uniform(&c, 2000))
		if want == nil {
			want = d
		}
		if !slices.Equal(d, want) {
			t.Errorf("%q: not the bits of the others", name)
		}
	}
}

// Every shot has its own wavelet: the bits of a set-up in which all have that one. Two shots at one place with half the wavelet
// each add up to the whole one's.
func TestSeveralWavelets(t *testing.T) {
	alone := map[float64][]float64{}
	half := 60 * 4 // of the data: one shot
	for _, f := range []float64{10, 15} {
		s, c := configure(t, tiny.With(options{"boundary": section{"cells": 0}, "wavelet": section{"peak_hz": f, "delay_s": 0.02}}), 1)
		alone[f] = solvertest.Forward(t, s, &c, solvertest.Uniform(&c, 2000))
	}
	both := append(ricker(60, 1e-3, 15, 0.02), ricker(60, 1e-3, 10, 0.02)...)
	for name, c := range map[string]struct {
		change        options
		first, second float64
	}{
		"a list":  {options{"wavelet": section{}, "wavelets": []section{{"peak_hz": 10, "delay_s": 0.02}, {"peak_hz": 15, "delay_s": 0.02}}}, 10, 15},
		"turned":  {options{"wavelet": section{}, "wavelets": []section{{"peak_hz": 10, "delay_s": 0.02}, {"peak_hz": 15, "delay_s": 0.02}}, "wavelet_of_shot": []int{1, 0}}, 15, 10},
		"a file":  {options{"wavelet": section{"kind": "file", "peak_hz": 15, "path": saved(t, both, 2, 60)}}, 15, 10},
		"one all": {options{"wavelet": section{"kind": "file", "peak_hz": 15, "path": saved(t, both, 2, 60)}, "wavelet_of_shot": []int{1, 1}}, 10, 10},
	} {
		s, conf := configure(t, tiny.With(options{"boundary": section{"cells": 0}}).With(c.change), 1)
		d := solvertest.Forward(t, s, &conf, solvertest.Uniform(&conf, 2000))
		if !slices.Equal(d[:half], alone[c.first][:half]) || !slices.Equal(d[half:], alone[c.second][half:]) {
			t.Errorf("%s: shot 0 has not the bits of %g Hz, or shot 1 not those of %g Hz", name, c.first, c.second)
		}
	}
}

// What a wavelet's spectrum reaches bounds the slowest velocity: 3 nodes per wavelength at 37.5 Hz and 10 m.
func TestWaveletBand(t *testing.T) {
	s, c := configure(t, tiny.With(options{"nt": 300, "wavelet": section{"kind": "file", "sampling_s": 2e-3, "path": saved(t, ricker(100, 2e-3, 15, 0.1), 100)}}), 1)
	if got := *c.Model.Quantities[0].Lower; math.Abs(got-1125) > 20 { // the spectrum's grid has 0.5 Hz
		t.Errorf("slowest %g m/s, want 1125", got)
	}
	st, err := s.Forward(ctx, solvertest.Uniform(&c, 1200), c.Data.New(1))
	solvertest.OK(t, st, err)
}

// A pulse whose spectrum is largest at 0 Hz has waves that a plan can tell of, all the same.
func TestPulseBand(t *testing.T) {
	q := make([]float64, 60)
	for k := range q {
		q[k] = math.Exp(-math.Pow(float64(k-25)/8, 2))
	}
	_, c := configure(t, tiny.With(options{"wavelet": section{"kind": "samples", "samples": q}}), 1)
	if s := c.Scheme; !(s.PeakHz > 0 && s.PeakHz < s.HighestHz) {
		t.Errorf("%+v", s)
	}
}
