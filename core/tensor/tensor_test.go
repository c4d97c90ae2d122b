package tensor_test

import (
	"errors"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/tensor"
)

func TestViewsShareMemory(t *testing.T) {
	a := tensor.FromFloat64s([]float64{1, 2, 3, 4, 5, 6}, 3, 2)
	a.Item(1).Float64s()[0] = 30
	a.Slice(1, 3).Float64s()[3] = 60
	want := []float64{1, 2, 30, 4, 5, 60}
	for i, v := range a.Float64s() {
		if v != want[i] {
			t.Fatalf("element %d = %v, want %v", i, v, want[i])
		}
	}
	c := a.Clone()
	c.Float64s()[0] = 9
	if a.Float64s()[0] != 1 {
		t.Error("Clone shares memory")
	}
}

func TestElementsRefusesOverflow(t *testing.T) {
	for _, s := range [][]int{{-1}, {math.MaxInt, 2}, {1 << 40, 1 << 40}} {
		if _, err := tensor.Elements(s); !errors.Is(err, tensor.ErrShape) {
			t.Errorf("Elements(%v) = %v, want ErrShape", s, err)
		}
	}
	if n, err := tensor.Elements([]int{1 << 40, 0, 1 << 40}); n != 0 || err != nil {
		t.Errorf("Elements with a zero extent = %d, %v", n, err)
	}
}

func TestCheck(t *testing.T) {
	a := tensor.New(tensor.Float32, 4, 5)
	for _, c := range []struct {
		dt    tensor.DType
		shape []int
		ok    bool
	}{
		{tensor.Float32, []int{4, 5}, true},
		{tensor.Float32, []int{-1, 5}, true},
		{tensor.Float32, []int{-1, 6}, false},
		{tensor.Float64, []int{4, 5}, false},
		{tensor.Float32, []int{20}, false},
	} {
		if err := a.Check("model", c.dt, c.shape...); (err == nil) != c.ok {
			t.Errorf("Check(%v %v) = %v, want ok %v", c.dt, c.shape, err, c.ok)
		}
	}
	a.Data = a.Data[:10]
	if err := a.Check("model", tensor.Float32, 4, 5); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("short data: %v", err)
	}
	if err := (*tensor.Tensor)(nil).Check("model", tensor.Float32); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("nil: %v", err)
	}
}

func TestRealsRoundTrip(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Complex64, tensor.Complex128} {
		a := tensor.New(dt, 3, 2)
		v := make([]float64, a.Reals())
		for i := range v {
			v[i] = float64(i) - 2.5
		}
		a.SetReals(v)
		for i, got := range a.AppendReals(nil) {
			if got != v[i] {
				t.Errorf("%v: real %d = %v, want %v", dt, i, got, v[i])
			}
		}
	}
}

func TestDTypeNames(t *testing.T) {
	for d := tensor.Float32; d <= tensor.Uint8; d++ {
		got, err := tensor.ParseDType(d.String())
		if err != nil || got != d {
			t.Errorf("ParseDType(%v) = %v, %v", d, got, err)
		}
	}
	if _, err := tensor.ParseDType("float16"); err == nil {
		t.Error("float16 accepted")
	}
}

// Finite finds one bad number of any real or complex dtype, wherever it is, real part or imaginary.
func TestFinite(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Complex64, tensor.Complex128} {
		a := tensor.New(dt, 2, 3)
		top := math.MaxFloat64
		if dt == tensor.Float32 || dt == tensor.Complex64 {
			top = math.MaxFloat32
		}
		v := make([]float64, a.Reals())
		for i := range v {
			for x, want := range map[float64]bool{top: true, -top: true, math.Inf(1): false, math.Inf(-1): false, math.NaN(): false} {
				clear(v)
				v[i] = x
				a.SetReals(v)
				if got := a.Finite(); got != want {
					t.Errorf("%v with %g at %d: finite %v, want %v", dt, x, i, got, want)
				}
			}
		}
	}
	if !tensor.New(tensor.Int64, 2).Finite() || !tensor.New(tensor.Float32, 0, 4).Finite() {
		t.Error("whole numbers, or none, are finite")
	}
}
