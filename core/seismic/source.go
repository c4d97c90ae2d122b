package seismic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// Wavelet is a source's function of time, or those of a file: an option table.
type Wavelet struct {
	Kind      *string   `option:"kind" oneof:"ricker,openfwi,samples,file" doc:"ricker: (1 - 2 b) exp(-b), b = (pi peak_hz (t - delay_s))^2. openfwi: the same, centred in 2 floor(1.1/(peak_hz dt_s)) + 1 samples and 0 after. samples: those given. file: those of a file. Default: ricker, or the preset's"`
	PeakHz    *float64  `option:"peak_hz" above:"0" unit:"Hz" doc:"peak frequency; 2.5 times that is taken for the highest one. Of samples and files the spectrum says both where this is not given: the highest is where it has fallen to 3.3 % of its largest, as a Ricker wavelet's at 2.5 times the peak"`
	DelayS    *float64  `option:"delay_s" unit:"s" doc:"ricker: time of the peak; default 1.1/peak_hz"`
	Values    []float64 `option:"samples" default:"[]" doc:"samples: q at 0, sampling_s, 2 sampling_s, ...; 0 after the last one"`
	Path      string    `option:"path" default:"" file:"yes" doc:"file: a .npy of float32 or float64, (samples), or (wavelets, samples): then it is several wavelets. Relative to the experiment's folder"`
	SamplingS *float64  `option:"sampling_s" above:"0" unit:"s" doc:"samples, file: their sampling interval; default dt_s. Another one than dt_s is resampled by the sampling theorem, and refused where that is not exact: frequencies that either of the two does not hold, a beginning or end that is not 0"`
}

// Signal is a wavelet at the time steps.
type Signal struct {
	Q                 []float64 // q at 0, dt, 2 dt, ...
	PeakHz, HighestHz float64
}

// Signals returns what a filled table means at n steps of dt: one signal, or those of a file. The kind must be given. Errors,
// by key: what the kind lacks or does not take; files that are not there or hold something else; Resample's.
func (w *Wavelet) Signals(n int, dt float64) ([]Signal, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	switch *w.Kind {
	case "ricker", "openfwi":
		f := *w.PeakHz
		s := Signal{PeakHz: f, HighestHz: HighestRicker * f}
		if *w.Kind == "openfwi" {
			s.Q = RickerOpenFWI(n, dt, f)
			return []Signal{s}, nil
		}
		delay := 1.1 / f
		if w.DelayS != nil {
			delay = *w.DelayS
		}
		s.Q = Ricker(n, dt, f, delay)
		return []Signal{s}, CheckRicker(s.Q, dt, delay)
	case "samples":
		s, err := w.signal(w.Values, n, dt)
		if err != nil {
			return nil, fmt.Errorf("samples: %w", err)
		}
		return []Signal{s}, nil
	}
	t, err := npy.Read(w.Path)
	if err != nil {
		return nil, fmt.Errorf("path: %w", err)
	}
	if (t.DType != tensor.Float32 && t.DType != tensor.Float64) || len(t.Shape) < 1 || len(t.Shape) > 2 || t.Len() == 0 {
		return nil, fmt.Errorf("path: %s has %v %v, want float32 or float64 (samples) or (wavelets, samples)", w.Path, t.DType, t.Shape)
	}
	values, long := t.AppendReals(nil), t.Shape[len(t.Shape)-1]
	var list []Signal
	for k := range len(values) / long {
		s, err := w.signal(values[k*long:][:long], n, dt)
		if err != nil {
			return nil, fmt.Errorf("path: %s, wavelet %d: %w", w.Path, k, err)
		}
		list = append(list, s)
	}
	return list, nil
}

// check judges which keys go together.
func (w *Wavelet) check() error {
	kind := *w.Kind
	formula := kind == "ricker" || kind == "openfwi"
	switch {
	case formula && w.PeakHz == nil:
		return fmt.Errorf("peak_hz is missing (kind = %q)", kind)
	case kind == "samples" && len(w.Values) == 0:
		return fmt.Errorf("kind = \"samples\" without samples")
	case kind != "samples" && len(w.Values) > 0:
		return fmt.Errorf("samples with kind = %q", kind)
	case kind == "file" && w.Path == "":
		return fmt.Errorf("kind = \"file\" without path")
	case kind != "file" && w.Path != "":
		return fmt.Errorf("path with kind = %q", kind)
	case formula && w.SamplingS != nil:
		return fmt.Errorf("sampling_s with kind = %q, which is a formula", kind)
	case kind != "ricker" && w.DelayS != nil:
		return fmt.Errorf("delay_s with kind = %q, it is of ricker", kind)
	}
	return nil
}

// signal is given samples at the time steps.
func (w *Wavelet) signal(values []float64, n int, dt float64) (Signal, error) {
	sampling := dt
	if w.SamplingS != nil {
		sampling = *w.SamplingS
	}
	largest := 0.0
	for k, x := range values {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return Signal{}, fmt.Errorf("sample %d is %g, all must be finite", k, x)
		}
		largest = max(largest, math.Abs(x))
	}
	q, err := Resample(values, sampling, n, dt)
	if err != nil {
		return Signal{}, err
	}
	if largest == 0 {
		return Signal{}, fmt.Errorf("all %d samples are 0", len(values))
	}
	s := Signal{Q: q}
	if w.PeakHz != nil {
		s.PeakHz, s.HighestHz = *w.PeakHz, HighestRicker**w.PeakHz
	} else {
		s.PeakHz, s.HighestHz = Band(values, sampling)
	}
	return s, nil
}
