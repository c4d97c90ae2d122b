package run

import (
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// ReadItems reads one item or a batch (n, ...) of items of a space from a .npy file, as a batch, rounded to the space's precision;
// single says that the file has no batch axis. A single item may lack axes of size 1. Errors: npy.Read's; numbers of another kind; another
// shape.
func ReadItems(path string, s *space.Space) (t *tensor.Tensor, single bool, err error) {
	if t, err = npy.Read(path); err != nil {
		return nil, false, err
	}
	if t.DType != s.DType {
		if from, to := t.DType, s.DType; from.IsComplex() != to.IsComplex() || !floating(from) || !floating(to) {
			return nil, false, fmt.Errorf("%s is %v, the solver takes %v", path, from, s)
		}
		r := tensor.New(s.DType, t.Shape...)
		r.SetReals(t.AppendReals(nil))
		t = r
	}
	want := s.ItemShape()
	switch {
	case len(t.Shape) == len(want)+1 && s.Check(path, t, -1) == nil:
		return t, false, nil
	case slices.Equal(t.Shape, want) || slices.Equal(squeeze(t.Shape), squeeze(want)):
		return t.Reshape(s.BatchShape(1)...), true, nil
	}
	return nil, false, fmt.Errorf("%s has shape %v; the solver takes one item of shape %v or a batch (n, ...) of them: %v", path, t.Shape, want, s)
}

func floating(t tensor.DType) bool {
	return t == tensor.Float32 || t == tensor.Float64 || t.IsComplex()
}

// squeeze leaves out the axes of size 1.
func squeeze(shape []int) []int {
	return slices.DeleteFunc(slices.Clone(shape), func(n int) bool { return n == 1 })
}
