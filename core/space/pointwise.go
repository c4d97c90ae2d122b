package space

import (
	"fmt"
	"math"
)

// scalar is a differentiable function of one real number.
type scalar interface {
	value(x float64) float64
	slope(x float64) float64 // dvalue/dx
	affine() bool
}

// powerLaw is y = c x^(p2/2), for x > 0 unless p2 = 2, where it is a change of unit and takes any x. Velocity,
// slowness and squared slowness are powers of each other, and units are powers of ten: c holds the units.
type powerLaw struct {
	c  float64
	p2 int
}

func (f powerLaw) value(x float64) float64 {
	switch f.p2 {
	case 2:
		return f.c * x
	case 4:
		return f.c * (x * x)
	case -2:
		return f.c / x
	case -4:
		return f.c / (x * x)
	case 1:
		return f.c * math.Sqrt(x)
	case -1:
		return f.c / math.Sqrt(x)
	}
	panic(fmt.Sprintf("space: power %d/2", f.p2))
}

func (f powerLaw) slope(x float64) float64 {
	switch f.p2 {
	case 2:
		return f.c
	case 4:
		return 2 * f.c * x
	case -2:
		return -f.c / (x * x)
	case -4:
		return -2 * f.c / (x * x * x)
	case 1:
		return 0.5 * f.c / math.Sqrt(x)
	case -1:
		return -0.5 * f.c / (x * math.Sqrt(x))
	}
	panic(fmt.Sprintf("space: power %d/2", f.p2))
}

func (f powerLaw) affine() bool     { return f.p2 == 2 }
func (f powerLaw) isIdentity() bool { return f.p2 == 2 && f.c == 1 }

// affineLaw is y = scale x + offset.
type affineLaw struct{ scale, offset float64 }

func (f affineLaw) value(x float64) float64 { return math.FMA(f.scale, x, f.offset) }
func (f affineLaw) slope(float64) float64   { return f.scale }
func (f affineLaw) affine() bool            { return true }

// clampLaw is y = min(max(x, lower), upper); its slope is 0 where it acts and 1 elsewhere, the bounds included.
type clampLaw struct{ lower, upper float64 }

func (f clampLaw) value(x float64) float64 {
	switch {
	case x < f.lower:
		return f.lower
	case x > f.upper:
		return f.upper
	}
	return x // NaN stays NaN
}

func (f clampLaw) slope(x float64) float64 {
	if x < f.lower || x > f.upper {
		return 0
	}
	return 1
}

func (f clampLaw) affine() bool { return math.IsInf(f.lower, -1) && math.IsInf(f.upper, 1) }

// signedLogLaw is y = sign(x) log(1 + |x|/c): linear, of slope 1/c, for |x| << c, and logarithmic beyond.
type signedLogLaw struct{ c float64 }

func (f signedLogLaw) value(x float64) float64 { return math.Copysign(math.Log1p(math.Abs(x)/f.c), x) }
func (f signedLogLaw) slope(x float64) float64 { return 1 / (f.c + math.Abs(x)) }
func (f signedLogLaw) affine() bool            { return false }

// pointwise applies one scalar function per field to every real number of that field.
type pointwise struct {
	in     Space
	what   string   // what the values are wanted for, in errors
	laws   []scalar // one per quantity
	per    int      // reals of an element
	inner  int      // reals of one index of the field axis: the axes after it, twice for complex
	affine bool
}

func newPointwise(in Space, what string, laws []scalar) *pointwise {
	p := &pointwise{in: in, what: what, laws: laws, per: in.Reals() / in.Len(), inner: in.Reals(), affine: true}
	if f := in.fieldAxis(); f >= 0 {
		_, p.inner = in.around(f)
	}
	for _, l := range laws {
		p.affine = p.affine && l.affine()
	}
	return p
}

func (p *pointwise) law(block int) scalar { return p.laws[block%len(p.laws)] }

func (p *pointwise) Apply(x, y []float64) error {
	for lo := 0; lo < len(x); lo += p.inner {
		b := lo / p.inner
		f := p.law(b)
		_, power := f.(powerLaw)
		positive := power && !f.affine()
		for i := lo; i < lo+p.inner; i++ {
			y[i] = f.value(x[i])
			if positive && (!(x[i] > 0) || math.IsInf(x[i], 0) || math.IsInf(y[i], 0)) {
				q := p.in.Quantities[b%len(p.laws)]
				return fmt.Errorf("%s is %g %s at %v: %s needs it positive and finite", q.Name, x[i], q.Unit, p.in.index(i/p.per), p.what)
			}
		}
	}
	return nil
}

