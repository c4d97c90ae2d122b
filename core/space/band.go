package space

import (
	"fmt"
	"math"
)

// BandOptions are those of kind "band-pass": see BandPass.
type BandOptions struct {
	Kind   string   `option:"kind" oneof:"band-pass" doc:"Butterworth filter along the time axis, causal: what is filtered so was computed with a wavelet filtered so"`
	LowHz  float64  `option:"low_hz" default:"0" min:"0" unit:"Hz" doc:"lower corner (half of the power); 0: none"`
	HighHz *float64 `option:"high_hz" above:"0" unit:"Hz" doc:"upper corner, below half of the sampling rate; absent: none"`
	Order  int      `option:"order" default:"4" min:"1" max:"12" doc:"poles of each corner: 6 dB per octave each"`
}

// section is one recursive filter of second order (first: b2 = a2 = 0): y_t = b0 x_t + b1 x_t-1 + b2 x_t-2 - a1 y_t-1 - a2 y_t-2.
type section struct{ b0, b1, b2, a1, a2 float64 }

// butterworth returns the sections of a filter of n poles with its corner at k = tan(pi corner dt): the bilinear transform of
// the analogue filter, so that the power at f is 1/(1 + (tan(pi f dt)/k)^(2n)), or with the inverse ratio for a high-pass
// (Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.1).
func butterworth(n int, k float64, high bool) []section {
	var list []section
	for i := range n / 2 {
		damp := 2 * math.Sin(math.Pi*float64(2*i+1)/float64(2*n)) // 1/Q of a pair of poles
		norm := 1 / (1 + k*damp + k*k)
		s := section{b0: k * k * norm, b1: 2 * k * k * norm, b2: k * k * norm, a1: 2 * (k*k - 1) * norm, a2: (1 - k*damp + k*k) * norm}
		if high {
			s.b0, s.b1, s.b2 = norm, -2*norm, norm
		}
		list = append(list, s)
	}
	if n%2 == 1 {
		s := section{b0: k / (k + 1), b1: k / (k + 1), a1: (k - 1) / (k + 1)}
		if high {
			s.b0, s.b1 = 1/(k+1), -1/(k+1)
		}
		list = append(list, s)
	}
	return list
}

// band filters along one axis: outer blocks of n samples of inner numbers each.
type band struct {
	outer, n, inner int
	sections        []section
}

func (p *band) Apply(x, y []float64) error {
	p.JVP(nil, x, y)
	return nil
}

func (p *band) JVP(_, dx, dy []float64) {
	copy(dy, dx)
	for _, s := range p.sections {
		p.run(dy, s, 0, 1)
	}
}

// VJP filters backwards in time: the transpose of a convolution that starts from rest.
func (p *band) VJP(_, w, dx []float64) {
	copy(dx, w)
	for i := len(p.sections) - 1; i >= 0; i-- {
		p.run(dx, p.sections[i], p.n-1, -1)
	}
}

// run filters v in place from sample first on, forwards or backwards.
func (p *band) run(v []float64, s section, first, step int) {
	r1, r2 := make([]float64, p.inner), make([]float64, p.inner) // what earlier samples add to this one and the next
	for o := range p.outer {
		clear(r1)
		clear(r2)
		for j, t := 0, first; j < p.n; j, t = j+1, t+step {
			row := v[(o*p.n+t)*p.inner:][:p.inner]
			for i, x := range row {
				y := s.b0*x + r1[i]
				r1[i] = s.b1*x - s.a1*y + r2[i]
				r2[i] = s.b2*x - s.a2*y
				row[i] = y
			}
		}
	}
}

func (p *band) ConstantJacobian() bool { return true }

// BandPass returns a Butterworth filter along the time axis, of order poles at each of its corners lowHz (0: none) and
// highHz (0: none). It is causal and starts from rest, as propagators do: filtered data of a linear wave equation are, to
// rounding, the data of the filtered wavelet. Its phase is that of the filter: both sides of a misfit must go through it.
func BandPass(in Space, lowHz, highHz float64, order int) (*Adapter, error) {
	a := in.axis("time")
	if a < 0 {
		return nil, fmt.Errorf("%w: band-pass: no time axis in %s", ErrNoAdapter, &in)
	}
	axis := in.Axes[a]
	if !(axis.Step > 0) || axis.Unit != "s" || in.DType.IsComplex() {
		return nil, fmt.Errorf("%w: band-pass: %s needs real samples at equal distances in s", ErrNoAdapter, &in)
	}
	nyquist := 0.5 / axis.Step
	for _, f := range []float64{lowHz, highHz} {
		if !(f >= 0 && f < nyquist) {
			return nil, fmt.Errorf("space: band-pass: corner %g Hz (allowed: 0 to below %g Hz, half of the sampling rate)", f, nyquist)
		}
	}
	if lowHz == 0 && highHz == 0 || highHz > 0 && lowHz >= highHz || order < 1 {
		return nil, fmt.Errorf("space: band-pass from %g to %g Hz of order %d (allowed: one corner at least, low below high, order from 1)", lowHz, highHz, order)
	}
	p := &band{n: axis.Size}
	p.outer, p.inner = in.around(a)
	if lowHz > 0 {
		p.sections = append(p.sections, butterworth(order, math.Tan(math.Pi*lowHz*axis.Step), true)...)
	}
	if highHz > 0 {
		p.sections = append(p.sections, butterworth(order, math.Tan(math.Pi*highHz*axis.Step), false)...)
	}
	return New(fmt.Sprintf("band-pass %g-%g Hz", lowHz, highHz), in, in, p)
}
