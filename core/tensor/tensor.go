// Package tensor holds the one array type that crosses every boundary of waveprior: a dtype, a shape and the bytes,
// row-major, little-endian, last axis fastest. A Tensor does not know who owns its memory: it may lie on the Go heap
// or in the run's arena (package plugin), and the same code works on both.
//
// It is not a numerical library: no broadcasting, no arithmetic. Kernels take the typed slices.
//
//	m := tensor.New(tensor.Float64, 32, 2) // batch of 32 models of 2 coordinates
//	row := m.Item(3).Float64s()            // a view, not a copy
package tensor

import (
	"errors"
	"fmt"
	"math"
	"unsafe"
)

// ErrShape is wrapped by every error about a shape or dtype that is not what it should be.
var ErrShape = errors.New("tensor: wrong shape or dtype")

// DType is the type of a tensor's elements. The numbers are those of the wire (proto DType) and never change.
type DType uint8

// The dtypes of the contract.
const (
	Invalid    DType = 0
	Float32    DType = 1
	Float64    DType = 2
	Complex64  DType = 3
	Complex128 DType = 4
	Int32      DType = 5
	Int64      DType = 6
	Uint8      DType = 7
)

// Size returns the bytes of one element, 0 for an invalid dtype.
func (d DType) Size() int {
	switch d {
	case Float32, Int32:
		return 4
	case Float64, Complex64, Int64:
		return 8
	case Complex128:
		return 16
	case Uint8:
		return 1
	}
	return 0
}

func (d DType) String() string {
	switch d {
	case Float32:
		return "float32"
	case Float64:
		return "float64"
	case Complex64:
		return "complex64"
	case Complex128:
		return "complex128"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Uint8:
		return "uint8"
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// ParseDType is the inverse of DType.String.
func ParseDType(s string) (DType, error) {
	for d := Float32; d <= Uint8; d++ {
		if d.String() == s {
			return d, nil
		}
	}
	return Invalid, fmt.Errorf("%w: dtype %q (allowed: float32, float64, complex64, complex128, int32, int64, uint8)", ErrShape, s)
}

// IsComplex reports whether an element counts as two real numbers.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }

// Tensor is an array. The first axis of a tensor in a call is the batch unless its doc says otherwise.
type Tensor struct {
	DType DType
	Shape []int
	Data  []byte // len = elements * DType.Size(), start aligned to at least 8 bytes
}

// Elements returns the number of elements of a shape, and an error if an extent is negative or the product overflows.
func Elements(shape []int) (int, error) {
	n := 1
	for _, s := range shape {
		if s < 0 {
			return 0, fmt.Errorf("%w: negative extent in shape %v", ErrShape, shape)
		}
		n = min(n, s)
	}
	if n == 0 {
		return 0, nil
	}
	for _, s := range shape {
		if n > math.MaxInt/16/s {
			return 0, fmt.Errorf("%w: shape %v has too many elements", ErrShape, shape)
		}
		n *= s
	}
	return n, nil
}

// New returns a zeroed tensor on the heap, aligned to 64 bytes. It panics on a shape that Elements refuses:
// check shapes that come from outside with Elements first.
func New(dt DType, shape ...int) *Tensor {
	n, err := Elements(shape)
	if err != nil {
		panic(err)
	}
	if dt.Size() == 0 {
		panic(fmt.Sprintf("tensor: New with %v", dt))
	}
	bytes := n * dt.Size()
	buf := make([]byte, bytes+64)
	off := 0
	if r := int(uintptr(unsafe.Pointer(unsafe.SliceData(buf))) & 63); r != 0 {
		off = 64 - r
	}
	return &Tensor{DType: dt, Shape: append([]int(nil), shape...), Data: buf[off : off+bytes : off+bytes]}
}

// FromFloat64s copies v into a new tensor of the given shape.
func FromFloat64s(v []float64, shape ...int) *Tensor {
	t := New(Float64, shape...)
	if len(v) != t.Len() {
		panic(fmt.Sprintf("tensor: %d values for shape %v", len(v), shape))
	}
	copy(t.Float64s(), v)
	return t
}

// Len returns the number of elements.
func (t *Tensor) Len() int {
	n, err := Elements(t.Shape)
	if err != nil {
		panic(err)
	}
	return n
}

// Batch returns the extent of the first axis, 1 for a scalar.
func (t *Tensor) Batch() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[0]
}

// Reals returns the number of real numbers: complex elements count as two.
func (t *Tensor) Reals() int {
	if t.DType.IsComplex() {
		return 2 * t.Len()
	}
	return t.Len()
}

// Check returns an error wrapping ErrShape unless t has this dtype and shape and as many bytes as they say; an extent
// of -1 allows any. what names the tensor in the text ("solver analytic: model").
func (t *Tensor) Check(what string, dt DType, shape ...int) error {
	if t == nil {
		return fmt.Errorf("%w: %s is missing, want %v %v", ErrShape, what, dt, shape)
	}
	ok := t.DType == dt && len(t.Shape) == len(shape)
	for i := 0; ok && i < len(shape); i++ {
		ok = shape[i] == -1 || t.Shape[i] == shape[i]
	}
	if !ok {
		return fmt.Errorf("%w: %s is %v %v, want %v %v", ErrShape, what, t.DType, t.Shape, dt, shape)
	}
	n, err := Elements(t.Shape)
	if err != nil {
		return err
	}
	if len(t.Data) != n*dt.Size() {
		return fmt.Errorf("%w: %s has %d bytes, shape %v of %v needs %d", ErrShape, what, len(t.Data), t.Shape, dt, n*dt.Size())
	}
	return nil
}

// Item returns item i of the first axis as a view without that axis.
func (t *Tensor) Item(i int) *Tensor {
	s := t.Slice(i, i+1)
	s.Shape = s.Shape[1:]
	return s
}

// Slice returns items lo..hi-1 of the first axis as a view.
func (t *Tensor) Slice(lo, hi int) *Tensor {
	n := t.Shape[0]
	if lo < 0 || hi < lo || hi > n {
		panic(fmt.Sprintf("tensor: slice [%d:%d] of a batch of %d", lo, hi, n))
	}
	item := 0
	if n > 0 {
		item = len(t.Data) / n
	}
	shape := append([]int(nil), t.Shape...)
	shape[0] = hi - lo
	return &Tensor{DType: t.DType, Shape: shape, Data: t.Data[lo*item : hi*item : hi*item]}
}

// Reshape returns a view with another shape of as many elements. It panics if the numbers differ.
func (t *Tensor) Reshape(shape ...int) *Tensor {
	n, err := Elements(shape)
	if err != nil || n != t.Len() {
		panic(fmt.Sprintf("tensor: reshape %v to %v", t.Shape, shape))
	}
	return &Tensor{DType: t.DType, Shape: append([]int(nil), shape...), Data: t.Data}
}

// Clone returns a copy on the heap.
func (t *Tensor) Clone() *Tensor {
	c := New(t.DType, t.Shape...)
	copy(c.Data, t.Data)
	return c
}

// CopyFrom copies the bytes of src, which must have the same dtype and as many elements.
func (t *Tensor) CopyFrom(src *Tensor) {
	if t.DType != src.DType || len(t.Data) != len(src.Data) {
		panic(fmt.Sprintf("tensor: copy %v %v from %v %v", t.DType, t.Shape, src.DType, src.Shape))
	}
	copy(t.Data, src.Data)
}

// Zero clears the bytes.
func (t *Tensor) Zero() { clear(t.Data) }

// Finite reports whether no number of t, real or complex, is NaN or infinite; whole numbers are finite.
func (t *Tensor) Finite() bool {
	switch t.DType {
	case Float32:
		return finite(t.Float32s(), math.MaxFloat32)
	case Float64:
		return finite(t.Float64s(), math.MaxFloat64)
	case Complex64:
		return finite(view[float32](t, t.DType), math.MaxFloat32)
	case Complex128:
		return finite(view[float64](t, t.DType), math.MaxFloat64)
	}
	return true
}

func finite[T float32 | float64](v []T, top T) bool {
	for _, x := range v {
		if !(x >= -top && x <= top) {
			return false
		}
	}
	return true
}

func view[T any](t *Tensor, dt DType) []T {
	if t.DType != dt {
		panic(fmt.Sprintf("tensor: %v viewed as %v", t.DType, dt))
	}
	var z T
	n := len(t.Data) / int(unsafe.Sizeof(z))
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(t.Data))), n)
}

