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
	f    *mapfile.File
	h    Header
	half bool
	row  int // elements of a row
}

// OpenRows opens a file of real numbers (float16, float32, float64) with one axis or more. Errors: those of Read.
func OpenRows(path string) (*Rows, error) {
	f, err := mapfile.Open(path)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	r := &Rows{f: f, row: 1}
	if r.h, r.half, err = decodeRows(path, f, f.Size(), true); err == nil {
		switch {
		case r.h.DType != tensor.Float32 && r.h.DType != tensor.Float64:
			err = fmt.Errorf("%w: %s (%d bytes): %v of shape %v; float16, float32 or float64 is needed", ErrFormat, path, f.Size(), r.h.DType, r.h.Shape)
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

// DType returns the name of the file's dtype: "float16", "float32" or "float64".
func (r *Rows) DType() string {
	if r.half {
		return "float16"
	}
	return r.h.DType.String()
}

// Name returns the path given to OpenRows.
func (r *Rows) Name() string { return r.f.Name() }

// Read fills dst, (n, item...) of Float32 or Float64, with the rows first..first+n-1, rounded to dst's precision. Errors:
// rows beyond the last; a dst of another shape (tensor.ErrShape); a file that was cut since OpenRows.
func (r *Rows) Read(first int, dst *tensor.Tensor) error {
	if err := dst.Check("npy: rows of "+r.Name(), dst.DType, append([]int{-1}, r.h.Shape[1:]...)...); err != nil {
		return err
	}
	if dst.DType != tensor.Float32 && dst.DType != tensor.Float64 {
		return fmt.Errorf("npy: rows of %s: %w: to be read as %v, allowed are float32 and float64", r.Name(), tensor.ErrShape, dst.DType)
	}
	n := dst.Shape[0]
	if first < 0 || n > r.Len() || first > r.Len()-n {
		return fmt.Errorf("npy: %s: rows %d..%d, it has %d (0..%d)", r.Name(), first, first+n-1, r.Len(), r.Len()-1)
	}
	each := r.h.DType.Size()
	if r.half {
		each = 2
	}
	at := r.h.Offset + int64(first)*int64(r.row)*int64(each)
	if !r.half && r.h.DType == dst.DType {
		return r.full(dst.Data, at)
	}
	raw, values := make([]byte, min(n*r.row, chunk)*each), make([]float64, 0, min(n*r.row, chunk))
	flat := dst.Reshape(n * r.row)
	for i := 0; i < n*r.row; i += chunk {
		part := raw[:min(chunk, n*r.row-i)*each]
		if err := r.full(part, at+int64(i)*int64(each)); err != nil {
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
		flat.Slice(i, i+len(values)).SetReals(values)
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
