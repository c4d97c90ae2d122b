package helmholtz

// #include "helm.h"
import "C"

import (
	"math"
	"math/cmplx"
	"unsafe"
)

// correct prepares what makes solutions of the bumped matrix S' = S + E E^T (scaled) solutions of S: Z = S'^-1 E and
// (1 - E^T Z)^-1. It fails where S is singular.
func (f *Factor) correct(report *C.helm_report) error {
	count := int(report.bump_count)
	if count == 0 {
		return nil
	}
	if f.bumped == nil || f.bumped.count != count {
		if f.bumped != nil {
			f.bumped.Close()
			f.bumped = nil
		}
		z, err := f.NewFields(count)
		if err != nil {
			return err
		}
		f.bumped = z
	}
	p := f.plan
	node := make([]int, count)
	sources := make([]Source, count)
	for j := range node {
		iz, ix := p.node(int(report.bump[j]))
		node[j] = iz*int(p.c.nx) + ix
		sources[j] = Source{RHS: j, Node: node[j], Value: 1}
	}
	if err := f.SolveSources(f.bumped, sources, nil); err != nil { // bumps.count is 0: this solves with S'
		return err
	}
	// Rows hold S'^-1 E/2 in units of the scaled matrix: a source of 1 is scaled to 1/2.
	unit := f.scale
	c := make([][]complex128, count)
	for i := range c {
		c[i] = make([]complex128, 2*count)
		for j := range count {
			c[i][j] = -f.bumped.At(j, node[i]) / complex(unit, 0)
		}
		c[i][i] += 1
		c[i][count+i] = 1
	}
	if k := invert(c); k >= 0 {
		return f.broken(int(report.bump[k]), 0)
	}
	inverse := unsafe.Slice((*complex128)(unsafe.Pointer(f.bumps.inverse)), count*count)
	for i := range c {
		for j := range count { // Z's rows are half of what they stand for
			inverse[i*count+j] = c[i][count+j] * complex(f.bumped.scale[j]/unit, 0)
		}
	}
	owner := p.lists[p.c.owner:]
	for j := range node {
		first, lanes, offset := f.bumped.lanes(j)
		f.bumps.row[j], f.bumps.owner[j] = report.bump[j], owner[node[j]]
		f.bumps.lanes[j], f.bumps.at[j] = C.int32_t(lanes), C.int64_t(offset+j-first)
	}
	f.bumps.z = f.bumped.block.base
	f.bumps.count = C.int32_t(count)
	return nil
}

// invert turns the rows (a, 1) into (1, a^-1) by Gauss-Jordan with partial pivoting. It returns -1, or the column
// where no pivot is left.
func invert(a [][]complex128) int {
	for k := range a {
		r := k
		for i := k; i < len(a); i++ {
			if cmplx.Abs(a[i][k]) > cmplx.Abs(a[r][k]) {
				r = i
			}
		}
		if s := cmplx.Abs(a[r][k]); s == 0 || math.IsNaN(s) {
			return k
		}
		a[k], a[r] = a[r], a[k]
		inverse := 1 / a[k][k]
		for j := range a[k] {
			a[k][j] *= inverse
		}
		for i := range a {
			if l := a[i][k]; i != k && l != 0 {
				for j := range a[i] {
					a[i][j] -= l * a[k][j]
				}
			}
		}
	}
	return -1
}

// Bumps returns how many diagonal entries the last factorisation had to change, and corrects for, because a pivot was
// nearly zero: a few in float32 are harmless, many say that float64 is due.
func (f *Factor) Bumps() int { return int(f.bumps.count) }
