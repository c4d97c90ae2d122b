package helmholtz

// #cgo CXXFLAGS: -std=c++17
// #include "helm.h"
// #include "memory.h"
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
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

// A Factor owns the memory of one factorisation. It serves one goroutine at a time, any of them. Its memory lies
// outside of Go's heap; it is given back by Close, or when the Factor is collected.
type Factor struct {
	plan      *Plan
	precision Precision
	v4        bool
	ready     bool
	scale     float64
	block     *block
	memory    C.helm_memory
	bumped    *Fields       // Z, for the corrections
	bumps     *C.helm_bumps // in block
	residual  []complex128
}

// sizes returns the bytes of the parts of a factor, in the order of helm_memory.
func (p *Plan) sizes(precision Precision) [8]int {
	real := precision.bytes()
	row := 2 * 64 // bytes of a row of x at most
	units := int(p.c.box_count + p.c.front_count)
	slack := 2 * tile * tile // vectors may be read past the end of what they need
	sizes := [8]int{
		(int(p.c.factor_size) + slack) * real, (int(p.c.update_size) + slack) * real, (int(p.c.work_size) + slack) * real,
		(max(int(p.c.max_local), int(p.c.max_boundary)) + tile) * row, units, units,
		int(unsafe.Sizeof(C.helm_bumps{})) + C.HELM_MOST_BUMPS*C.HELM_MOST_BUMPS*16, (int(p.c.nodes) + 1) * row,
	}
	for i, s := range sizes {
		sizes[i] = (s + 4095) / 4096 * 4096
	}
	return sizes
}

// FactorBytes returns the memory of a Factor of this plan, workspace included.
func (p *Plan) FactorBytes(precision Precision) int {
	bytes := 0
	for _, s := range p.sizes(precision) {
		bytes += s
	}
	return bytes
}

// NewFactor allocates a factor of the plan. It runs at the instruction set that cuda.ISA names at this moment.
func NewFactor(plan *Plan, precision Precision) (*Factor, error) {
	if precision != Single && precision != Double {
		return nil, fmt.Errorf("helmholtz: precision %d, allowed are Single and Double", int(precision))
	}
	isa := cuda.ISA()
	if isa < 3 {
		return nil, errors.New("helmholtz: this processor lacks AVX2 and FMA (x86-64-v3)")
	}
	m, err := allocate(plan.FactorBytes(precision))
	if err != nil {
		return nil, fmt.Errorf("helmholtz: a factor of %d x %d nodes in %v: %w", plan.c.nz, plan.c.nx, precision, err)
	}
	f := &Factor{plan: plan, precision: precision, v4: isa == 4, block: m}
	var parts [8]unsafe.Pointer
	at := m.base
	for i, bytes := range plan.sizes(precision) {
		parts[i] = at
		at = unsafe.Add(at, bytes)
	}
	f.memory = C.helm_memory{
		factor: parts[0], update: parts[1], work: parts[2], near: parts[3],
		active: (*C.uint8_t)(parts[4]), wanted: (*C.uint8_t)(parts[5]), bumps: (*C.helm_bumps)(parts[6]), x: parts[7],
	}
	f.bumps = f.memory.bumps
	f.bumps.inverse = (*C.double)(unsafe.Add(parts[6], unsafe.Sizeof(C.helm_bumps{})))
	runtime.AddCleanup(f, (*block).release, m)
	return f, nil
}

// block is memory of C, zeroed.
type block struct {
	base  unsafe.Pointer
	bytes int
}

func allocate(bytes int) (*block, error) {
	base := C.helm_allocate(C.size_t(bytes))
	if base == nil {
		return nil, fmt.Errorf("no memory for %d bytes", bytes)
	}
	return &block{base: base, bytes: bytes}, nil
}

func (m *block) release() {
	if m.base != nil {
		C.helm_release(m.base, C.size_t(m.bytes))
		m.base = nil
	}
}

// Close gives the memory back. The factor must not be used afterwards; a second Close does nothing.
func (f *Factor) Close() {
	f.ready = false
	f.block.release()
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
	if f.block.base == nil {
		return errors.New("helmholtz: Factorise after Close")
	}
	f.bumps.count = 0
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
		&f.memory, &report)
	runtime.KeepAlive(f)
	f.scale = float64(report.scale)
	switch code {
	case C.HELM_OK:
	case C.HELM_CROWDED:
		return fmt.Errorf("helmholtz: %w: more than %d pivots are nearly zero in %v; allowed are larger models or lower "+
			"frequencies in float64", ErrBreakdown, C.HELM_MOST_BUMPS, f.precision)
	default:
		return f.broken(int(report.row), float64(report.pivot))
	}
	f.ready = true
	if err := f.correct(&report); err != nil {
		f.ready = false
		return err
	}
	return nil
}

func (f *Factor) broken(row int, pivot float64) error {
	iz, ix := f.plan.node(row)
	return fmt.Errorf("helmholtz: %w at node (%d, %d): the pivot left is %.3g, the mean of the diagonal about %.3g",
		ErrBreakdown, iz, ix, pivot/f.scale, 1/f.scale)
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
	i := int(p.lists[int(p.c.node)+row])
	return i / int(p.c.nx), i % int(p.c.nx)
}
