package space

import (
	"fmt"
	"math"
)

// snap is the part of a step within which two positions are the same one.
const snap = 1e-6

// interpolation is linear interpolation along one axis: y[o,j,i] = (1-t_j) x[o,k_j,i] + t_j x[o,k_j+1,i].
type interpolation struct {
	outer, nIn, nOut, inner int
	k                       []int
	t                       []float64 // in [0, 1); 0 where k_j is the last index
}

func (p *interpolation) Apply(x, y []float64) error {
	p.JVP(nil, x, y)
	return nil
}

func (p *interpolation) JVP(_, dx, dy []float64) {
	for o := range p.outer {
		for j, k := range p.k {
			dst := dy[(o*p.nOut+j)*p.inner:][:p.inner]
			a := dx[(o*p.nIn+k)*p.inner:][:p.inner]
			t := p.t[j]
			if t == 0 {
				copy(dst, a)
				continue
			}
			b := dx[(o*p.nIn+k+1)*p.inner:][:p.inner]
			for i := range dst {
				dst[i] = math.FMA(t, b[i], (1-t)*a[i])
			}
		}
	}
}

func (p *interpolation) VJP(_, w, dx []float64) {
	clear(dx)
	for o := range p.outer {
		for j, k := range p.k {
			src := w[(o*p.nOut+j)*p.inner:][:p.inner]
			a := dx[(o*p.nIn+k)*p.inner:][:p.inner]
			t := p.t[j]
			for i := range src {
				a[i] = math.FMA(1-t, src[i], a[i])
			}
			if t == 0 {
				continue
			}
			b := dx[(o*p.nIn+k+1)*p.inner:][:p.inner]
			for i := range src {
				b[i] = math.FMA(t, src[i], b[i])
			}
		}
	}
}

func (p *interpolation) ConstantJacobian() bool { return true }

// Resample returns linear interpolation along a regular axis to the positions of to: to.Size points from to.Origin in
// steps of to.Step, in the unit of that axis. Between two axes in turn it is the bilinear interpolation of a 2-D grid. No
// filter is applied: what the coarser grid cannot hold is aliased. Positions outside the axis by at most half of
// the coarser step take the value at its edge; further outside is an error with the numbers.
func Resample(in Space, axis string, to Axis) (*Adapter, error) {
	a := in.axis(axis)
	if a < 0 {
		return nil, fmt.Errorf("%w: resample: no axis %q in %s", ErrNoAdapter, axis, &in)
	}
	from := in.Axes[a]
	if from.Size > 1 && from.Step <= 0 || len(from.Values) > 0 {
		return nil, fmt.Errorf("%w: resample: axis %s of %s is not regular (it needs an origin and a step)", ErrNoAdapter, axis, &in)
	}
	if to.Size < 1 || to.Size > 1 && !(to.Step > 0) || len(to.Values) > 0 {
		return nil, fmt.Errorf("space: resample: axis %s to size %d, step %g (allowed: a regular axis, size >= 1, step > 0)", axis, to.Size, to.Step)
	}
	if from.Size == 1 && to.Size > 1 {
		return nil, fmt.Errorf("%w: resample: axis %s has a single position, %d are wanted", ErrNoAdapter, axis, to.Size)
	}
	slack := 0.5 * max(from.Step, to.Step) * (1 + snap)
	if to.Origin < from.Origin-slack || to.last() > from.last()+slack {
		return nil, fmt.Errorf("%w: resample: axis %s covers %g..%g %s, %g..%g is wanted (allowed: at most %g %s outside, half of the coarser step)",
			ErrNoAdapter, axis, from.Origin, from.last(), from.Unit, to.Origin, to.last(), slack, from.Unit)
	}
	outer, inner := in.around(a)
	p := &interpolation{outer: outer, nIn: from.Size, nOut: to.Size, inner: inner, k: make([]int, to.Size), t: make([]float64, to.Size)}
	for j := range p.k {
		u := 0.0
		if from.Size > 1 {
			u = (to.Origin + float64(j)*to.Step - from.Origin) / from.Step
		}
		if r := math.Round(u); math.Abs(u-r) < snap {
			u = r
		}
		u = min(max(u, 0), float64(from.Size-1))
		p.k[j] = int(u)
		p.t[j] = u - float64(p.k[j])
	}
	out := in
	out.Axes = append([]Axis(nil), in.Axes...)
	out.Axes[a] = Axis{Name: from.Name, Unit: from.Unit, Size: to.Size, Origin: to.Origin, Step: to.Step}
	return New(fmt.Sprintf("resample %s %d to %d", axis, from.Size, to.Size), in, out, p)
}

