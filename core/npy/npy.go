// Package npy reads and writes arrays as NumPy's .npy files: little-endian, C order, the dtypes of package tensor. Files
// are byte for byte what numpy.save writes for the same array; formats 1.0, 2.0 and 3.0 are read.
//
// The main functions are Read, Write, Open (mapped, read-only), Create (a [Writer] that takes rows as they come, for
// shards) and OpenRows ([Rows], which reads a few rows at a time of files larger than memory, float16 too):
//
//	err := npy.Write("m.npy", m)
//	v, err := npy.Open("m.npy") // no copy
//	if err != nil { ... }
//	defer v.Close()
//	use(v.Tensor)
//
// Files appear by rename (package commit) and are never changed in place. A file that is not exactly what its header
// says is refused before anything is allocated: every such error wraps [ErrFormat] and names file, size and header.
// It is not a general .npy reader: Fortran order, big-endian numbers, structured and object arrays are refused, .npz is
// not read.
//
// Source of the format: NEP 1 and the module doc of numpy/lib/format.py.
package npy

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/mapfile"
	"github.com/waveprior/waveprior/core/tensor"
)

// ErrFormat is wrapped by every error about the content of a file.
var ErrFormat = errors.New("npy: bad file")

// Header is what a file says about itself, checked against its size.
type Header struct {
	DType  tensor.DType
	Half   bool // the numbers are float16, for Rows alone; DType is the Float32 that they become
	Shape  []int
	Major  int   // version of the format: 1, 2 or 3
	Offset int64 // where the elements start
	Bytes  int64 // bytes of the elements; Offset + Bytes is the size of the file
}

// Type is the name of the file's dtype: "float16", which package tensor does not have, or DType's.
func (h *Header) Type() string {
	if h.Half {
		return "float16"
	}
	return h.DType.String()
}

// size is the bytes of an element in the file.
func (h *Header) size() int {
	if h.Half {
		return 2
	}
	return h.DType.Size()
}

// ReadHeader looks at a file without reading its elements. The errors are those of Read, but that float16 is taken (Half).
func ReadHeader(path string) (Header, error) {
	f, err := mapfile.Open(path)
	if err != nil {
		return Header{}, fmt.Errorf("npy: %w", err)
	}
	h, err := decodeRows(path, f, f.Size(), true)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return h, err
}

// Read reads a file into memory. Errors: those of opening it, and ErrFormat for a file that is cut, has more bytes than
// its header says, a dtype or order that package tensor does not have, or a header that is not one.
func Read(path string) (*tensor.Tensor, error) {
	f, h, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return load(f, h)
}

func load(f *mapfile.File, h Header) (*tensor.Tensor, error) {
	if err := f.CheckMemory(h.Bytes); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	t := tensor.New(h.DType, h.Shape...)
	if err := f.ReadFull(t.Data, h.Offset); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	return t, nil
}

// Mapped is a file mapped read-only.
type Mapped struct {
	// Tensor's bytes are the file's: writing to them ends the process, and so does reading them after Close.
	Tensor *tensor.Tensor
	Header Header
	f      *mapfile.File
}

