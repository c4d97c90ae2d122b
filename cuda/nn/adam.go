package nn

/*
#include <stdint.h>
int nn_adam_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_adam_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/cuda"
)

var adam = both("nn_adam", C.nn_adam_f32_cpu, C.nn_adam_f64_cpu, overElements(15))

// adamBlock is the number of parameters in a unit.
const adamBlock = 1 << 14

// AdamArrays are the parameters W, their gradients G, the moments M and V, and the moving average of the weights EMA (or
// no buffer): n numbers each, in the same order.
type AdamArrays struct {
	W, G, M, V, EMA cuda.Buffer
}

// AdamStep says how one step goes.
type AdamStep struct {
	Step         int     // 1 in the first step
	Rate         float64 // learning rate
	Beta1, Beta2 float64 // 0.9, 0.999
	Epsilon      float64 // 1e-8
	EMADecay     float64 // d: ema <- d ema + (1-d) w, with the new w
	// Clip is the largest norm of the whole gradient; a larger one is scaled down to it. It needs SumSquares, the buffer
	// that nn.SumSquares filled; no buffer: no clipping. If the sum is not finite the step changes nothing: the caller
	// looks at the sum and says so.
	Clip       float64
	SumSquares cuda.Buffer
}

// Adam does one step of Adam with clipping and the moving average, in one pass over n parameters (adam.h: the equations).
// G is left as it is.
func Adam[T cuda.Float](d cuda.Device, a AdamArrays, n int, s AdamStep) error {
	if err := positive("adam", n); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	need := []operand{{"w", a.W, n}, {"g", a.G, n}, {"m", a.M, n}, {"v", a.V, n}}
	if !a.EMA.IsNil() {
		need = append(need, operand{"ema", a.EMA, n})
	}
	if err := check[T]("adam", need...); err != nil {
		return err
	}
	args := append([]cuda.Arg{a.W.Arg(), a.G.Arg(), a.M.Arg(), a.V.Arg(), a.EMA.Arg()}, adamArgs[T](s)...)
	return d.Run(of[T](adam), cuda.Blocks(n, adamBlock), append(args, cuda.Int(n), cuda.Int(adamBlock))...)
}

func (s AdamStep) check() error {
	if err := positive("adam", s.Step); err != nil {
		return err
	}
	if !(s.Beta1 >= 0 && s.Beta1 < 1 && s.Beta2 >= 0 && s.Beta2 < 1 && s.Epsilon > 0 && s.EMADecay >= 0 && s.EMADecay <= 1) {
		return fmt.Errorf("nn: adam: beta1 %g, beta2 %g (0 to below 1), epsilon %g (above 0), ema decay %g (0 to 1)",
			s.Beta1, s.Beta2, s.Epsilon, s.EMADecay)
	}
	if s.SumSquares.IsNil() {
		return nil
	}
	if !(s.Clip > 0) {
		return fmt.Errorf("nn: adam: gradient norm clipped at %g: it must be above 0", s.Clip)
	}
	return checkSize("adam", 8, operand{"sum of squares", s.SumSquares, 1})
}

// adamArgs are the arguments that ReadAdam (adam_loops.h) reads.
func adamArgs[T cuda.Float](s AdamStep) []cuda.Arg {
	k := float64(s.Step)
	step := s.Rate / (1 - math.Pow(s.Beta1, k))
	root := 1 / math.Sqrt(1-math.Pow(s.Beta2, k))
	return []cuda.Arg{
		s.SumSquares.Arg(), cuda.Float64(s.Clip), cuda.Real[T](s.Beta1), cuda.Real[T](s.Beta2), cuda.Real[T](1 - s.Beta1),
		cuda.Real[T](1 - s.Beta2), cuda.Real[T](step), cuda.Real[T](root), cuda.Real[T](s.Epsilon), cuda.Real[T](1 - s.EMADecay),
	}
}
