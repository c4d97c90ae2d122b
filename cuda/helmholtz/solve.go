package helmholtz

// #include "helm.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Solve overwrites x, count right-hand sides b of shape (count, nz, nx), by the solutions of S x = b. Parts of the tree
// that no right-hand side reaches cost nothing on the way up. It fails before Factorise succeeded and where len(x) is
// not count*nz*nx.
func (f *Factor) Solve(x []complex128, count int) error {
	if err := f.checkPanel(len(x), count); err != nil {
		return err
	}
	f.solve(unsafe.Pointer(unsafe.SliceData(x)), count, true)
	return nil
}

// SolveSingle is Solve for complex64 vectors; the arithmetic is the factor's.
func (f *Factor) SolveSingle(x []complex64, count int) error {
	if err := f.checkPanel(len(x), count); err != nil {
		return err
	}
	f.solve(unsafe.Pointer(unsafe.SliceData(x)), count, false)
	return nil
}

func (f *Factor) checkPanel(length, count int) error {
	n := int(f.plan.c.nodes)
	if !f.ready {
		return errors.New("helmholtz: Solve without a factorisation")
	}
	if count < 1 || length != count*n {
		return fmt.Errorf("helmholtz: Solve of %d right-hand sides of %d nodes needs %d entries, x has %d", count, n, count*n, length)
	}
	return nil
}

func (f *Factor) solve(x unsafe.Pointer, count int, wide bool) {
	panel := C.helm_panel{count: C.int64_t(count)}
	if wide {
		panel.wide = 1
	}
	p := f.plan
	C.helm_solve(f.kernel(), &p.c, pointer(p.fronts), pointer(p.classes), pointer(p.boxes), pointer(p.lists), &f.memory,
		C.double(f.scale), x, panel)
	runtime.KeepAlive(f)
}

// Refine improves x, count approximate solutions of m x = b, steps times: residual b - m x in float64, correction with
// this factor. m is the matrix that was factorised. b and x are (count, nz, nx).
func (f *Factor) Refine(m *Matrix, b, x []complex128, count, steps int) error {
	if len(b) != len(x) {
		return fmt.Errorf("helmholtz: Refine has b of %d entries and x of %d", len(b), len(x))
	}
	if err := f.checkPanel(len(x), count); err != nil {
		return err
	}
	if len(f.residual) < len(x) {
		f.residual = make([]complex128, len(x))
	}
	r := f.residual[:len(x)]
	for range steps {
		if err := m.Apply(r, x, count); err != nil {
			return err
		}
		for i := range r {
			r[i] = b[i] - r[i]
		}
		if err := f.Solve(r, count); err != nil {
			return err
		}
		for i := range x {
			x[i] += r[i]
		}
	}
	return nil
}