// Open maps a file read-only; nothing is read until it is used. The errors are those of Read. A file whose elements do not
// start at a multiple of 8 bytes (old writers) is read into memory instead, since a Tensor's do.
func Open(path string) (*Mapped, error) {
	f, h, err := open(path)
	if err != nil {
		return nil, err
	}
	v := &Mapped{Header: h, f: f}
	if h.Offset%8 != 0 {
		v.Tensor, err = load(f, h)
	} else {
		var b []byte
		if b, err = f.Map(); err == nil {
			v.Tensor = &tensor.Tensor{DType: h.DType, Shape: append([]int(nil), h.Shape...), Data: b[h.Offset:len(b):len(b)]}
		} else {
			err = fmt.Errorf("npy: %w", err)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return v, nil
}

// Close unmaps the file; Tensor must not be used any more. A second call does nothing.
func (v *Mapped) Close() error { return v.f.Close() }

func open(path string) (*mapfile.File, Header, error) {
	f, err := mapfile.Open(path)
	if err != nil {
		return nil, Header{}, fmt.Errorf("npy: %w", err)
	}
	h, err := decodeHeader(path, f, f.Size())
	if err != nil {
		_ = f.Close()
		return nil, Header{}, err
	}
	return f, h, nil
}

// Write writes t so that it appears at path at once, whole, on the disk; a file that is there is replaced. On an error
// it is as it was, and nothing else is left. A full disk gives a *commit.SpaceError with the bytes needed and free.
func Write(path string, t *tensor.Tensor) error {
	if err := check(path, t); err != nil {
		return err
	}
	head := encodeHeader(t.DType, t.Shape)
	return commit.WriteFileSize(path, int64(len(head)+len(t.Data)), func(w io.Writer) error {
		if _, err := w.Write(head); err != nil {
			return err
		}
		_, err := w.Write(t.Data)
		return err
	})
}

// check refuses tensors that are not what they say, and those that Read would refuse.
func check(path string, t *tensor.Tensor) error {
	if t == nil {
		return fmt.Errorf("npy: cannot write %s: no tensor: %w", path, tensor.ErrShape)
	}
	if t.DType.Size() == 0 {
		return fmt.Errorf("npy: cannot write %s: %w: %v", path, tensor.ErrShape, t.DType)
	}
	if len(t.Shape) > maxAxes {
		return fmt.Errorf("npy: cannot write %s: %w: %d axes, at most %d", path, tensor.ErrShape, len(t.Shape), maxAxes)
	}
	if err := t.Check("array", t.DType, t.Shape...); err != nil {
		return fmt.Errorf("npy: cannot write %s: %w", path, err)
	}
	return nil
}

// Writer writes one file row by row, a row being an item of the first axis. The number of rows need not be known: the
// header is made at the end, in place. Exactly one of Commit and Abort ends it, so `defer w.Abort()` is right.
type Writer struct {
	f    *commit.File
	dt   tensor.DType
	half bool  // the file has float16, made of dt = Float32
	item []int // shape of a row
	rows int
	head int // bytes of the header, whatever the number of rows
	err  error
}

// Create starts a file of rows of the given shape; Commit puts it at path. The folder must exist.
func Create(path string, dt tensor.DType, item ...int) (*Writer, error) {
	return create(path, dt, false, item)
}

// CreateHalf is Create for float16: Append takes Float32 rows and rounds them to nearest, ties to even; what is too large
// becomes infinite.
func CreateHalf(path string, item ...int) (*Writer, error) {
	return create(path, tensor.Float32, true, item)
}

func create(path string, dt tensor.DType, half bool, item []int) (*Writer, error) {
	if err := check(path, &tensor.Tensor{DType: dt, Shape: append([]int{0}, item...)}); err != nil {
		return nil, err
	}
	if _, err := tensor.Elements(item); err != nil {
		return nil, fmt.Errorf("npy: cannot write %s: %w", path, err)
	}
	f, err := commit.Create(path)
	if err != nil {
		return nil, err
	}
	w := &Writer{f: f, dt: dt, half: half, item: append([]int(nil), item...)}
	head := w.header()
	w.head = len(head)
	if _, err := f.Write(head); err != nil {
		f.Abort()
		return nil, err
	}
	return w, nil
}

func (w *Writer) header() []byte {
	shape := append([]int{w.rows}, w.item...)
	if w.half {
		return encodeDescr(halfDescr, shape)
	}
	return encodeHeader(w.dt, shape)
}

// size is the bytes of an element in the file.
func (w *Writer) size() int64 {
	if w.half {
		return 2
	}
	return int64(w.dt.Size())
}

// Append writes the rows of t, shape (rows, item...), which may be none. After an error, which may have written a part,
// only Abort makes sense: Commit returns that error and aborts.
func (w *Writer) Append(t *tensor.Tensor) error {
	if w.err != nil {
		return w.err
	}
	if err := t.Check(fmt.Sprintf("npy: rows for %s", w.f.Path()), w.dt, append([]int{-1}, w.item...)...); err != nil {
		return err // nothing was written: the writer is as before
	}
	if t.Shape[0] > math.MaxInt-w.rows {
		return fmt.Errorf("npy: rows for %s: %w: %d and %d rows are too many", w.f.Path(), tensor.ErrShape, w.rows, t.Shape[0])
	}
	data := t.Data
	if w.half {
		data = appendHalves(make([]byte, 0, 2*t.Len()), t.Float32s())
	}
	if _, err := w.f.Write(data); err != nil {
		w.err = err
		return err
	}
	w.rows += t.Shape[0]
	return nil
}

// Reserve makes room for a number of rows in all, so that appending them cannot fail for lack of space.
func (w *Writer) Reserve(rows int) error {
	n, err := tensor.Elements(append([]int{rows}, w.item...))
	if err != nil {
		return fmt.Errorf("npy: rows for %s: %w", w.f.Path(), err)
	}
	return w.f.Reserve(int64(w.head) + int64(n)*w.size())
}

// Rows returns the number of rows appended so far.
func (w *Writer) Rows() int { return w.rows }

// Commit writes the header and makes the file appear at its path. On an error nothing is left of it.
func (w *Writer) Commit() error {
	if w.err != nil {
		w.f.Abort()
		return w.err
	}
	head := w.header()
	if len(head) != w.head {
		w.f.Abort()
		return fmt.Errorf("npy: %s: the header for %d rows has %d bytes, %d were kept for it", w.f.Path(), w.rows, len(head), w.head)
	}
	if _, err := w.f.WriteAt(head, 0); err != nil {
		w.f.Abort()
		return err
	}
	w.err = fmt.Errorf("%w: %s", commit.ErrDone, w.f.Path())
	return w.f.Commit()
}

// Abort removes what was written; the path is as it was. After Commit it does nothing.
func (w *Writer) Abort() {
	w.f.Abort()
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", commit.ErrDone, w.f.Path())
	}
}
