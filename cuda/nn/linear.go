package nn

/*
#include <stdint.h>
int nn_linear_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_linear_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_linear_backward_input_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_linear_backward_input_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_linear_backward_weight_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_linear_backward_weight_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_column_sums_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_column_sums_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"fmt"

	"github.com/waveprior/waveprior/cuda"
)

var (
	linear               = bothSized("nn_linear", C.nn_linear_f32_cpu, C.nn_linear_f64_cpu, launchRows(4, 6, 7))
	linearBackwardInput  = bothSized("nn_linear_backward_input", C.nn_linear_backward_input_f32_cpu, C.nn_linear_backward_input_f64_cpu, launchRows(3, 4, 6))
	linearBackwardWeight = bothSized("nn_linear_backward_weight", C.nn_linear_backward_weight_f32_cpu, C.nn_linear_backward_weight_f64_cpu, launchWide(4, 5))
	columnSums           = both("nn_column_sums", C.nn_column_sums_f32_cpu, C.nn_column_sums_f64_cpu, launchColumns)
)

// Tile is the number of rows in which inference goes through a dense layer: item i is row i%Tile of tile i/Tile, and the
// last tile is padded with rows of any finite content.
const Tile = 32

// LinearShape is the shape of a dense layer and of its batch.
type LinearShape struct {
	Rows, In, Out int
	// Tile is 0 for training, where all rows are one product, or a divisor of Rows: each group of so many rows is then a
	// product of its own, with the same bits whatever the number of groups.
	Tile int
}

func (s LinearShape) tile() int {
	if s.Tile == 0 {
		return s.Rows
	}
	return s.Tile
}

func (s LinearShape) check(what string) error {
	if err := positive(what, s.Rows, s.In, s.Out); err != nil {
		return err
	}
	if s.Tile < 0 || s.Rows%s.tile() != 0 {
		return fmt.Errorf("nn: %s: %d rows in tiles of %d: pad the rows to a multiple", what, s.Rows, s.Tile)
	}
	return nil
}

// panel is the width of the output panels that units of the dense products are made of.
const panel = 256

// LinearForward computes y = x w + b: x (rows, in), w (in, out), b (out) or no buffer, y (rows, out), not x.
func LinearForward[T cuda.Float](d cuda.Device, y, x, w, b cuda.Buffer, s LinearShape) error {
	if err := s.check("linear"); err != nil {
		return err
	}
	need := []operand{{"y", y, s.Rows * s.Out}, {"x", x, s.Rows * s.In}, {"w", w, s.In * s.Out}}
	if !b.IsNil() {
		need = append(need, operand{"b", b, s.Out})
	}
	if err := check[T]("linear", need...); err != nil {
		return err
	}
	units := cuda.Blocks(s.Out, panel) * (s.Rows / s.tile())
	return d.Run(of[T](linear), units, y.Arg(), x.Arg(), w.Arg(), b.Arg(),
		cuda.Int(s.Rows), cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(s.tile()), cuda.Int(panel))
}

// LinearBackwardInput computes dx = dy w^T, or dx += dy w^T: dy (rows, out), w (in, out), dx (rows, in), not dy.
func LinearBackwardInput[T cuda.Float](d cuda.Device, dx, dy, w cuda.Buffer, s LinearShape, accumulate bool) error {
	if err := s.check("linear backward"); err != nil {
		return err
	}
	if err := check[T]("linear backward", operand{"dx", dx, s.Rows * s.In}, operand{"dy", dy, s.Rows * s.Out},
		operand{"w", w, s.In * s.Out}); err != nil {
		return err
	}
	units := cuda.Blocks(s.In, panel) * (s.Rows / s.tile())
	return d.Run(of[T](linearBackwardInput), units, dx.Arg(), dy.Arg(), w.Arg(),
		cuda.Int(s.Rows), cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(s.tile()), cuda.Int(panel), flag(accumulate))
}

// LinearBackwardWeight computes dw = x^T dy and db = the column sums of dy, or adds them: x (rows, in), dy (rows, out),
// dw (in, out), db (out) or no buffer. All rows are one product: Tile is not used.
func LinearBackwardWeight[T cuda.Float](d cuda.Device, dw, db, x, dy cuda.Buffer, s LinearShape, accumulate bool) error {
	if err := s.check("linear backward"); err != nil {
		return err
	}
	if err := check[T]("linear backward", operand{"dw", dw, s.In * s.Out}, operand{"x", x, s.Rows * s.In},
		operand{"dy", dy, s.Rows * s.Out}); err != nil {
		return err
	}
	if err := d.Run(of[T](linearBackwardWeight), cuda.Blocks(s.In, panel), dw.Arg(), x.Arg(), dy.Arg(),
		cuda.Int(s.Rows), cuda.Int(s.In), cuda.Int(s.Out), cuda.Int(panel), flag(accumulate)); err != nil || db.IsNil() {
		return err
	}
	return ColumnSums[T](d, db, dy, s.Rows, s.Out, accumulate)
}

// ColumnSums computes sums[j] = sum_i x[i][j], or adds it: x (rows, width), sums (width). Rows are added in order.
func ColumnSums[T cuda.Float](d cuda.Device, sums, x cuda.Buffer, rows, width int, accumulate bool) error {
	return stridedSums[T](d, sums, x, rows, width, width, accumulate)
}

// stridedSums is ColumnSums of rows that lie stride numbers apart.
func stridedSums[T cuda.Float](d cuda.Device, sums, x cuda.Buffer, rows, width, stride int, accumulate bool) error {
	if err := positive("column sums", rows, width); err != nil {
		return err
	}
	if err := check[T]("column sums", operand{"sums", sums, width}, operand{"x", x, (rows-1)*stride + width}); err != nil {
		return err
	}
	return d.Run(of[T](columnSums), cuda.Blocks(width, panel), sums.Arg(), x.Arg(), cuda.Int(rows), cuda.Int(width),
		cuda.Int(stride), cuda.Int(panel), flag(accumulate))
}

func flag(on bool) cuda.Arg {
	if on {
		return 1
	}
	return 0
}
