package nn

/*
#include <stdint.h>
int nn_axpby_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_axpby_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_row_axpby_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_row_axpby_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_copy_rows_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_copy_rows_f64_cpu(const uint64_t*, int64_t, int64_t);
int nn_gather_rows_f32_cpu(const uint64_t*, int64_t, int64_t);
int nn_gather_rows_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"github.com/waveprior/waveprior/cuda"
)

var (
	axpby      = both("nn_axpby", C.nn_axpby_f32_cpu, C.nn_axpby_f64_cpu, overElements(5))
	rowAxpby   = both("nn_row_axpby", C.nn_row_axpby_f32_cpu, C.nn_row_axpby_f64_cpu, overRows(6, 5))
	copyRows   = both("nn_copy_rows", C.nn_copy_rows_f32_cpu, C.nn_copy_rows_f64_cpu, overRows(5, 4))
	gatherRows = both("nn_gather_rows", C.nn_gather_rows_f32_cpu, C.nn_gather_rows_f64_cpu, overRows(6, 5))
)

// Axpby computes y = a x + b z over n numbers, as fma(b, z, a x). y may be x or z; z may be no buffer: y = a x.
func Axpby[T cuda.Float](d cuda.Device, y cuda.Buffer, a float64, x cuda.Buffer, b float64, z cuda.Buffer, n int) error {
	need := []operand{{"y", y, n}, {"x", x, n}}
	if !z.IsNil() {
		need = append(need, operand{"z", z, n})
	}
	if err := check[T]("axpby", need...); err != nil {
		return err
	}
	return d.Run(of[T](axpby), cuda.Blocks(n, block), y.Arg(), x.Arg(), z.Arg(), cuda.Real[T](a), cuda.Real[T](b),
		cuda.Int(n), cuda.Int(block))
}

// RowAxpby computes y[i][j] = a[i] x[i][j] + b[i] z[i][j], as fma(b, z, a x): a, b (rows); x, y, z (rows, width). With a =
// alpha_t and b = sigma_t of each row's level it makes x_t of x_0 and noise. y may be x or z.
func RowAxpby[T cuda.Float](d cuda.Device, y, a, x, b, z cuda.Buffer, rows, width int) error {
	if err := positive("row axpby", rows, width); err != nil {
		return err
	}
	n := rows * width
	if err := check[T]("row axpby", operand{"y", y, n}, operand{"a", a, rows}, operand{"x", x, n}, operand{"b", b, rows},
		operand{"z", z, n}); err != nil {
		return err
	}
	return d.Run(of[T](rowAxpby), rows, y.Arg(), a.Arg(), x.Arg(), b.Arg(), z.Arg(), cuda.Int(width), cuda.Int(rows))
}

// CopyRows copies a rectangle: dst[i][j] = src[i][j] for rows of width numbers that lie dstStride and srcStride numbers
// apart. With Slice on the buffers it joins and cuts columns. dst and src do not overlap.
func CopyRows[T cuda.Float](d cuda.Device, dst cuda.Buffer, dstStride int, src cuda.Buffer, srcStride, rows, width int) error {
	if err := positive("copy rows", rows, width, dstStride-width+1, srcStride-width+1); err != nil {
		return err
	}
	if err := check[T]("copy rows", operand{"dst", dst, (rows-1)*dstStride + width},
		operand{"src", src, (rows-1)*srcStride + width}); err != nil {
		return err
	}
	return d.Run(of[T](copyRows), rows, dst.Arg(), cuda.Int(dstStride), src.Arg(), cuda.Int(srcStride), cuda.Int(width), cuda.Int(rows))
}

// GatherRows writes dst[i][j] = table[index[i]][j], j = 0..width-1, rows of dst stride numbers apart: table (entries,
// width), index (rows) int32, each 0..entries-1. Who makes the index checks it; here nobody looks, as it lies on the
// device: a row whose index the table does not have becomes NaN, and nothing outside the table is read.
func GatherRows[T cuda.Float](d cuda.Device, dst cuda.Buffer, stride int, table, index cuda.Buffer, entries, rows, width int) error {
	if err := positive("gather rows", rows, width, entries, stride-width+1); err != nil {
		return err
	}
	if err := check[T]("gather rows", operand{"dst", dst, (rows-1)*stride + width},
		operand{"table", table, entries * width}); err != nil {
		return err
	}
	if err := checkSize("gather rows", 4, operand{"index", index, rows}); err != nil {
		return err
	}
	return d.Run(of[T](gatherRows), rows, dst.Arg(), cuda.Int(stride), table.Arg(), index.Arg(),
		cuda.Int(entries), cuda.Int(width), cuda.Int(rows))
}
