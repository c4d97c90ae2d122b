// The CUDA twins of outer_cpu.cc: the same bits.
//
// Scheme      nn_outer_squares: a block for row k, the longest first; 16 threads are the partial sums of an inner product,
//             and each thread goes on with four rows l at a time. Conversions to double, 1.25 for a multiply-add, bound it.
//             nn_outer_adam: the wide tile of product.h makes g in registers, and the step ends there.
// Traffic     bytes, s = sizeof(T), r = rows: nn_outer_squares 1.25 to 2 s (in + out) r (r+1)/2 asked for, (in + out) r s
//             compulsory, 8 r written; nn_outer_adam 8 in out s with the moving average (w, m, v, a read and written), 6
//             without, and the product's reads r in ceil(out/d) s + r out ceil(in/d) s, d = 128 (float64: 64), from the cache
// Operations  nn_outer_squares (in + out) r (r+1), 38 a pair of rows; nn_outer_adam 2 r in out, in and out rounded up to whole
//             tiles, and Adam's 19 (16) a weight
#include "adam_device.h"
#include "product.h"

namespace waveprior::nn {

constexpr int kDotSums = 16;    // partial sums of an inner product
constexpr int kRowsAtOnce = 4;  // inner products of a thread
constexpr int kPairs = 256 / kDotSums * kRowsAtOnce;

// dots[i] = a . b_(l + i*16) in double, l this thread's row, for rows up to last: kDotSums partial sums, element j in sum
// j mod kDotSums, added by halving. All threads of a warp come here.
template <class T>
WAVEPRIOR_DEVICE void Dots(double* dots, const View<const T>& x, int64_t k, int64_t l, int64_t last, int64_t n) {
  const int thread = static_cast<int>(threadIdx.x) % kDotSums;
#pragma unroll
  for (int i = 0; i < kRowsAtOnce; i++) dots[i] = 0;
  if (l <= last) {
#pragma unroll 4
    for (int64_t j = thread; j < n; j += kDotSums) {
      const double a = static_cast<double>(x[k * n + j]);
#pragma unroll
      for (int i = 0; i < kRowsAtOnce; i++)
        if (l + i * kDotSums <= last) dots[i] = Fma(a, static_cast<double>(x[(l + i * kDotSums) * n + j]), dots[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < kRowsAtOnce; i++) {
    if (l / 2 * 2 + i * kDotSums > last) break;  // the warp's other row, too
    CountOperations(4);
#pragma unroll
    for (int half = kDotSums / 2; half > 0; half /= 2) dots[i] += ShuffleXor(dots[i], half);
  }
}

template <class T>
WAVEPRIOR_DEVICE void OuterSquares(double* partial, const T* x_of, const T* dy_of, int64_t rows, int64_t in,
                                   int64_t out) {
  WAVEPRIOR_SHARED(double, pairs);  // (kPairs, 2)
  const View<const T> x(x_of, rows * in), dy(dy_of, rows * out);
  const int64_t k = rows - 1 - blockIdx.x;
  const int which = static_cast<int>(threadIdx.x) / kDotSums;
  double sum = 0;
  for (int64_t first = 0; first <= k; first += kPairs) {
    double p[kRowsAtOnce], q[kRowsAtOnce];
    Dots(p, x, k, first + which, k, in);
    Dots(q, dy, k, first + which, k, out);
    if (threadIdx.x % kDotSums == 0)
#pragma unroll
      for (int i = 0; i < kRowsAtOnce; i++) {
        pairs[2 * (which + i * kDotSums)] = p[i];
        pairs[2 * (which + i * kDotSums) + 1] = q[i];
      }
    __syncthreads();
    if (threadIdx.x == 0)
      for (int l = 0; l < kPairs && first + l <= k; l++) {
        CountOperations(1);
        sum = Fma(first + l < k ? 2 * pairs[2 * l] : pairs[2 * l], pairs[2 * l + 1], sum);
      }
    __syncthreads();
  }
  if (threadIdx.x == 0) View<double>(partial, rows).Set(k, sum);
}

template <class T>
WAVEPRIOR_DEVICE void OuterAdam(const AdamArrays<T>& to, const double* squares_of, double limit, AdamStep<T> adam,
                                const T* x, const T* dy, int64_t rows, int64_t in, int64_t out) {
  WAVEPRIOR_SHARED(T, shared);
  constexpr int kCount = Pack<T>::kCount;
  const View<const double> squares(squares_of, 1);
  const bool clipped = static_cast<bool>(squares);
  adam.clip = ClipFactor<T>(clipped, clipped ? squares[0] : 0, limit);
  if (adam.clip < 0) return;
  const int64_t i = blockIdx.y * int64_t{Wide<T>::kSide}, j = blockIdx.x * int64_t{Wide<T>::kSide}, n = in * out;
  Wide<T> tile;
  tile.Each(i, j, [&](int64_t, int64_t, Pack<T>& v) {
#pragma unroll
    for (int q = 0; q < kCount; q++) v.x[q] = T(0);
  });
  tile.template Sum<false, false>(Factor<T>(x, rows, in), Factor<T>(dy, rows, out), i, j, rows, shared);
  if (out % kCount == 0 && Aligned(to.w) && Aligned(to.m) && Aligned(to.v) && Aligned(to.average)) {
    const auto w = Packs(to.w, n), m = Packs(to.m, n), v = Packs(to.v, n), average = Packs(to.average, n);
    tile.Each(i, j, [&](int64_t row, int64_t column, const Pack<T>& g) {
      if (row < in && column < out) StepPack(adam, w, m, v, average, (row * out + column) / kCount, g);
    });
  } else {
    const View<T> w(to.w, n), m(to.m, n), v(to.v, n), average(to.average, n);
    tile.Each(i, j, [&](int64_t row, int64_t column, const Pack<T>& g) {
#pragma unroll
      for (int q = 0; q < kCount; q++)
        if (row < in && column + q < out) StepOne(adam, w, m, v, average, row * out + column + q, g.x[q]);
    });
  }
}

}  // namespace waveprior::nn

extern "C" __global__ void nn_outer_squares_f32(double* partial, const float* x, const float* dy, int64_t rows,
                                                int64_t in, int64_t out) {
  waveprior::nn::OuterSquares(partial, x, dy, rows, in, out);
}
extern "C" __global__ void nn_outer_squares_f64(double* partial, const double* x, const double* dy, int64_t rows,
                                                int64_t in, int64_t out) {
  waveprior::nn::OuterSquares(partial, x, dy, rows, in, out);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    nn_outer_adam_f32(float* w, float* m, float* v, float* average, const double* squares, double limit, float beta1,
                      float beta2, float rest1, float rest2, float step, float root, float epsilon, float follow,
                      const float* x, const float* dy, int64_t rows, int64_t in, int64_t out, int64_t) {
  waveprior::nn::OuterAdam<float>({w, m, v, average}, squares, limit,
                                  {1, beta1, beta2, rest1, rest2, step, root, epsilon, follow}, x, dy, rows, in, out);
}
extern "C" __global__ void __launch_bounds__(256, 2)
    nn_outer_adam_f64(double* w, double* m, double* v, double* average, const double* squares, double limit,
                      double beta1, double beta2, double rest1, double rest2, double step, double root, double epsilon,
                      double follow, const double* x, const double* dy, int64_t rows, int64_t in, int64_t out,
                      int64_t) {
  waveprior::nn::OuterAdam<double>({w, m, v, average}, squares, limit,
                                   {1, beta1, beta2, rest1, rest2, step, root, epsilon, follow}, x, dy, rows, in, out);
}
