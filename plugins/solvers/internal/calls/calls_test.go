package calls_test

import (
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// spaces are models of 3 float32 numbers and data of 2 complex ones.
func spaces() *calls.Spaces {
	list := func(n int) []space.Axis { return []space.Axis{{Name: "coordinate", Size: n}} }
	return &calls.Spaces{Solver: "test",
		Model: space.Space{Name: "model", DType: tensor.Float32, Axes: list(3), Quantities: []space.Quantity{{Name: "m", Unit: "1"}}},
		Data:  space.Space{Name: "data", DType: tensor.Complex64, Axes: list(2), Quantities: []space.Quantity{{Name: "d", Unit: "1"}}}}
}

// want fails unless err wraps the sentinel and says all of the texts; a nil sentinel wants no error.
func want(t *testing.T, what string, err, sentinel error, texts ...string) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Errorf("%s: %v, want %v", what, err, sentinel)
		return
	}
	for _, s := range texts {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%s: %q does not say %q", what, err, s)
		}
	}
}

func f32(shape ...int) *tensor.Tensor { return tensor.New(tensor.Float32, shape...) }
func c64(shape ...int) *tensor.Tensor { return tensor.New(tensor.Complex64, shape...) }

func TestTensors(t *testing.T) {
	s := spaces()
	want(t, "forward", s.CheckForward(f32(4, 3), c64(4, 2)), nil)
	want(t, "forward: model", s.CheckForward(f32(4, 2), c64(4, 2)), tensor.ErrShape, "solver test: model")
	want(t, "forward: data of a smaller batch", s.CheckForward(f32(4, 3), c64(3, 2)), tensor.ErrShape, "solver test: data")
	want(t, "forward: no data", s.CheckForward(f32(4, 3), nil), tensor.ErrShape)
	for _, c := range []struct {
		what       string
		sets, k, n int // of the directions; items of the result
		err        error
		texts      []string
	}{
		{"one set each", 4, 5, 4, nil, nil},
		{"one set for all", 1, 5, 4, nil, nil},
		{"no direction", 4, 0, 4, nil, nil},
		{"three sets", 3, 5, 4, tensor.ErrShape, []string{"3 sets for 4 models", "want 4 or 1"}},
		{"a result for three", 4, 5, 3, tensor.ErrShape, []string{"result for the"}},
	} {
		k, err := s.CheckTangent(f32(4, 3), f32(c.sets, c.k, 3), c64(c.n, c.k, 2))
		want(t, "tangent, "+c.what, err, c.err, c.texts...)
		k2, err := s.CheckAdjoint(f32(4, 3), c64(c.sets, c.k, 2), f32(c.n, c.k, 3))
		want(t, "adjoint, "+c.what, err, c.err, c.texts...)
		if c.err == nil && (k != c.k || k2 != c.k) {
			t.Errorf("%s: %d and %d directions, want %d", c.what, k, k2, c.k)
		}
	}
	_, err := s.CheckTangent(f32(4, 3), c64(4, 5, 2), c64(4, 5, 2))
	want(t, "tangent of data", err, tensor.ErrShape, "solver test: direction")
	_, err = s.CheckAdjoint(f32(4, 3), f32(4, 5, 3), f32(4, 5, 3))
	want(t, "adjoint of models", err, tensor.ErrShape, "solver test: cotangent")
}

// Set is what CheckTangent lets pass: item i's own directions, or the one set for all.
func TestSet(t *testing.T) {
	all := f32(3, 2, 1)
	all.SetReals([]float64{0, 1, 10, 11, 20, 21})
	for i := range 3 {
		if got := calls.Set(all, i).Float32s()[1]; got != float32(10*i+1) {
			t.Errorf("item %d has %g", i, got)
		}
		if got := calls.Set(all.Slice(2, 3), i).Float32s()[0]; got != 20 {
			t.Errorf("item %d of one set for all has %g", i, got)
		}
	}
}

