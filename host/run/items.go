package run

import (
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// itemFile is a .npy file of items of a space: one, or (n, ...) of them, of which those are read that are asked for. Axes of size 1
// may be missing.
type itemFile struct {
	rows   *npy.Rows
	space  *space.Space
	n      int  // items
	single bool // without a batch axis
}

// openItems looks at a file's header. Errors: npy.ReadHeader's; numbers of another kind than the space's; another shape.
func openItems(path string, s *space.Space) (*itemFile, error) {
	h, err := npy.ReadHeader(path)
	if err != nil {
		return nil, err
	}
	if h.DType.IsComplex() != s.DType.IsComplex() || !floating(h.DType) || !floating(s.DType) {
		return nil, fmt.Errorf("%s is %s, the solver's %v", path, h.Type(), s)
	}
	f := &itemFile{space: s}
	want := s.ItemShape()
	switch {
	case slices.Equal(squeeze(h.Shape), squeeze(want)):
		f.n, f.single = 1, len(h.Shape) <= len(want)
	case len(h.Shape) > 1 && slices.Equal(squeeze(h.Shape[1:]), squeeze(want)):
		f.n = h.Shape[0]
	default:
		return nil, fmt.Errorf("%s has shape %v; one item of the solver's has shape %v, and a file one of them or a batch (n, ...): %v", path, h.Shape, want, s)
	}
	if f.n == 0 {
		return nil, fmt.Errorf("%s has shape %v: there is no item in it", path, h.Shape)
	}
	f.rows, err = npy.OpenNumbers(path)
	return f, err
}

// read returns the items of these numbers, which are there, in the space's precision.
func (f *itemFile) read(index []int) (*tensor.Tensor, error) {
	if err := f.rows.CheckMemory(int64(len(index)) * int64(f.space.Len()*f.space.DType.Size())); err != nil {
		return nil, err
	}
	t := f.space.New(len(index))
	for k, i := range index {
		rows := 1
		if f.n == 1 { // whatever its first axis is
			rows = f.rows.Len()
		}
		dst := t.Slice(k, k+1).Reshape(append([]int{rows}, f.rows.Item()...)...)
		if err := f.rows.Read(i, dst); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (f *itemFile) Close() error { return f.rows.Close() }

// ReadItems reads one item or a batch (n, ...) of items of a space from a .npy file, as a batch, rounded to the space's precision;
// single says that the file has no batch axis. Axes of size 1 may be missing. Errors: npy.OpenNumbers'; numbers of another kind; another
// shape.
func ReadItems(path string, s *space.Space) (t *tensor.Tensor, single bool, err error) {
	f, err := openItems(path, s)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	t, err = f.read(count(f.n))
	return t, f.single, err
}

// count returns 0, 1, ..., n-1.
func count(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func floating(t tensor.DType) bool {
	return t == tensor.Float32 || t == tensor.Float64 || t.IsComplex()
}

// squeeze leaves out the axes of size 1.
func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}
