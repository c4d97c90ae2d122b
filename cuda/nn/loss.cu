// The CUDA twins of loss_cpu.cc: the same bits, as a warp's lanes are the partial sums.
//
// Scheme      A warp for each row, or for each block of squares (1567 warps for the published network's gradient: enough to
//             fill the memory's queues, each lane with 16 loads under way).
// Traffic     bytes, s = sizeof(T): nn_square_error 2 n s read, with dx n s written, rows 8 written, n = rows width;
//             nn_sum_squares n s read, 8 ceil(n/32768) written; nn_tree_sum 8 n read, 8 written
// Operations  nn_square_error 3 a number, 4 with dx; nn_sum_squares 2; nn_tree_sum 1; 5 for each warp's sum
#include "elements.h"
#include "loss.h"

namespace waveprior::nn {

static_assert(kLossSums == kWarp, "a lane is a partial sum");

template <class T>
WAVEPRIOR_DEVICE void SquareError(double* losses_of, T* dx_of, const T* x_of, const T* target_of, int64_t width,
                                  T factor, int64_t rows) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * width;
  const View<const T> x(x_of + first, width), target(target_of + first, width);
  const View<T> dx(dx_of ? dx_of + first : nullptr, width);
  double sum = 0;
#pragma unroll 4
  for (int64_t j = Lane(); j < width; j += kWarp) {
    const T e = x[j] - target[j];
    CountOperations(1);
    sum = AddSquare(e, sum);
    if (dx) {
      CountOperations(1);
      dx.Set(j, factor * e);
    }
  }
  sum = WarpSum(sum);
  if (Lane() == 0) View<double>(losses_of, rows).Set(blockIdx.x, sum);
}

template <class T>
WAVEPRIOR_DEVICE void SumSquares(double* partial, const T* x_of, int64_t n, int64_t block) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * block, count = first + block < n ? block : n - first;
  const View<const T> x(x_of + first, count);
  double sum = 0;
#pragma unroll 16
  for (int64_t j = Lane(); j < count; j += kWarp) sum = AddSquare(x[j], sum);
  sum = WarpSum(sum);
  if (Lane() == 0) View<double>(partial, gridDim.x).Set(blockIdx.x, sum);
}

}  // namespace waveprior::nn

extern "C" __global__ void nn_square_error_f32(double* losses, float* dx, const float* x, const float* target,
                                               int64_t width, float factor, int64_t rows) {
  waveprior::nn::SquareError(losses, dx, x, target, width, factor, rows);
}
extern "C" __global__ void nn_square_error_f64(double* losses, double* dx, const double* x, const double* target,
                                               int64_t width, double factor, int64_t rows) {
  waveprior::nn::SquareError(losses, dx, x, target, width, factor, rows);
}

extern "C" __global__ void nn_sum_squares_f32(double* partial, const float* x, int64_t n, int64_t block) {
  waveprior::nn::SumSquares(partial, x, n, block);
}
extern "C" __global__ void nn_sum_squares_f64(double* partial, const double* x, int64_t n, int64_t block) {
  waveprior::nn::SumSquares(partial, x, n, block);
}

extern "C" __global__ void nn_tree_sum(double* sum_of, const double* partial_of, int64_t n) {
  const waveprior::View<const double> partial(partial_of, n);
  double sum = 0;
#pragma unroll 16
  for (int64_t j = waveprior::Lane(); j < n; j += waveprior::kWarp) {
    waveprior::CountOperations(1);
    sum += partial[j];
  }
  sum = waveprior::WarpSum(sum);
  if (waveprior::Lane() == 0) waveprior::View<double>(sum_of, 1).Set(0, sum);
}
