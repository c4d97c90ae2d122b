package seismic_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
)

// A Ricker wavelet, sampled coarsely, finely or with an interval that divides nothing, is itself again at the time steps. It
// begins at 4e-8 of its peak and has no more beyond 100 Hz: the bound is that of what is cut off.
func TestResample(t *testing.T) {
	const f, delay, n, dt = 12, 0.12, 400, 1e-3
	want := seismic.Ricker(n, dt, f, delay)
	for _, sampling := range []float64{0.25e-3, 0.5e-3, 1e-3, 2e-3, 4e-3, 1.7e-3, 0.3e-3, 3.1e-3} {
		in := seismic.Ricker(int(0.26/sampling), sampling, f, delay)
		got, err := seismic.Resample(in, sampling, n, dt)
		if err != nil {
			t.Errorf("every %g s: %v", sampling, err)
			continue
		}
		worst := 0.0
		for i := range got {
			worst = max(worst, math.Abs(got[i]-want[i]))
		}
		if worst > 1e-6 {
			t.Errorf("every %g s: off by %.2g", sampling, worst)
		}
	}
	if got, err := seismic.Resample([]float64{3, -1, 2}, dt, 5, dt); err != nil || got[0] != 3 || got[1] != -1 || got[2] != 2 || got[3] != 0 {
		t.Errorf("the same interval: %v %v", got, err)
	}
}

// What cannot be resampled exactly is refused with the numbers: a spike; a high frequency that the time steps do not hold; a
// frequency that the samples do not hold; a beginning; a signal that is too long.
func TestResampleRefuses(t *testing.T) {
	wave := func(f, sampling float64) []float64 { return seismic.Ricker(int(0.2/sampling), sampling, f, 0.1) }
	for name, c := range map[string]struct {
		q        []float64
		sampling float64
		want     []string
	}{
		"a spike":         {[]float64{0, 0, 1, 0, 0}, 2e-3, []string{"from 250 Hz on", "at 250 Hz their spectrum has 1 of its largest, allowed is 0.001"}},
		"too fine":        {wave(300, 0.5e-3), 0.5e-3, []string{"from 500 Hz on, the most that 0.001 s hold", "spectrum has 0.4"}},
		"too coarse":      {wave(60, 4e-3), 4e-3, []string{"from 125 Hz on, the most that 0.004 s hold"}},
		"a beginning":     {[]float64{0.5, 1, 0.5, 0.1, 0}, 2e-3, []string{"samples every 0.002 s", "the first one is 0.5 of the largest, allowed is 0.001"}},
		"an end":          {[]float64{0, 0.5, 1, 0.25}, 2e-3, []string{"the last one is 0.25 of the largest"}},
		"a long one":      {make([]float64, 300), 2e-3, []string{"300 numbers for 400 time steps", "last to 0.598 s, the time steps to 0.399 s"}},
		"too many by 1":   {make([]float64, 401), 1e-3, []string{"401 numbers for 400 time steps"}},
		"a long fine one": {make([]float64, 900), 0.5e-3, []string{"last to 0.4495 s"}},
	} {
		_, err := seismic.Resample(c.q, c.sampling, 400, 1e-3)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
			}
		}
	}
}

// The spectrum of a sampled Ricker wavelet says its peak and its highest frequency, whatever the interval.
func TestBand(t *testing.T) {
	for _, sampling := range []float64{1e-3, 2e-3, 4e-3} {
		peak, highest := seismic.Band(seismic.Ricker(int(0.3/sampling), sampling, 15, 0.1), sampling)
		if math.Abs(peak-15) > 0.3 || math.Abs(highest-37.5) > 0.6 { // grid of the spectrum: 1/(2.4 s) and finer
			t.Errorf("every %g s: peak %g Hz, highest %g Hz, want 15 and 37.5", sampling, peak, highest)
		}
	}
}