func (p *pointwise) JVP(x, dx, dy []float64) {
	for lo := 0; lo < len(dx); lo += p.inner {
		f := p.law(lo / p.inner)
		if f.affine() {
			c := f.slope(0)
			for i := lo; i < lo+p.inner; i++ {
				dy[i] = c * dx[i]
			}
			continue
		}
		for i := lo; i < lo+p.inner; i++ {
			dy[i] = f.slope(x[i]) * dx[i]
		}
	}
}

// VJP is JVP: the Jacobian is diagonal.
func (p *pointwise) VJP(x, w, dx []float64) { p.JVP(x, w, dx) }

func (p *pointwise) ConstantJacobian() bool { return p.affine }

// around returns the reals of an item per index of all axes before axis a (how many blocks there are) and after it
// (how long a run of one index is; a complex element counts as two).
func (s *Space) around(a int) (outer, inner int) {
	outer, inner = 1, 1
	for i, ax := range s.Axes {
		switch {
		case i < a:
			outer *= ax.Size
		case i > a:
			inner *= ax.Size
		}
	}
	if s.DType.IsComplex() {
		inner *= 2
	}
	return outer, inner
}

// laws returns one law for every quantity of s: f for those named (all for ""), unchanged for the others, and how many
// were named.
func (s *Space) laws(field string, f scalar) ([]scalar, int) {
	laws, named := make([]scalar, len(s.Quantities)), 0
	for i, q := range s.Quantities {
		laws[i] = powerLaw{1, 2}
		if field == "" || q.Name == field {
			laws[i] = f
			named++
		}
	}
	return laws, named
}

// withQuantities returns s with its quantities replaced by change(q) for those named (all for "").
func (s *Space) withQuantities(field string, change func(Quantity) Quantity) Space {
	out := *s
	out.Quantities = append([]Quantity(nil), s.Quantities...)
	for i, q := range out.Quantities {
		if field == "" || q.Name == field {
			out.Quantities[i] = change(q)
		}
	}
	return out
}

func (s *Space) pointwise(name, field string, f scalar, change func(Quantity) Quantity) (*Adapter, error) {
	laws, named := s.laws(field, f)
	if named == 0 {
		return nil, fmt.Errorf("%w: %s: no field %q in %s", ErrNoAdapter, name, field, s)
	}
	return New(name, *s, s.withQuantities(field, change), newPointwise(*s, name, laws))
}

// Affine returns y = scale x + offset of one field (all for ""), whose unit becomes unit. scale is not 0; a complex
// space takes no offset.
func Affine(in Space, field string, scale, offset float64, unit string) (*Adapter, error) {
	if scale == 0 || math.IsNaN(scale+offset) || math.IsInf(scale+offset, 0) {
		return nil, fmt.Errorf("space: affine: scale %g and offset %g (allowed: finite, scale not 0)", scale, offset)
	}
	if offset != 0 && in.DType.IsComplex() {
		return nil, fmt.Errorf("space: affine: offset %g on %v data (allowed: 0)", offset, in.DType)
	}
	return in.pointwise("affine", field, affineLaw{scale, offset}, func(q Quantity) Quantity {
		return Quantity{Name: q.Name, Unit: unit}
	})
}

// Clamp returns y = min(max(x, lower), upper) of one field (all for ""); the derivative is 0 where it acts. It is never
// put in unasked: a model out of bounds is a status, unless the experiment asks for this.
func Clamp(in Space, field string, lower, upper float64) (*Adapter, error) {
	if !(lower <= upper) {
		return nil, fmt.Errorf("space: clamp to %g..%g (allowed: lower <= upper)", lower, upper)
	}
	if in.DType.IsComplex() {
		return nil, fmt.Errorf("space: clamp of %v data (allowed: float32, float64)", in.DType)
	}
	return in.pointwise("clamp", field, clampLaw{lower, upper}, func(q Quantity) Quantity {
		q.Lower, q.Upper = bound(lower), bound(upper)
		return q
	})
}

func bound(v float64) *float64 {
	if math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// SignedLog returns y = sign(x) log(1 + |x|/c) of every real number (real and imaginary parts each by themselves), c > 0
// in the data's unit; y has unit "1".
func SignedLog(in Space, c float64) (*Adapter, error) {
	if !(c > 0) || math.IsInf(c, 0) {
		return nil, fmt.Errorf("space: signed log with c = %g (allowed: positive, finite, in the data's unit)", c)
	}
	return in.pointwise("signed-log", "", signedLogLaw{c}, func(q Quantity) Quantity {
		return Quantity{Name: q.Name, Unit: "1"}
	})
}