func TestObserve(t *testing.T) {
	s := spaces()
	d := c64(2, 2)
	d.SetReals([]float64{1, 2, 3, 4, 5, 6, 7, 8})
	tau := []float64{0.5, 2}
	obs, err := s.Observe(d, tau)
	if err != nil {
		t.Fatal(err)
	}
	d.Complex64s()[3], tau[1] = 0, 9
	if obs.D.Complex64s()[3] != 7+8i || obs.Tau[1] != 2 {
		t.Errorf("the caller's change is seen: %v %v", obs.D.Complex64s(), obs.Tau)
	}
	for _, bad := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		_, err := s.Observe(c64(2, 2), []float64{1, bad})
		want(t, "tau", err, contract.ErrInvalidOption, "solver test: observation 1", "above 0 and finite")
	}
	d.SetReals([]float64{1, 2, 3, 4, 5, math.NaN(), 7, 8})
	_, err = s.Observe(d, []float64{1, 1})
	want(t, "a datum that is NaN", err, contract.ErrInvalidOption, "solver test: observation 1", "[0]")
	_, err = s.Observe(d, []float64{1})
	want(t, "two data, one tau", err, tensor.ErrShape)

	m, phi := f32(2, 3), make([]float64, 2)
	want(t, "misfit", s.CheckMisfit(obs, m, []int{1, 1}, phi, f32(2, 3)), nil)
	want(t, "misfit without gradient", s.CheckMisfit(obs, m, []int{0, 1}, phi, nil), nil)
	want(t, "no observation", s.CheckMisfit(nil, m, []int{0, 0}, phi, nil), contract.ErrNoObservation, "before Observe")
	want(t, "observation 2 of 2", s.CheckMisfit(obs, m, []int{0, 2}, phi, nil), contract.ErrNoObservation, "item 1", "observation 2", "(0..1)")
	want(t, "observation -1", s.CheckMisfit(obs, m, []int{-1, 0}, phi, nil), contract.ErrNoObservation, "item 0")
	want(t, "which too short", s.CheckMisfit(obs, m, []int{0}, phi, nil), tensor.ErrShape, "2 models with 1")
	want(t, "phi too short", s.CheckMisfit(obs, m, []int{0, 0}, phi[:1], nil), tensor.ErrShape, "1 places")
	want(t, "gradient of one", s.CheckMisfit(obs, m, []int{0, 0}, phi, f32(1, 3)), tensor.ErrShape, "gradient")
	want(t, "a model of two", s.CheckMisfit(obs, f32(2, 2), []int{0, 0}, phi, nil), tensor.ErrShape, "model")
}

func TestItems(t *testing.T) {
	m := f32(4, 1)
	m.SetReals([]float64{1, -2, 3, -4})
	positive := func(item *tensor.Tensor) contract.Status {
		if v := item.Float32s()[0]; v < 0 {
			return contract.Status{Code: contract.OutOfBounds, Text: "below 0"}
		}
		return contract.Status{}
	}
	status := calls.Items(m, positive)
	if good := calls.Good(4, status); len(good) != 2 || good[0] != 0 || good[1] != 2 {
		t.Errorf("good items %v of %v", good, status)
	}
	if status := calls.Items(m.Slice(0, 1), positive); status != nil {
		t.Errorf("statuses %v where all are well", status)
	}
	if good := calls.Good(2, nil); len(good) != 2 {
		t.Errorf("good items %v of two without statuses", good)
	}
}

func TestStore(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
		a := tensor.New(dt, 2)
		if !calls.Store(a, []float64{3, -5}, 0.5) {
			t.Errorf("%v: finite numbers are said not to be", dt)
		}
		if v := a.AppendReals(nil); v[0] != 1.5 || v[1] != -2.5 {
			t.Errorf("%v: %v", dt, v)
		}
		if finite := calls.Store(a, []float64{1, 1e30}, 1e30); finite != (dt == tensor.Float64) {
			t.Errorf("%v: 1e60 is finite: %v", dt, finite)
		}
	}
}

// A new configuration forgets observations; one that was judged by another configuration is refused; calls under way keep what
// they took.
func TestState(t *testing.T) {
	type setup struct{ n int }
	var s calls.State[setup]
	_, _, err := s.Take("test", nil)
	want(t, "before Configure", err, contract.ErrNotConfigured, "solver test")
	one, two := &setup{1}, &setup{2}
	if before := s.Configure(one, func(before *setup) {
		if before != nil {
			t.Errorf("before the first: %v", before)
		}
	}); before != nil {
		t.Errorf("before the first: %v", before)
	}
	obs := &calls.Observations{Tau: []float64{1}}
	want(t, "Observe", s.Observe("test", one, obs), nil)
	held := 0
	c, o, err := s.Take("test", func(c *setup) { held = c.n })
	if c != one || o != obs || err != nil || held != 1 {
		t.Errorf("took %v %v %v, held %d", c, o, err, held)
	}
	if before := s.Configure(two, nil); before != one {
		t.Errorf("before the second: %v", before)
	}
	if c, o, _ := s.Take("test", nil); c != two || o != nil {
		t.Errorf("after a second configuration: %v %v", c, o)
	}
	want(t, "Observe of the first", s.Observe("test", one, obs), contract.ErrNotConfigured, "configured anew")
	s.View(func(c *setup) {
		if c != two {
			t.Errorf("viewed %v", c)
		}
	})

	var wg sync.WaitGroup // for the race detector
	for i := range 8 {
		wg.Go(func() {
			own := &setup{i}
			s.Configure(own, nil)
			if err := s.Observe("test", own, obs); err != nil && !errors.Is(err, contract.ErrNotConfigured) {
				t.Error(err)
			}
			if c, o, err := s.Take("test", nil); err != nil || c == nil || o != nil && o != obs {
				t.Errorf("took %v %v %v", c, o, err)
			}
		})
	}
	wg.Wait()
}
