package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/cuda"
)

// large is a training of a network with a matrix of 2^20 weights, which Update treats by itself, two layers that are too
// small for that, and one that is used twice.
func large[T cuda.Float](t *testing.T, threads int) (*nn.Store[T], nn.Trainer[T]) {
	t.Helper()
	s := nn.NewStore[T](device(t, threads))
	in, block, twice, out := s.Linear("in", 6, 1024), s.Residual("block", 1024), s.Residual("twice", 1024), s.Linear("out", 1024, 6)
	s.Linear("unused", 5, 3)
	must(t, s.Allocate(nn.ForTraining))
	must(t, s.Init(1))
	tr, _ := newDenoising(t, s, 20, 6, studyLevels, func(t *nn.Tape[T], _ *nn.Table[T], _ *nn.Index[T], x *nn.Var[T]) *nn.Var[T] {
		return t.Linear(out, t.Residual(twice, t.Residual(twice, t.Residual(block, t.GELU(t.Linear(in, x))))))
	})
	tr.Adam.Schedule = nn.Constant(1e-4) // the small layers of the study take ten times that
	return s, tr
}

// Update is Backward and Step: norms and all arrays agree within rounding errors over three steps, in float64 to 1e-11 and
// in float32 to 1e-3 of the largest element (Adam's first steps divide gradients by their own size, so that those near zero
// take the sign of their rounding error); it really leaves the large gradient out; and its bits are the same on 1, 2 and 4
// threads.
func TestUpdate(t *testing.T) {
	updateAgainstStep[float64](t, 1e-11)
	updateAgainstStep[float32](t, 1e-3)
}

func updateAgainstStep[T cuda.Float](t *testing.T, bound float64) {
	t.Helper()
	plain, p := large[T](t, 2)
	var want []float64
	for k := range 3 {
		must(t, p.Batch(k))
		must(t, p.Tape.Forward())
		must(t, p.Tape.Backward(p.Loss))
		norm, err := plain.Step(p.Adam, k)
		must(t, err)
		want = append(want, norm)
	}
	var first []float64
	for _, threads := range []int{1, 2, 4} {
		s, u := large[T](t, threads)
		for k := range 3 {
			must(t, u.Batch(k))
			must(t, u.Tape.Forward())
			norm, err := u.Tape.Update(u.Loss, u.Adam, k)
			must(t, err)
			near(t, "norm", norm, want[k], bound)
		}
		var arrays []float64
		for _, w := range []nn.Weights{nn.Value, nn.EMA, nn.First, nn.Second} {
			got, reference := all(t, s, w), all(t, plain, w)
			worst, largest := 0.0, 0.0
			for i := range got {
				worst, largest = max(worst, math.Abs(got[i]-reference[i])), max(largest, math.Abs(reference[i]))
			}
			if !(worst <= bound*largest) {
				t.Errorf("%v, %d threads, %d-byte numbers: differs by %g from Backward and Step, largest element %g", w, threads, cuda.SizeOf[T](), worst, largest)
			}
			arrays = append(arrays, got...)
		}
		if first == nil {
			first = arrays
		} else if !equal(first, arrays) {
			t.Errorf("%d threads give other bits than one", threads)
		}
		for name, stored := range map[string]bool{"block.linear.weight": false, "twice.linear.weight": true, "in.weight": true} {
			g, err := s.Get(nn.Grad, name)
			must(t, err)
			sum := 0.0
			for _, x := range g.AppendReals(nil) {
				sum += math.Abs(x)
			}
			if stored != (sum > 0) {
				t.Errorf("the gradient of %s is stored: %v, want %v", name, sum > 0, stored)
			}
		}
	}
}

// Backward after Update stores all gradients again.
func TestBackwardAfterUpdate(t *testing.T) {
	s, u := large[float32](t, 2)
	must(t, u.Batch(0))
	must(t, u.Tape.Forward())
	must(t, u.Tape.Backward(u.Loss))
	want := all(t, s, nn.Grad)
	if _, err := u.Tape.Update(u.Loss, nn.Adam{Schedule: nn.Constant(0)}, 0); err != nil { // a rate of 0: the weights stay
		t.Fatal(err)
	}
	must(t, u.Tape.Backward(u.Loss))
	if !equal(all(t, s, nn.Grad), want) {
		t.Error("the gradients are others after an Update")
	}
	tape, err := nn.NewTape(s, nn.Value, false)
	must(t, err)
	v := tape.Input(true, 2, 2)
	if _, err := tape.Update(tape.GELU(v), u.Adam, 0); err == nil {
		t.Error("a tape that is not for training was updated")
	}
}