// Files: one wavelet or several, in either precision, by their own spectrum or the peak that is said.
func TestWaveletFile(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, dt tensor.DType, v []float64, shape ...int) string {
		x := tensor.New(dt, shape...)
		x.SetReals(v)
		path := filepath.Join(dir, name)
		if err := npy.Write(path, x); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := seismic.Ricker(120, 2e-3, 15, 0.12)
	two := append(seismic.Ricker(120, 2e-3, 10, 0.12), one...)
	file := func(path string) seismic.Wavelet {
		return seismic.Wavelet{Kind: ptr("file"), Path: path, SamplingS: ptr(2e-3)}
	}
	w := file(save("two.npy", tensor.Float64, two, 2, 120))
	list, err := w.Signals(300, 1e-3)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d signals, %v", len(list), err)
	}
	for k, f := range []float64{10, 15} {
		want := seismic.Ricker(300, 1e-3, f, 0.12)
		for i, x := range list[k].Q {
			if math.Abs(x-want[i]) > 1e-4 { // a Ricker wavelet of 10 Hz begins at 2e-5 of itself
				t.Fatalf("wavelet %d, step %d: %g, want %g", k, i, x, want[i])
			}
		}
		if math.Abs(list[k].PeakHz-f) > 0.5 || math.Abs(list[k].HighestHz-2.5*f) > 1 {
			t.Errorf("wavelet %d: peak %g, highest %g Hz", k, list[k].PeakHz, list[k].HighestHz)
		}
	}
	w = file(save("one.npy", tensor.Float32, one, 120))
	w.PeakHz = ptr(20.0)
	if list, err := w.Signals(300, 1e-3); err != nil || len(list) != 1 || list[0].PeakHz != 20 || list[0].HighestHz != 50 {
		t.Errorf("a peak that is said: %v %v", list, err)
	}
	nan := append([]float64(nil), one...)
	nan[7] = math.NaN()
	for name, c := range map[string]struct {
		path, want string
	}{
		"nothing there": {filepath.Join(dir, "no.npy"), "no such file"},
		"three axes":    {save("three.npy", tensor.Float64, two, 2, 10, 12), "three.npy has float64 [2 10 12], want float32 or float64 (samples) or (wavelets, samples)"},
		"complex":       {save("complex.npy", tensor.Complex64, two, 120), "want float32 or float64"},
		"a NaN":         {save("nan.npy", tensor.Float64, nan, 120), "nan.npy, wavelet 0: sample 7 is NaN"},
		"silence":       {save("zero.npy", tensor.Float64, make([]float64, 200), 2, 100), "zero.npy, wavelet 0: all 100 samples are 0"},
		"a box":         {save("box.npy", tensor.Float64, []float64{1, 1, 1}, 3), "box.npy, wavelet 0: samples every 0.002 s cannot be resampled"},
	} {
		w := file(c.path)
		if _, err := w.Signals(300, 1e-3); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWaveletKeys(t *testing.T) {
	for want, w := range map[string]seismic.Wavelet{
		`peak_hz is missing (kind = "ricker")`:           {Kind: ptr("ricker")},
		`peak_hz is missing (kind = "openfwi")`:          {Kind: ptr("openfwi")},
		`kind = "file" without path`:                     {Kind: ptr("file")},
		`path with kind = "ricker"`:                      {Kind: ptr("ricker"), PeakHz: ptr(1.0), Path: "q.npy"},
		`kind = "samples" without samples`:               {Kind: ptr("samples")},
		`samples with kind = "file"`:                     {Kind: ptr("file"), Values: []float64{1}},
		`sampling_s with kind = "ricker"`:                {Kind: ptr("ricker"), PeakHz: ptr(1.0), SamplingS: ptr(1.0)},
		`delay_s with kind = "openfwi", it is of ricker`: {Kind: ptr("openfwi"), PeakHz: ptr(1.0), DelayS: ptr(1.0)},
		"samples: sample 1 is +Inf":                      {Kind: ptr("samples"), Values: []float64{1, math.Inf(1)}},
	} {
		if _, err := w.Signals(10, 1e-3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
