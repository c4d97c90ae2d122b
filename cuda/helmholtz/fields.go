package helmholtz

// #include "helm.h"
import "C"

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"unsafe"
)

// Fields holds count vectors of a grid in the layout in which factors work, between solves: SolveSources fills them, At,
// Vector and Products read them. What they touch is what they cost: no vector is copied to the grid's order and back.
type Fields struct {
	plan      *Plan
	precision Precision
	v4        bool
	count     int
	block     *block
	scale     []float64 // of each vector: true value over value in rows; padded with zeros
}

// A Source adds Value at a node (iz*nx + ix) to right-hand side RHS.
type Source struct {
	RHS, Node int
	Value     complex128
}

// lanes returns the width of the block that begins at vector k, and where its rows begin, in reals.
func (u *Fields) lanes(k int) (first, lanes, offset int) {
	real := u.precision.bytes()
	full, least := 32/real, 16/real
	if u.v4 {
		full = 64 / real
	}
	rows := int(u.plan.c.nodes) + 1
	for {
		lanes = least
		if left := u.count - first; left > 2*least {
			lanes = full
		} else if left > least {
			lanes = 2 * least
		}
		if k < first+lanes {
			return first, lanes, offset
		}
		first += lanes
		offset += rows * 2 * lanes
	}
}

// NewFields allocates count vectors for factors of f's plan and precision.
func (f *Factor) NewFields(count int) (*Fields, error) {
	if count < 1 {
		return nil, fmt.Errorf("helmholtz: fields for %d vectors, at least 1 is allowed", count)
	}
	u := &Fields{plan: f.plan, precision: f.precision, v4: f.v4, count: count}
	_, lanes, offset := u.lanes(count - 1)
	bytes := (offset + (int(f.plan.c.nodes)+1)*2*lanes) * f.precision.bytes()
	b, err := allocate(bytes)
	if err != nil {
		return nil, fmt.Errorf("helmholtz: %d vectors of %d nodes: %w", count, f.plan.c.nodes, err)
	}
	u.block = b
	u.scale = make([]float64, padded(count))
	runtime.AddCleanup(u, (*block).release, b)
	return u, nil
}

// Close gives the memory back. The fields must not be used afterwards; a second Close does nothing.
func (u *Fields) Close() { u.block.release() }

// Count returns the number of vectors.
func (u *Fields) Count() int { return u.count }

func (u *Fields) fits(f *Factor) error {
	if u.plan != f.plan || u.precision != f.precision || u.v4 != f.v4 {
		return errors.New("helmholtz: fields of another plan, precision or instruction set")
	}
	return nil
}

// place returns where a node's value of vector k lies, in reals, and how far behind it the imaginary part does.
func (u *Fields) place(k, node int) (at, imag int) {
	first, lanes, offset := u.lanes(k)
	return offset + u.plan.order[node]*2*lanes + k - first, lanes
}

func (u *Fields) check(what string, k, node int) error {
	if n := int(u.plan.c.nodes); k < 0 || k >= u.count || node < 0 || node >= n {
		return fmt.Errorf("helmholtz: %s: vector %d at node %d, there are %d vectors of %d nodes", what, k, node, u.count, n)
	}
	return nil
}

