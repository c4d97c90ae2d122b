package npy

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/mapfile"
	"github.com/waveprior/waveprior/core/tensor"
)

// Rows reads a file row by row, a row being an item of the first axis: as much of it is in memory as is asked for. Real
// numbers of every precision are taken, float16 among them. Safe for concurrent use, but for Close.
type Rows struct {
	f   *mapfile.File
	h   Header
	row int // elements of a row
}

// OpenRows opens a file of real numbers (float16, float32, float64) with one axis or more. Errors: those of Read.
func OpenRows(path string) (*Rows, error) { return openRows(path, false) }

// OpenNumbers is OpenRows for files of complex numbers (complex64, complex128), too, and a single number is one row.
func OpenNumbers(path string) (*Rows, error) { return openRows(path, true) }

func openRows(path string, numbers bool) (*Rows, error) {
	f, err := mapfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	r := &Rows{f: f, row: 1}
	if r.h, err = decodeRows(path, f, f.Size(), true); err == nil {
		switch {
		case r.h.DType != tensor.Float32 && r.h.DType != tensor.Float64 && !(numbers && r.h.DType.IsComplex()):
			or := ""
			if numbers {
				or = ", or complex64 or complex128"
			}
			err = fmt.Errorf("%w: %s (%d bytes): %v of shape %v; float16, float32 or float64 is needed%s", ErrFormat, path, f.Size(), r.h.DType, r.h.Shape, or)
		case len(r.h.Shape) == 0 && numbers:
			r.h.Shape = []int{1}
		case len(r.h.Shape) == 0:
			err = fmt.Errorf("%w: %s (%d bytes): a single number, it has no rows", ErrFormat, path, f.Size())
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	for _, n := range r.h.Shape[1:] {
		r.row *= n
	}
	return r, nil
}

// Len returns the number of rows.
func (r *Rows) Len() int { return r.h.Shape[0] }

// Item returns the shape of a row.
func (r *Rows) Item() []int { return append([]int(nil), r.h.Shape[1:]...) }

// DType returns the name of the file's dtype: "float16", "float32" or "float64", of OpenNumbers "complex64" or "complex128", too.
func (r *Rows) DType() string { return r.h.Type() }

// Name returns the path given to OpenRows.
func (r *Rows) Name() string { return r.f.Name() }

// CheckMemory returns an error if so many bytes, for Read's dst, are more than the machine's memory.
func (r *Rows) CheckMemory(bytes int64) error {
	if err := r.f.CheckMemory(bytes); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

// Read fills dst, (n, item...) of Float32 or Float64, or of Complex64 or Complex128 for complex numbers, with the rows
// first..first+n-1, rounded to dst's precision. Errors: rows beyond the last; a dst of another shape or kind (tensor.ErrShape); a file that
// was cut since OpenRows.
func (r *Rows) Read(first int, dst *tensor.Tensor) error {
	if err := dst.Check("npy: rows of "+r.Name(), dst.DType, append([]int{-1}, r.h.Shape[1:]...)...); err != nil {
		return err
	}
	per, allowed := 1, [2]tensor.DType{tensor.Float32, tensor.Float64} // real numbers of an element
	if r.h.DType.IsComplex() {
		per, allowed = 2, [2]tensor.DType{tensor.Complex64, tensor.Complex128}
	}
	if dst.DType != allowed[0] && dst.DType != allowed[1] {
		return fmt.Errorf("npy: rows of %s: %w: to be read as %v, allowed are %v and %v", r.Name(), tensor.ErrShape, dst.DType, allowed[0], allowed[1])
	}
	n := dst.Shape[0]
	if first < 0 || n > r.Len() || first > r.Len()-n {
		return fmt.Errorf("npy: %s: rows %d..%d, it has %d (0..%d)", r.Name(), first, first+n-1, r.Len(), r.Len()-1)
	}
	element := r.h.size()
	each := element / per
	at := r.h.Offset + int64(first)*int64(r.row)*int64(element)
	if !r.h.Half && r.h.DType == dst.DType {
		return r.full(dst.Data, at)
	}
	raw, values := make([]byte, min(n*r.row, chunk)*element), make([]float64, 0, min(n*r.row, chunk)*per)
	flat := dst.Reshape(n * r.row)
	for i := 0; i < n*r.row; i += chunk {
		part := raw[:min(chunk, n*r.row-i)*element]
		if err := r.full(part, at+int64(i)*int64(element)); err != nil {
			return err
		}
		values = values[:0]
		for ; len(part) > 0; part = part[each:] {
			switch each {
			case 2:
				values = append(values, float64(fromHalf(binary.LittleEndian.Uint16(part))))
			case 4:
				values = append(values, float64(math.Float32frombits(binary.LittleEndian.Uint32(part))))
			default:
				values = append(values, math.Float64frombits(binary.LittleEndian.Uint64(part)))
			}
		}
		flat.Slice(i, i+len(values)/per).SetReals(values)
	}
	return nil
}

// chunk is how many elements are converted at a time.
const chunk = 1 << 16

func (r *Rows) full(p []byte, at int64) error {
	if err := r.f.ReadFull(p, at); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}

// Close closes the file. A second call does nothing.
func (r *Rows) Close() error { return r.f.Close() }
