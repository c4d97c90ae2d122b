package helmholtz

// #cgo CXXFLAGS: -std=c++17
// #include "helm.h"
// #include "memory.h"
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// Precision is the arithmetic of a Factor.
type Precision int

// Single keeps and computes factors as complex64, Double as complex128.
const (
	Single Precision = iota
	Double
)

// String returns "float32" or "float64", the names of the solver's option.
func (p Precision) String() string {
	if p == Single {
		return "float32"
	}
	return "float64"
}

func (p Precision) bytes() int {
	if p == Single {
		return 4
	}
	return 8
}

// ErrBreakdown is wrapped by Factorise's error where a pivot tile is singular to working precision.
var ErrBreakdown = errors.New("the factorisation broke down")

// isaVariable forces an instruction set, for tests and comparisons: "v3" or "v4".
const isaVariable = "WAVEPRIOR_HELMHOLTZ_ISA"

// A Factor owns the memory of one factorisation. It serves one goroutine at a time, any of them. Its memory lies
// outside of Go's heap; it is given back by Close, or when the Factor is collected.
type Factor struct {
	plan      *Plan
	precision Precision
	v4        bool
	ready     bool
	scale     float64
	memory    *block
	residual  []complex128
}

// block is memory of C.
type block struct {
	c     C.helm_memory
	base  unsafe.Pointer
	bytes C.size_t
}

// sizes returns the bytes of the factor, its update matrices, workspace and right-hand sides.
func (p *Plan) sizes(precision Precision) (factor, update, work, x int) {
	real := precision.bytes()
	lanes := 64 / real
	near := max(int(p.c.max_local), int(p.c.max_boundary)+tile)
	rows := int(p.c.nodes) + 1 + near
	x = rows*2*lanes*real + int(p.c.box_count+p.c.front_count)
	slack := 2 * tile * tile // vectors may be read past the end of what they need
	return (int(p.c.factor_size) + slack) * real, (int(p.c.update_size) + slack) * real, (int(p.c.work_size) + slack) * real, x
}

func aligned(bytes int) int { return (bytes + 4095) / 4096 * 4096 }

// FactorBytes returns the memory of a Factor of this plan, workspace included.
func (p *Plan) FactorBytes(precision Precision) int {
	f, u, w, x := p.sizes(precision)
	return aligned(f) + aligned(u) + aligned(w) + aligned(x)
}

// NewFactor allocates a factor of the plan.
func NewFactor(plan *Plan, precision Precision) (*Factor, error) {
	if precision != Single && precision != Double {
		return nil, fmt.Errorf("helmholtz: precision %d, allowed are Single and Double", int(precision))
	}
	isa := int(C.helm_isa())
	switch s := os.Getenv(isaVariable); s {
	case "":
	case "v3":
		isa = min(isa, 3)
	case "v4":
		if isa < 4 {
			return nil, fmt.Errorf("helmholtz: %s=v4, but this processor has no AVX-512", isaVariable)
		}
	default:
		return nil, fmt.Errorf("helmholtz: %s=%q, allowed are v3 and v4", isaVariable, s)
	}
	if isa == 0 {
		return nil, errors.New("helmholtz: this processor lacks AVX2 and FMA (x86-64-v3)")
	}
	bytes := plan.FactorBytes(precision)
	base := C.helm_allocate(C.size_t(bytes))
	if base == nil {
		return nil, fmt.Errorf("helmholtz: no memory for a factor of %d x %d nodes in %v, %d bytes",
			plan.c.nz, plan.c.nx, precision, bytes)
	}
	factor, update, work, _ := plan.sizes(precision)
	m := &block{base: base, bytes: C.size_t(bytes)}
	m.c.factor = base
	m.c.update = unsafe.Add(base, aligned(factor))
	m.c.work = unsafe.Add(m.c.update, aligned(update))
	m.c.x = unsafe.Add(m.c.work, aligned(work))
	f := &Factor{plan: plan, precision: precision, v4: isa == 4, memory: m}
	runtime.AddCleanup(f, (*block).release, m)
	return f, nil
}

func (m *block) release() {
	if m.base != nil {
		C.helm_release(m.base, m.bytes)
		m.base = nil
	}
}

// Close gives the memory back. The factor must not be used afterwards; a second Close does nothing.
func (f *Factor) Close() {
	f.ready = false
	f.memory.release()
}

// Plan returns the plan of the factor.
func (f *Factor) Plan() *Plan { return f.plan }

func pointer[T any](s []T) *T { return unsafe.SliceData(s) }

func plane(s []complex128) *C.double { return (*C.double)(unsafe.Pointer(unsafe.SliceData(s))) }

// Factorise computes S = L Delta L^T, in place of an earlier factorisation. It fails where m does not fit the plan,
// where m is not finite, and where a pivot tile is singular to working precision (ErrBreakdown); Solve is refused then.
func (f *Factor) Factorise(m *Matrix) error {
	f.ready = false
	p := f.plan
	if f.memory.base == nil {
		return errors.New("helmholtz: Factorise after Close")
	}
	if err := m.check(int(p.c.nz), int(p.c.nx)); err != nil {
		return err
	}
	if m.DownRight != nil && p.c.nine == 0 {
		return errors.New("helmholtz: the matrix has diagonal couplings, the plan is one for five points")
	}
	if i := m.notFinite(); i >= 0 {
		return fmt.Errorf("helmholtz: the matrix is not finite at node (%d, %d)", i/m.NX, i%m.NX)
	}
	var pin runtime.Pinner
	defer pin.Unpin()
	for _, s := range [][]complex128{m.Diagonal, m.Right, m.Down, m.DownRight, m.DownLeft} {
		if s != nil {
			pin.Pin(unsafe.SliceData(s))
		}
	}
	c := C.helm_matrix{
		diagonal: plane(m.Diagonal), right: plane(m.Right), down: plane(m.Down),
		down_right: plane(m.DownRight), down_left: plane(m.DownLeft),
	}
	var report C.helm_report
	code := C.helm_factorise(f.kernel(), &p.c, pointer(p.fronts), pointer(p.classes), pointer(p.boxes), pointer(p.lists), &c,
		&f.memory.c, &report)
	runtime.KeepAlive(f)
	f.scale = float64(report.scale)
	if code != 0 {
		iz, ix := p.node(int(report.row))
		return fmt.Errorf("helmholtz: %w at node (%d, %d): the largest pivot left is %.3g, the matrix's largest coefficient %.3g",
			ErrBreakdown, iz, ix, float64(report.pivot)/f.scale, 1/f.scale)
	}
	f.ready = true
	return nil
}

// kernel names the variant of the C functions: precision and instruction set.
func (f *Factor) kernel() C.helm_kernel {
	k := C.helm_kernel{}
	if f.precision == Double {
		k.wide = 1
	}
	if f.v4 {
		k.v4 = 1
	}
	return k
}

// node returns the node that a row of x stands for.
func (p *Plan) node(row int) (iz, ix int) {
	for i, r := range p.order {
		if r == row {
			return i / int(p.c.nx), i % int(p.c.nx)
		}
	}
	return -1, -1
}
