package maximum

import (
	"math"

	"github.com/waveprior/waveprior/core/space"
)

// variables are what the optimiser sees of a latent vector z (d): v with z = T(w v), see the package's comment.
type variables struct {
	lower, half []float64 // (quantities) bounds: lower and half of their distance; half 0: no bounds
	weight      []float64 // (d), nil: all 1
	held        []bool    // (d), nil: none
	nq, inner   int       // quantities, and numbers in a row that are of one
}

// newVariables checks the options against the latent space.
func newVariables(o *Options, sp *space.Space) (*variables, error) {
	v := &variables{nq: len(sp.Quantities), inner: sp.Len()}
	for i, a := range sp.Axes {
		if a.Name == "field" || a.Name == "component" {
			v.inner = 1
			for _, b := range sp.Axes[i+1:] {
				v.inner *= b.Size
			}
		}
	}
	lower, err := v.each("lower", o.Lower)
	if err != nil {
		return nil, err
	}
	upper, err := v.each("upper", o.Upper)
	if err != nil {
		return nil, err
	}
	if (lower == nil) != (upper == nil) {
		return nil, invalid("lower and upper go together; given are lower = %v, upper = %v", o.Lower, o.Upper)
	}
	for q := range lower {
		if !(lower[q] < upper[q]) {
			return nil, invalid("bounds of %s: lower = %g, upper = %g (allowed: lower < upper)", sp.Quantities[q].Name, lower[q], upper[q])
		}
	}
	v.lower = lower
	for q, hi := range upper {
		v.half = append(v.half, (hi-lower[q])/2)
	}
	if o.HoldAboveM == 0 && o.DepthPower == 0 {
		return v, nil
	}
	g, err := newGrid(sp)
	if err != nil {
		return nil, err
	}
	z := sp.Axes[len(sp.Axes)-2]
	if !(z.Step > 0) {
		return nil, invalid("hold_above_m and depth_power need depths; the z axis of %v has none", sp)
	}
	bottom := z.Origin + float64(z.Size-1)*z.Step
	v.weight, v.held = make([]float64, sp.Len()), make([]bool, sp.Len())
	for i := range v.weight {
		depth := z.Origin + float64(i/g.nx%g.nz)*z.Step
		v.held[i] = depth < o.HoldAboveM
		v.weight[i] = max(0.1, math.Pow(max(0, depth)/bottom, o.DepthPower))
	}
	return v, nil
}

// each makes one number per quantity of an option; nil for an empty one.
func (v *variables) each(name string, given []float64) ([]float64, error) {
	switch len(given) {
	case 0:
		return nil, nil
	case v.nq:
		return given, nil
	case 1:
		out := make([]float64, v.nq)
		for q := range out {
			out[q] = given[0]
		}
		return out, nil
	}
	return nil, invalid("%s has %d numbers, the latent vector has %d quantities (allowed: 1 or that many)", name, len(given), v.nq)
}

func (v *variables) quantity(i int) int { return i / v.inner % v.nq }

func (v *variables) w(i int) float64 {
	if v.weight == nil {
		return 1
	}
	return v.weight[i]
}

// latent sets z = T(w x).
func (v *variables) latent(z, x []float64) {
	for i, a := range x {
		if v.held != nil && v.held[i] {
			z[i] = a
			continue
		}
		u := v.w(i) * a
		if v.half != nil {
			q := v.quantity(i)
			u = v.lower[q] + v.half[q] + float64(v.half[q]*(u/math.Sqrt(1+float64(u*u))))
		}
		z[i] = u
	}
}

// edge is where a number on a bound is put, in halves of the bounds' distance from the middle between them: T reaches no bound,
// but what it gave may be rounded to one, and a start may lie there.
const edge = 1 - 1e-6

// inverse sets x so that T(w x) = z, or next to it where z is on a bound. It returns the index of the first number beyond the
// bounds by more than the rounding of a float32, -1 if there is none. What is held may lie anywhere.
func (v *variables) inverse(x, z []float64) int {
	for i, u := range z {
		if v.held != nil && v.held[i] {
			x[i] = u
			continue
		}
		if v.half != nil {
			q := v.quantity(i)
			r, slack := (u-v.lower[q]-v.half[q])/v.half[q], 1e-7*math.Abs(u)/v.half[q]
			if !(math.Abs(r) <= 1+slack) {
				return i
			}
			r = min(max(r, -edge), edge)
			u = r / math.Sqrt((1-r)*(1+r))
		}
		x[i] = u / v.w(i)
	}
	return -1
}

// pull turns the derivative by z at x into that by x, in place.
func (v *variables) pull(g, x []float64) {
	for i := range g {
		if v.held != nil && v.held[i] {
			g[i] = 0
			continue
		}
		w := v.w(i)
		if v.half != nil {
			u := w * x[i]
			s := 1 / math.Sqrt(1+float64(u*u))
			w *= v.half[v.quantity(i)] * s * s * s
		}
		g[i] *= w
	}
}

// firstStep is the first trial's largest change of a variable, from that of a latent number.
func (v *variables) firstStep(change float64) float64 {
	least := 1.0
	for q, h := range v.half {
		if q == 0 || h < least {
			least = h
		}
	}
	return change / least
}
