package nn

/*
#include <stdint.h>
int nn_outer_squares_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_outer_squares_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_outer_adam_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_outer_adam_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"github.com/waveprior/waveprior/cuda"
)

var (
	outerSquares = both("nn_outer_squares", C.nn_outer_squares_f32_cpu, C.nn_outer_squares_f64_cpu, launchOuterSquares)
	outerAdam    = bothSized("nn_outer_adam", C.nn_outer_adam_f32_cpu, C.nn_outer_adam_f64_cpu, launchWide(17, 18))
)

// launchOuterSquares gives each row a block, and 64 pairs of inner products shared memory (outer.cu).
func launchOuterSquares(_ int, args []cuda.Arg) cuda.Launch {
	return cuda.Launch{Grid: [3]int{integer(args, 3)}, Block: [3]int{threads}, Shared: 64 * 2 * 8}
}

// OuterSquares writes rows float64 into partial whose sum (TreeSum) is the squared norm of a dense layer's weight gradient
// x^T dy, without computing that: sum over pairs of rows of (x_k . x_l)(dy_k . dy_l), in float64. x (rows, in), dy (rows,
// out) as in LinearBackwardWeight.
func OuterSquares[T cuda.Float](d cuda.Device, partial, x, dy cuda.Buffer, s LinearShape) error {
	if err := s.check("outer squares"); err != nil {
		return err
	}
	if err := check[T]("outer squares", operand{"x", x, s.Rows * s.In}, operand{"dy", dy, s.Rows * s.Out}); err != nil {
		return err
	}
	if err := checkSize("outer squares", 8, operand{"partial", partial, s.Rows}); err != nil {
		return err
	}
	return d.Run(of[T](outerSquares), cuda.Blocks(s.Rows, 2), partial.Arg(), x.Arg(), dy.Arg(), cuda.Int(s.Rows), cuda.Int(s.In), cuda.Int(s.Out))
}

// outerPanel is the number of rows of the weights in a unit.
const outerPanel = 120

// OuterAdam does Adam's step for a dense layer's weights (in, out) with the gradient x^T dy, which is not stored: the
// gradient has the bits of LinearBackwardWeight, the step those of Adam. a.G is not used; a step whose SumSquares is not
// finite changes nothing.
func OuterAdam[T cuda.Float](d cuda.Device, a AdamArrays, x, dy cuda.Buffer, shape LinearShape, s AdamStep) error {
	if err := shape.check("outer adam"); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	n := shape.In * shape.Out
	need := []operand{{"w", a.W, n}, {"m", a.M, n}, {"v", a.V, n}, {"x", x, shape.Rows * shape.In}, {"dy", dy, shape.Rows * shape.Out}}
	if !a.EMA.IsNil() {
		need = append(need, operand{"ema", a.EMA, n})
	}
	if err := check[T]("outer adam", need...); err != nil {
		return err
	}
	args := append([]cuda.Arg{a.W.Arg(), a.M.Arg(), a.V.Arg(), a.EMA.Arg()}, adamArgs[T](s)...)
	args = append(args, x.Arg(), dy.Arg(), cuda.Int(shape.Rows), cuda.Int(shape.In), cuda.Int(shape.Out), cuda.Int(outerPanel))
	return d.Run(of[T](outerAdam), cuda.Blocks(shape.In, outerPanel), args...)
}

// TreeSum writes the sum of n float64 into sum (one float64): by a fixed tree.
func TreeSum(d cuda.Device, sum, partial cuda.Buffer, n int) error {
	if err := positive("tree sum", n); err != nil {
		return err
	}
	if err := checkSize("tree sum", 8, operand{"sum", sum, 1}, operand{"partial", partial, n}); err != nil {
		return err
	}
	return d.Run(treeSum, 1, sum.Arg(), partial.Arg(), cuda.Int(n))
}