// SolveSources fills u by the solutions of S u_k = the sum of the sources with RHS k. Sources at one node add up.
// wanted, where not nil, are the nodes at which u will be read: elsewhere its values are undefined then, and parts of
// the tree without such a node cost nothing.
func (f *Factor) SolveSources(u *Fields, sources []Source, wanted []int) error {
	if err := u.fits(f); err != nil {
		return err
	}
	if !f.ready {
		return errors.New("helmholtz: SolveSources without a factorisation")
	}
	for _, s := range sources {
		if err := u.check("source", s.RHS, s.Node); err != nil {
			return err
		}
	}
	p := f.plan
	owner := p.lists[p.c.owner:]
	units := int(p.c.box_count + p.c.front_count)
	active := unsafe.Slice((*byte)(f.memory.active), units)
	needed := unsafe.Slice((*byte)(f.memory.wanted), units)
	clear(active)
	clear(needed)
	for i := range needed {
		if wanted == nil {
			needed[i] = 1
		}
	}
	for _, node := range wanted {
		if err := u.check("wanted", 0, node); err != nil {
			return err
		}
		needed[owner[node]] = 1
	}
	clear(unsafe.Slice((*byte)(u.block.base), u.block.bytes))
	largest := make([]float64, u.count)
	for _, s := range sources {
		largest[s.RHS] = max(largest[s.RHS], math.Abs(real(s.Value)), math.Abs(imag(s.Value)))
	}
	in := make([]float64, u.count)
	for k := range in {
		in[k] = 1
		if largest[k] > 0 && !math.IsInf(largest[k], 0) {
			_, e := math.Frexp(largest[k])
			in[k] = math.Ldexp(1, -min(max(e, -960), 960))
		}
		u.scale[k] = f.scale / in[k]
	}
	for _, s := range sources {
		at, imaginary := u.place(s.RHS, s.Node)
		re, im := real(s.Value)*in[s.RHS], imag(s.Value)*in[s.RHS]
		if u.precision == Single {
			v := unsafe.Slice((*float32)(u.block.base), at+imaginary+1)
			v[at] += float32(re)
			v[at+imaginary] += float32(im)
		} else {
			v := unsafe.Slice((*float64)(u.block.base), at+imaginary+1)
			v[at] += re
			v[at+imaginary] += im
		}
		active[owner[s.Node]] = 1
	}
	c := C.helm_fields{rows: u.block.base, count: C.int64_t(u.count)}
	C.helm_substitute(f.kernel(), &p.c, pointer(p.fronts), pointer(p.classes), pointer(p.boxes), pointer(p.lists), &f.memory, &c)
	runtime.KeepAlive(f)
	runtime.KeepAlive(u)
	return nil
}

// At returns vector k at a node; both must lie in range.
func (u *Fields) At(k, node int) complex128 {
	at, imaginary := u.place(k, node)
	s := u.scale[k]
	defer runtime.KeepAlive(u)
	if u.precision == Single {
		v := unsafe.Slice((*float32)(u.block.base), at+imaginary+1)
		return complex(float64(v[at])*s, float64(v[at+imaginary])*s)
	}
	v := unsafe.Slice((*float64)(u.block.base), at+imaginary+1)
	return complex(v[at]*s, v[at+imaginary]*s)
}

// Vector writes vector k to x, nz*nx values in the grid's order.
func (u *Fields) Vector(k int, x []complex128) error {
	if err := u.check("Vector", k, 0); err != nil {
		return err
	}
	if len(x) != int(u.plan.c.nodes) {
		return fmt.Errorf("helmholtz: Vector needs %d entries, x has %d", u.plan.c.nodes, len(x))
	}
	first, lanes, offset := u.lanes(k)
	s := u.scale[k]
	reals := u.block.bytes / u.precision.bytes()
	if u.precision == Single {
		v := unsafe.Slice((*float32)(u.block.base), reals)
		for i, row := range u.plan.order {
			at := offset + row*2*lanes + k - first
			x[i] = complex(float64(v[at])*s, float64(v[at+lanes])*s)
		}
	} else {
		v := unsafe.Slice((*float64)(u.block.base), reals)
		for i, row := range u.plan.order {
			at := offset + row*2*lanes + k - first
			x[i] = complex(v[at]*s, v[at+lanes]*s)
		}
	}
	runtime.KeepAlive(u)
	return nil
}

// Products adds the sum over k of a_k b_k (no conjugate) to sum, nz*nx values in the grid's order. Each product is
// rounded to the fields' precision, the sum is in double. a and b must be of one plan, precision and count.
func Products(sum []complex128, a, b *Fields) error {
	if a.plan != b.plan || a.precision != b.precision || a.v4 != b.v4 || a.count != b.count {
		return fmt.Errorf("helmholtz: Products of fields that differ in plan, precision or count (%d and %d)", a.count, b.count)
	}
	p := a.plan
	if len(sum) != int(p.c.nodes) {
		return fmt.Errorf("helmholtz: Products needs %d entries, sum has %d", p.c.nodes, len(sum))
	}
	scale := make([]float64, len(a.scale))
	for k := range scale {
		scale[k] = a.scale[k] * b.scale[k]
	}
	f := Factor{precision: a.precision, v4: a.v4}
	ca := C.helm_fields{rows: a.block.base, count: C.int64_t(a.count)}
	cb := C.helm_fields{rows: b.block.base, count: C.int64_t(b.count)}
	C.helm_products(f.kernel(), &p.c, pointer(p.lists), &ca, &cb, (*C.double)(unsafe.SliceData(scale)),
		(*C.double)(unsafe.Pointer(unsafe.SliceData(sum))))
	runtime.KeepAlive(a)
	runtime.KeepAlive(b)
	return nil
}
