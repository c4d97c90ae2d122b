package latent_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/priors/internal/latent"
)

func of(dt tensor.DType, d int) space.Space {
	return space.Space{Name: "latent", DType: dt, Axes: []space.Axis{{Name: "coordinate", Size: d}},
		Quantities: []space.Quantity{{Name: "latent", Unit: "1"}}}
}

// TestChecks: each wrong call is refused with a text that says what is wrong, and the right ones pass.
func TestChecks(t *testing.T) {
	s := latent.Space{Prior: "toy", Space: of(tensor.Float64, 3), Levels: 10}
	model := of(tensor.Float32, 4)
	x, y := tensor.New(tensor.Float64, 2, 3), tensor.New(tensor.Float64, 2, 3)
	directions := func(in, out *tensor.Tensor) error {
		_, err := s.CheckDirections(x, in, out, &s.Space, &model, "direction")
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want string // "" for no error
	}{
		"right":             {s.CheckLevels(x, []int{0, 9}, y, "denoised"), ""},
		"float32":           {s.CheckLevels(tensor.New(tensor.Float32, 2, 3), []int{0, 9}, y, "denoised"), "prior toy: latent"},
		"other result":      {s.CheckLevels(x, []int{0, 9}, tensor.New(tensor.Float64, 1, 3), "denoised"), "prior toy: denoised"},
		"too few levels":    {s.CheckLevels(x, []int{0}, y, "denoised"), "2 items with 1 levels"},
		"level of none":     {s.CheckLevels(x, []int{0, 10}, y, "denoised"), "level of item 1 is 10, the schedule has 0..9"},
		"negative level":    {s.CheckLevels(x, []int{-1, 0}, y, "denoised"), "level of item 0 is -1"},
		"cotangent":         {s.CheckCotangent(x, []int{1, 1}, y, y), ""},
		"wrong cotangent":   {s.CheckCotangent(x, []int{1, 1}, tensor.New(tensor.Float64, 2, 4), y), "prior toy: cotangent"},
		"wrong gradient":    {s.CheckCotangent(x, []int{1, 1}, y, tensor.New(tensor.Float64, 2, 4)), "prior toy: gradient"},
		"one set":           {directions(tensor.New(tensor.Float64, 1, 5, 3), tensor.New(tensor.Float32, 2, 5, 4)), ""},
		"a set each":        {directions(tensor.New(tensor.Float64, 2, 5, 3), tensor.New(tensor.Float32, 2, 5, 4)), ""},
		"three sets":        {directions(tensor.New(tensor.Float64, 3, 5, 3), tensor.New(tensor.Float32, 2, 5, 4)), "3 sets for 2 items, want 2 or 1"},
		"other directions":  {directions(tensor.New(tensor.Float32, 2, 5, 3), tensor.New(tensor.Float32, 2, 5, 4)), "prior toy: direction"},
		"too few of result": {directions(tensor.New(tensor.Float64, 2, 5, 3), tensor.New(tensor.Float32, 2, 4, 4)), "prior toy: result for the direction"},
	} {
		switch {
		case c.want == "" && c.err != nil:
			t.Errorf("%s: %v", name, c.err)
		case c.want != "" && (!errors.Is(c.err, contract.ErrShape) || !strings.Contains(c.err.Error(), c.want)):
			t.Errorf("%s: error %v, want one of shape with %q", name, c.err, c.want)
		}
	}
	if k, err := s.CheckDirections(x, tensor.New(tensor.Float64, 2, 7, 3), tensor.New(tensor.Float32, 2, 7, 4), &s.Space, &model, "w"); k != 7 || err != nil {
		t.Errorf("%d directions (%v), want 7", k, err)
	}
	if err := s.NoData("Decode"); !errors.Is(err, contract.ErrUnsupported) || !strings.Contains(err.Error(), "prior toy: Decode of data") {
		t.Errorf("no data: %v", err)
	}
}

// TestJudge: each item has its own status, in both types of number.
func TestJudge(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32} {
		s := latent.Space{Prior: "toy", Space: of(dt, 2)}
		z, out := tensor.New(dt, 4, 2), tensor.New(dt, 4, 2)
		z.SetReals([]float64{1, 2, math.NaN(), 1, -3e30, 7, math.Inf(-1), 0})
		if got := s.Judge(out, out); got != nil {
			t.Errorf("zeros: %v", got)
		}
		out.SetReals([]float64{1, 2, 3, 4, math.Inf(1), 0, 1, 1})
		got := s.Judge(z, out)
		for i, want := range []contract.StatusCode{contract.OK, contract.OutOfBounds, contract.Diverged, contract.OutOfBounds} {
			if got[i].Code != want {
				t.Errorf("%v: item %d: %v, want %v", dt, i, got[i], want)
			}
		}
		if want := "largest number of the latent vector is 3e+30"; !strings.Contains(got[2].Text, want) {
			t.Errorf("%v: text %q, want %q in it", dt, got[2].Text, want)
		}
	}
}

// TestSet: one set stands for all items.
func TestSet(t *testing.T) {
	one, two := tensor.FromFloat64s([]float64{1}, 1, 1, 1), tensor.FromFloat64s([]float64{1, 2}, 2, 1, 1)
	if a, b := latent.Set(one, 1).Float64s()[0], latent.Set(two, 1).Float64s()[0]; a != 1 || b != 2 {
		t.Errorf("sets of item 1: %g and %g, want 1 and 2", a, b)
	}
}
