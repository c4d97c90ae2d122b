package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1e-300, math.Abs(want))) {
		t.Errorf("%s = %.17g, want %.17g within %g of it", what, got, want, tolerance)
	}
}

// The values of the published schedule, 5e-4 to 5e-5: at the ends, the half and the quarters, where the cosine is known.
func TestCosine(t *testing.T) {
	r := math.Sqrt2 / 2
	for _, c := range []struct {
		what             string
		steps, per, step int
		want             float64
	}{
		{"first step", 50000, 1, 0, 5e-4},
		{"half", 50000, 1, 25000, 2.75e-4},
		{"first quarter", 50000, 1, 12500, 5e-5 + 4.5e-4*(1+r)/2},
		{"third quarter", 50000, 1, 37500, 5e-5 + 4.5e-4*(1-r)/2},
		{"a third", 30, 1, 10, 5e-5 + 4.5e-4*0.75},
		{"after the end", 50000, 1, 50000, 5e-5},
		{"long after the end", 50000, 1, 1 << 40, 5e-5},
		{"epochs of 20: the first step of an epoch", 50000, 20, 25000, 2.75e-4},
		{"epochs of 20: its last step", 50000, 20, 25019, 2.75e-4},
		{"epochs of 20: the first epoch", 50000, 20, 19, 5e-4},
		{"epochs that do not divide the steps: 3 epochs, the second", 50, 20, 20, 5e-5 + 4.5e-4*0.75},
		{"epochs that do not divide the steps: 3 epochs, the third", 50, 20, 49, 5e-5 + 4.5e-4*0.25},
		{"no epochs given", 4, 0, 2, 2.75e-4},
	} {
		s := nn.Cosine{First: 5e-4, Last: 5e-5, Steps: c.steps, EpochSteps: c.per}
		near(t, c.what, s.Rate(c.step), c.want, 1e-14)
	}
	// PyTorch's recursion (CosineAnnealingLR.get_lr), which the closed form is the solution of.
	s := nn.Cosine{First: 5e-4, Last: 5e-5, Steps: 1000, EpochSteps: 1}
	rate := s.First
	for e := 1; e < 1000; e++ {
		rate = s.Last + (rate-s.Last)*(1+math.Cos(math.Pi*float64(e)/1000))/(1+math.Cos(math.Pi*float64(e-1)/1000))
		near(t, "recursion", s.Rate(e), rate, 1e-9)
	}
}

func TestWarmupAndConstant(t *testing.T) {
	w := nn.Warmup{Steps: 4, Then: nn.Constant(0.8)}
	for k, want := range []float64{0.2, 0.4, 0.6, 0.8, 0.8, 0.8} {
		near(t, "warm-up", w.Rate(k), want, 1e-15)
	}
	near(t, "no warm-up", nn.Warmup{Then: nn.Constant(0.3)}.Rate(0), 0.3, 0)
}

func TestEMADecay(t *testing.T) {
	for _, c := range []struct {
		decay  float64
		warmup bool
		k      int
		want   float64
	}{
		{0.9999, true, 0, 0.1}, {0.9999, true, 8, 0.5}, {0.9999, true, 80, 0.9}, {0.9999, true, 89988, 89989.0 / 89998},
		{0.9999, true, 90000, 0.9999}, {0.9999, false, 0, 0.9999}, {0, true, 5, 0},
	} {
		near(t, "decay", nn.EMADecay(c.decay, c.warmup, c.k), c.want, 1e-15)
	}
}
