package nn

/*
#include <stdint.h>
int nn_square_error_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_square_error_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_sum_squares_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_sum_squares_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_tree_sum_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"github.com/waveprior/waveprior/cuda"
)

var (
	squareError = both("nn_square_error", C.nn_square_error_f32_cpu, C.nn_square_error_f64_cpu, warps)
	sumSquares  = both("nn_sum_squares", C.nn_sum_squares_f32_cpu, C.nn_sum_squares_f64_cpu, warps)
	treeSum     = cuda.NewKernel("nn_tree_sum", C.nn_tree_sum_cpu, warps)
)

// SquareError computes for each row i of x and target (rows, width) the loss sum_j (x - target)^2 into losses (rows,
// float64 whatever T), and its gradient times scale: dx = 2 scale (x - target). With scale = 1/rows, dx is the gradient of
// the mean of the rows' losses. dx may be x; it may be no buffer.
func SquareError[T cuda.Float](d cuda.Device, losses, dx, x, target cuda.Buffer, rows, width int, scale float64) error {
	if err := positive("square error", rows, width); err != nil {
		return err
	}
	n := rows * width
	need := []operand{{"x", x, n}, {"target", target, n}}
	if !dx.IsNil() {
		need = append(need, operand{"dx", dx, n})
	}
	if err := check[T]("square error", need...); err != nil {
		return err
	}
	if err := checkSize("square error", 8, operand{"losses", losses, rows}); err != nil {
		return err
	}
	return d.Run(of[T](squareError), rows, losses.Arg(), dx.Arg(), x.Arg(), target.Arg(), cuda.Int(width), cuda.Real[T](2*scale), cuda.Int(rows))
}

// squareBlock is the number of elements whose squares become one partial sum.
const squareBlock = 1 << 15

// SumSquaresScratch is how many float64 the scratch of SumSquares holds.
func SumSquaresScratch(n int) int { return cuda.Blocks(n, squareBlock) }

// SumSquares writes the sum of the squares of n numbers into sum (one float64): squares and sums in float64, blocks of
// fixed size, the blocks by a fixed tree. Its root is the global gradient norm. scratch holds SumSquaresScratch(n) float64.
func SumSquares[T cuda.Float](d cuda.Device, sum, x, scratch cuda.Buffer, n int) error {
	if err := positive("sum of squares", n); err != nil {
		return err
	}
	if err := check[T]("sum of squares", operand{"x", x, n}); err != nil {
		return err
	}
	blocks := SumSquaresScratch(n)
	if err := checkSize("sum of squares", 8, operand{"sum", sum, 1}, operand{"scratch", scratch, blocks}); err != nil {
		return err
	}
	if err := d.Run(of[T](sumSquares), blocks, scratch.Arg(), x.Arg(), cuda.Int(n), cuda.Int(squareBlock)); err != nil {
		return err
	}
	return d.Run(treeSum, 1, sum.Arg(), scratch.Arg(), cuda.Int(blocks))
}