// last returns the position of the last index of a regular axis.
func (a *Axis) last() float64 { return a.Origin + float64(a.Size-1)*a.Step }

// Cells returns the axis of n cells that cover what the cells of a cover, whatever the number of a's: the outer half of a cell
// at each end included. An axis without a step stays without.
func (a *Axis) Cells(n int) Axis {
	if n == a.Size {
		return *a
	}
	out := Axis{Name: a.Name, Unit: a.Unit, Size: n}
	if a.Step > 0 && len(a.Values) == 0 {
		out.Step = a.Step * float64(a.Size) / float64(n)
		out.Origin = math.FMA(0.5, out.Step-a.Step, a.Origin)
	}
	return out
}

// position returns the position of index i, and whether the axis has positions.
func (a *Axis) position(i int) (float64, bool) {
	if len(a.Values) > 0 {
		return a.Values[i], true
	}
	return a.Origin + float64(i)*a.Step, a.Step != 0
}

// axis returns the index of the axis of that name, -1 if there is none.
func (s *Space) axis(name string) int {
	for i, a := range s.Axes {
		if a.Name == name {
			return i
		}
	}
	return -1
}

// apart names the first index at which two axes of one size stand for different places, "" where they stand for the same:
// positions equal to snap times the step, depths to snap times the largest, or not said on one of the sides.
func apart(a, b *Axis) string {
	stride := 1
	if len(a.Values) == 0 && len(b.Values) == 0 {
		stride = max(1, a.Size-1) // both regular: the ends decide
	}
	for i := 0; i < a.Size; i += stride {
		p, ok := a.position(i)
		q, ok2 := b.position(i)
		if !ok || !ok2 {
			break
		}
		scale := max(math.Abs(a.Step), math.Abs(b.Step))
		if scale == 0 {
			scale = max(math.Abs(p), math.Abs(q))
		}
		if math.Abs(p-q) > snap*scale {
			return fmt.Sprintf("index %d lies at %g%s against %g%s", i, p, unitText(a.Unit), q, unitText(b.Unit))
		}
	}
	if len(a.Depths) == 0 || len(b.Depths) == 0 {
		return ""
	}
	deepest := 0.0
	for i, p := range a.Depths {
		deepest = max(deepest, math.Abs(p), math.Abs(b.Depths[i]))
	}
	for i, p := range a.Depths {
		if q := b.Depths[i]; math.Abs(p-q) > snap*deepest {
			return fmt.Sprintf("index %d lies at a depth of %g%s against %g%s", i, p, unitText(a.Unit), q, unitText(b.Unit))
		}
	}
	return ""
}

// Unsaid lists what two data spaces leave open of where their shots and receivers lie, axis by axis of both: Between takes that for
// the same, whatever it is. Empty: all of it is said on both sides.
func Unsaid(a, b *Space) []string {
	var open []string
	for _, name := range []string{"shot", "receiver"} {
		i, j := a.axis(name), b.axis(name)
		if i < 0 || j < 0 {
			continue
		}
		p, q := &a.Axes[i], &b.Axes[j]
		_, placed := p.position(0)
		if _, ok := q.position(0); !ok || !placed {
			open = append(open, "positions of axis "+name)
		}
		if len(p.Depths) == 0 || len(q.Depths) == 0 {
			open = append(open, "depths of axis "+name)
		}
	}
	return open
}
