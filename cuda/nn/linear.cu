// The CUDA twins of linear_cpu.cc (product.h: scheme). Wide tiles and column sums have the CPU's bits; thin ones add in
// another order.
//
// Traffic     bytes, s = sizeof(T); compulsory: both factors read once, the product written (and read, to add to it):
//             nn_linear, nn_linear_backward_input (rows in + in out + rows out) s, and out s of bias;
//             nn_linear_backward_weight (rows in + rows out + in out) s. Asked for, tiles of d x d, d = 32 (thin), 128 or 64
//             (wide, float32 or float64): the m x n product of depth k reads m k ceil(n/d) + k n ceil(m/d) numbers, all but
//             the first time from the second-level cache: for 50 rows of 2048 by 2048 33 + 26 MB, 17 of them from memory.
//             nn_column_sums rows width s read, width s written
// Operations  2 m n k, with m and n rounded up to whole tiles; thin also 8 for each number of the product.
//             nn_column_sums rows width
#include "product.h"

namespace waveprior::nn {

template <class T, bool kDeepB>
WAVEPRIOR_DEVICE void Product(T* c, const T* bias, bool accumulate, const Factor<T>& a, const Factor<T>& b,
                              int64_t rows, int64_t columns, int64_t total) {
  WAVEPRIOR_SHARED(T, shared);
  const Output<T> to(c, bias, rows, columns, accumulate);
  if (blockDim.x == kWarp) {  // launchRows
    Thin<T>::template Make<kDeepB>(to, a, b, blockIdx.y * int64_t{Thin<T>::kSide}, blockIdx.x * int64_t{Thin<T>::kSide},
                                   total, shared);
    return;
  }
  const int64_t i = blockIdx.y * int64_t{Wide<T>::kSide}, j = blockIdx.x * int64_t{Wide<T>::kSide};
  Wide<T> tile;
  tile.Each(i, j, [&](int64_t row, int64_t column, Pack<T>& v) { v = to.Start(row, column); });
  tile.template Sum<true, kDeepB>(a, b, i, j, total, shared);
  tile.Each(i, j, [&](int64_t row, int64_t column, const Pack<T>& v) { to.Set(row, column, v); });
}

template <class T>
WAVEPRIOR_DEVICE void Linear(T* y, const T* x, const T* w, const T* b, int64_t rows, int64_t in, int64_t out) {
  Product<T, false>(y, b, false, Factor<T>(x, rows, in), Factor<T>(w, in, out), rows, out, in);
}

template <class T>
WAVEPRIOR_DEVICE void LinearBackwardInput(T* dx, const T* dy, const T* w, int64_t rows, int64_t in, int64_t out,
                                          bool accumulate) {
  Product<T, true>(dx, nullptr, accumulate, Factor<T>(dy, rows, out), Factor<T>(w, in, out), rows, in, out);
}

template <class T>
WAVEPRIOR_DEVICE void LinearBackwardWeight(T* dw, const T* x, const T* dy, int64_t rows, int64_t in, int64_t out,
                                           bool accumulate) {
  WAVEPRIOR_SHARED(T, shared);
  const Output<T> to(dw, nullptr, in, out, accumulate);
  const int64_t i = blockIdx.y * int64_t{Wide<T>::kSide}, j = blockIdx.x * int64_t{Wide<T>::kSide};
  Wide<T> tile;
  tile.Each(i, j, [&](int64_t row, int64_t column, Pack<T>& v) { v = to.Start(row, column); });
  tile.template Sum<false, false>(Factor<T>(x, rows, in), Factor<T>(dy, rows, out), i, j, rows, shared);
  tile.Each(i, j, [&](int64_t row, int64_t column, const Pack<T>& v) { to.Set(row, column, v); });
}

// A thread a column; the rows in order.
template <class T>
WAVEPRIOR_DEVICE void ColumnSums(T* sums_of, const T* x_of, int64_t rows, int64_t width, int64_t stride,
                                 bool accumulate) {
  const View<T> sums(sums_of, width);
  const View<const T> x(x_of, (rows - 1) * stride + width);
  const int64_t j = GlobalIndex();
  if (j >= width) return;
  T sum = accumulate ? sums[j] + x[j] : x[j];
#pragma unroll 8
  for (int64_t i = 1; i < rows; i++) {
    CountOperations(1);
    sum += x[i * stride + j];
  }
  sums.Set(j, sum);
}

}  // namespace waveprior::nn

extern "C" __global__ void __launch_bounds__(256)
    nn_linear_f32(float* y, const float* x, const float* w, const float* b, int64_t rows, int64_t in, int64_t out,
                  int64_t, int64_t) {
  waveprior::nn::Linear(y, x, w, b, rows, in, out);
}
extern "C" __global__ void __launch_bounds__(256)
    nn_linear_f64(double* y, const double* x, const double* w, const double* b, int64_t rows, int64_t in, int64_t out,
                  int64_t, int64_t) {
  waveprior::nn::Linear(y, x, w, b, rows, in, out);
}

extern "C" __global__ void __launch_bounds__(256)
    nn_linear_backward_input_f32(float* dx, const float* dy, const float* w, int64_t rows, int64_t in, int64_t out,
                                 int64_t, int64_t, int64_t accumulate) {
  waveprior::nn::LinearBackwardInput(dx, dy, w, rows, in, out, accumulate != 0);
}
extern "C" __global__ void __launch_bounds__(256)
    nn_linear_backward_input_f64(double* dx, const double* dy, const double* w, int64_t rows, int64_t in, int64_t out,
                                 int64_t, int64_t, int64_t accumulate) {
  waveprior::nn::LinearBackwardInput(dx, dy, w, rows, in, out, accumulate != 0);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    nn_linear_backward_weight_f32(float* dw, const float* x, const float* dy, int64_t rows, int64_t in, int64_t out,
                                  int64_t, int64_t accumulate) {
  waveprior::nn::LinearBackwardWeight(dw, x, dy, rows, in, out, accumulate != 0);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    nn_linear_backward_weight_f64(double* dw, const double* x, const double* dy, int64_t rows, int64_t in, int64_t out,
                                  int64_t, int64_t accumulate) {
  waveprior::nn::LinearBackwardWeight(dw, x, dy, rows, in, out, accumulate != 0);
}

extern "C" __global__ void nn_column_sums_f32(float* sums, const float* x, int64_t rows, int64_t width, int64_t stride,
                                              int64_t, int64_t accumulate) {
  waveprior::nn::ColumnSums(sums, x, rows, width, stride, accumulate != 0);
}
extern "C" __global__ void nn_column_sums_f64(double* sums, const double* x, int64_t rows, int64_t width,
                                              int64_t stride, int64_t, int64_t accumulate) {
  waveprior::nn::ColumnSums(sums, x, rows, width, stride, accumulate != 0);
}
