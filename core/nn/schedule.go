package nn

import (
	"fmt"
	"math"
)

// Schedule gives the learning rate of every step. A schedule is a pure function of the step's number, so that nothing of
// it has to be kept for a training that goes on; String names it with its numbers, and a checkpoint of another schedule is
// refused.
type Schedule interface {
	// Rate is the learning rate of step 0, 1, ...
	Rate(step int) float64
	String() string
}

// Constant is one rate for all steps.
type Constant float64

// Rate implements Schedule.
func (c Constant) Rate(int) float64 { return float64(c) }

func (c Constant) String() string { return fmt.Sprintf("constant %g", float64(c)) }

// Cosine falls from First to Last over Steps steps, once per epoch of EpochSteps steps:
//
//	rate(k) = Last + (First - Last) (1 + cos(pi e/E))/2,  e = k div EpochSteps,  E = ceil(Steps/EpochSteps)
//
// Epoch 0 has First; Last would be reached by epoch E, the one after the end, and stays from there on. It is the closed
// form of PyTorch's CosineAnnealingLR(T_max = E, eta_min = Last) stepped once per epoch (Loshchilov and Hutter, "SGDR",
// ICLR 2017, eq. 5, without restarts). EpochSteps 0 is 1. TestCosine has its values.
type Cosine struct {
	First, Last float64
	Steps       int
	EpochSteps  int
}

// Rate implements Schedule.
func (c Cosine) Rate(step int) float64 {
	per := max(c.EpochSteps, 1)
	epochs := (c.Steps + per - 1) / per
	e := step / per
	if e >= epochs {
		return c.Last
	}
	return math.FMA(c.First-c.Last, (1+math.Cos(math.Pi*float64(e)/float64(epochs)))/2, c.Last)
}

func (c Cosine) String() string {
	return fmt.Sprintf("cosine %g to %g in %d steps, %d an epoch", c.First, c.Last, c.Steps, max(c.EpochSteps, 1))
}

// Warmup multiplies the rate of Then by (k+1)/Steps in the steps k < Steps.
type Warmup struct {
	Steps int
	Then  Schedule
}

// Rate implements Schedule.
func (w Warmup) Rate(step int) float64 {
	r := w.Then.Rate(step)
	if step+1 < w.Steps {
		r *= float64(step+1) / float64(w.Steps)
	}
	return r
}

func (w Warmup) String() string { return fmt.Sprintf("warm-up of %d steps, then %v", w.Steps, w.Then) }

// EMADecay is the decay of the running mean of the weights at update k = 0, 1, ...: min(decay, (1+k)/(10+k)), or decay
// from the first update on without warm-up. The mean is then ema <- decay ema + (1 - decay) value, after the optimiser's
// step; it starts from the initial weights.
func EMADecay(decay float64, warmup bool, k int) float64 {
	if !warmup {
		return decay
	}
	return min(decay, float64(1+k)/float64(10+k))
}
