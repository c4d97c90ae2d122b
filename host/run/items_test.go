package run_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/run"
)

// TestReadItems: one item, with axes of one number or without, or several, in any floating precision.
func TestReadItems(t *testing.T) {
	sp := &space.Space{Name: "model", DType: tensor.Float32, Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}},
		Axes: []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: 3, Step: 10}, {Name: "x", Unit: "m", Size: 4, Step: 10}}}
	path := filepath.Join(t.TempDir(), "m.npy")
	for _, c := range []struct {
		dt     tensor.DType
		shape  []int
		batch  int // 0: refused
		single bool
	}{
		{tensor.Float32, []int{1, 3, 4}, 1, true},
		{tensor.Float64, []int{3, 4}, 1, true},
		{tensor.Float64, []int{1, 1, 3, 4}, 1, false},
		{tensor.Float32, []int{5, 1, 3, 4}, 5, false},
		{tensor.Float64, []int{5, 3, 4}, 5, false}, // OpenFWI's data have no axis of one component
		{tensor.Float32, []int{3, 3, 4}, 3, false},
		{tensor.Float32, []int{0, 3, 4}, 0, false},
		{tensor.Float32, []int{5, 4, 3}, 0, false},
		{tensor.Float32, []int{4, 3}, 0, false},
		{tensor.Float32, []int{12}, 0, false},
		{tensor.Float32, []int{5, 2, 3, 4}, 0, false},
		{tensor.Float32, nil, 0, false},
		{tensor.Int32, []int{3, 4}, 0, false},
		{tensor.Complex64, []int{3, 4}, 0, false},
	} {
		in := tensor.New(c.dt, c.shape...)
		v := make([]float64, 12*max(c.batch, 0))
		for i := range v {
			v[i] = 1500.1 + float64(i)
		}
		if c.batch > 0 {
			in.SetReals(v)
		}
		if err := npy.Write(path, in); err != nil {
			t.Fatal(err)
		}
		out, single, err := run.ReadItems(path, sp)
		if c.batch == 0 {
			if err == nil || !strings.Contains(err.Error(), "m.npy") {
				t.Errorf("%v %v: %v", c.dt, c.shape, err)
			}
			continue
		}
		if err != nil || single != c.single || !slices.Equal(out.Shape, sp.BatchShape(c.batch)) || out.Float32s()[len(v)-1] != float32(v[len(v)-1]) {
			t.Errorf("%v %v: %v, single %v, %v", c.dt, c.shape, out, single, err)
		}
	}
}
