package space

import (
	"fmt"
	"slices"
)

// gather takes indices of one axis: y[o,j,i] = x[o,index_j,i]. Its transpose adds back to the indices taken.
type gather struct {
	outer, nIn, inner int
	index             []int
}

func (p *gather) Apply(x, y []float64) error {
	p.JVP(nil, x, y)
	return nil
}

func (p *gather) JVP(_, dx, dy []float64) {
	for o := range p.outer {
		for j, k := range p.index {
			copy(dy[(o*len(p.index)+j)*p.inner:][:p.inner], dx[(o*p.nIn+k)*p.inner:][:p.inner])
		}
	}
}

func (p *gather) VJP(_, w, dx []float64) {
	clear(dx)
	for o := range p.outer {
		for j, k := range p.index {
			copy(dx[(o*p.nIn+k)*p.inner:][:p.inner], w[(o*len(p.index)+j)*p.inner:][:p.inner])
		}
	}
}

func (p *gather) ConstantJacobian() bool { return true }

// Select returns the adapter that keeps these indices of an axis, in this order: shots, receivers, frequencies, or the
// fields of a model. No index may come twice (a datum would count twice in the misfit).
func Select(in Space, axis string, index []int) (*Adapter, error) {
	a := in.axis(axis)
	if a < 0 {
		return nil, fmt.Errorf("%w: select: no axis %q in %s", ErrNoAdapter, axis, &in)
	}
	from := in.Axes[a]
	if len(index) == 0 {
		return nil, fmt.Errorf("space: select: no index of axis %s (it has 0..%d)", axis, from.Size-1)
	}
	seen := make([]bool, from.Size)
	for _, k := range index {
		if k < 0 || k >= from.Size {
			return nil, fmt.Errorf("space: select: index %d of axis %s (allowed: 0..%d)", k, axis, from.Size-1)
		}
		if seen[k] {
			return nil, fmt.Errorf("space: select: index %d of axis %s twice", k, axis)
		}
		seen[k] = true
	}
	outer, inner := in.around(a)
	out := in
	out.Axes = append([]Axis(nil), in.Axes...)
	out.Axes[a] = from.at(index)
	if a == in.fieldAxis() {
		out.Quantities = nil
		for _, k := range index {
			out.Quantities = append(out.Quantities, in.Quantities[k])
		}
	}
	m := &gather{outer: outer, nIn: from.Size, inner: inner, index: slices.Clone(index)}
	return New(fmt.Sprintf("select %d of %d %s", len(index), from.Size, axis), in, out, m)
}

// at returns the axis of these indices: regular if they are evenly spaced, else with positions, if it has any.
func (a *Axis) at(index []int) Axis {
	out := Axis{Name: a.Name, Unit: a.Unit, Size: len(index)}
	for _, k := range index {
		if len(a.Depths) > 0 {
			out.Depths = append(out.Depths, a.Depths[k])
		}
	}
	if _, ok := a.position(0); !ok {
		return out
	}
	stride := 1
	if len(index) > 1 {
		stride = index[1] - index[0]
	}
	even := stride > 0 && len(a.Values) == 0
	for j := 1; even && j < len(index); j++ {
		even = index[j]-index[j-1] == stride
	}
	if even {
		out.Origin, _ = a.position(index[0])
		out.Step = a.Step * float64(stride)
		return out
	}
	for _, k := range index {
		p, _ := a.position(k)
		out.Values = append(out.Values, p)
	}
	return out
}

// InsertAxis returns the adapter that puts a singleton axis ("field", "component" or "channel") before axis at.
func InsertAxis(in Space, at int, name string) (*Adapter, error) {
	if at < 0 || at > len(in.Axes) || !listsQuantities(name) || in.axis(name) >= 0 || in.fieldAxis() >= 0 && name != "channel" {
		return nil, fmt.Errorf("%w: insert axis %q at %d of %s (allowed: one field, component or channel axis, at 0..%d)",
			ErrNoAdapter, name, at, &in, len(in.Axes))
	}
	out := in
	out.Axes = slices.Insert(slices.Clone(in.Axes), at, Axis{Name: name, Size: 1})
	return relabel("insert "+name, in, out), nil
}

// DropAxis returns the adapter that drops a singleton axis ("field", "component" or "channel").
func DropAxis(in Space, name string) (*Adapter, error) {
	a := in.axis(name)
	if a < 0 || !listsQuantities(name) || in.Axes[a].Size != 1 {
		return nil, fmt.Errorf("%w: drop axis %q of %s (allowed: a field, component or channel axis of size 1)", ErrNoAdapter, name, &in)
	}
	out := in
	out.Axes = slices.Delete(slices.Clone(in.Axes), a, a+1)
	return relabel("drop "+name, in, out), nil
}

func listsQuantities(axis string) bool {
	return axis == "field" || axis == "component" || axis == "channel"
}