// Float64s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Float64s() []float64 { return view[float64](t, Float64) }

// Float32s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Float32s() []float32 { return view[float32](t, Float32) }

// Complex64s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Complex64s() []complex64 { return view[complex64](t, Complex64) }

// Complex128s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Complex128s() []complex128 { return view[complex128](t, Complex128) }

// Int64s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Int64s() []int64 { return view[int64](t, Int64) }

// Int32s returns the elements as a view; it panics on another dtype.
func (t *Tensor) Int32s() []int32 { return view[int32](t, Int32) }

// AppendReals appends the elements as float64 to dst, complex ones as real, imaginary, and returns it.
// For float32 and complex64 this is exact.
func (t *Tensor) AppendReals(dst []float64) []float64 {
	switch t.DType {
	case Float64:
		return append(dst, t.Float64s()...)
	case Float32:
		for _, v := range t.Float32s() {
			dst = append(dst, float64(v))
		}
	case Complex64:
		for _, v := range t.Complex64s() {
			dst = append(dst, float64(real(v)), float64(imag(v)))
		}
	case Complex128:
		for _, v := range t.Complex128s() {
			dst = append(dst, real(v), imag(v))
		}
	case Int32:
		for _, v := range t.Int32s() {
			dst = append(dst, float64(v))
		}
	case Int64:
		for _, v := range t.Int64s() {
			dst = append(dst, float64(v))
		}
	case Uint8:
		for _, v := range t.Data {
			dst = append(dst, float64(v))
		}
	}
	return dst
}

// SetReals is the inverse of AppendReals for the real and complex dtypes: it rounds v to the dtype. len(v) = t.Reals().
func (t *Tensor) SetReals(v []float64) {
	if len(v) != t.Reals() {
		panic(fmt.Sprintf("tensor: %d reals into %v %v", len(v), t.DType, t.Shape))
	}
	switch t.DType {
	case Float64:
		copy(t.Float64s(), v)
	case Float32:
		for i, d := 0, t.Float32s(); i < len(d); i++ {
			d[i] = float32(v[i])
		}
	case Complex64:
		for i, d := 0, t.Complex64s(); i < len(d); i++ {
			d[i] = complex(float32(v[2*i]), float32(v[2*i+1]))
		}
	case Complex128:
		for i, d := 0, t.Complex128s(); i < len(d); i++ {
			d[i] = complex(v[2*i], v[2*i+1])
		}
	default:
		panic(fmt.Sprintf("tensor: SetReals on %v", t.DType))
	}
}
