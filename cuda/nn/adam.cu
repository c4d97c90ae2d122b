// The CUDA twin of adam_cpu.cc: the same bits.
//
// Traffic     bytes, s = sizeof(T), n numbers: 9 n s with the moving average (w, g, m, v, a read, w, m, v, a written), 7
//             n s without; the sum of squares 8 a thread, from the cache
// Operations  19 a number with the moving average, 16 without; a division and a square root each count as one
#include "adam_device.h"

namespace waveprior::nn {

template <class T>
WAVEPRIOR_DEVICE void Adam(const AdamArrays<T>& to, const T* g_of, const double* squares_of, double limit,
                           AdamStep<T> adam, int64_t n) {
  const View<const double> squares(squares_of, 1);
  const bool clipped = static_cast<bool>(squares);
  adam.clip = ClipFactor<T>(clipped, clipped ? squares[0] : 0, limit);
  if (adam.clip < 0) return;
  int64_t done = 0;
  if (Aligned(to.w) && Aligned(g_of) && Aligned(to.m) && Aligned(to.v) && Aligned(to.average)) {
    const auto g = Packs(g_of, n);
    const auto w = Packs(to.w, n), m = Packs(to.m, n), v = Packs(to.v, n), average = Packs(to.average, n);
    for (int64_t i = GlobalIndex(); i < n / Pack<T>::kCount; i += GlobalSize())
      StepPack(adam, w, m, v, average, i, g[i]);
    done = n - n % Pack<T>::kCount;
  }
  const View<const T> g(g_of, n);
  const View<T> w(to.w, n), m(to.m, n), v(to.v, n), average(to.average, n);
  for (int64_t i = done + GlobalIndex(); i < n; i += GlobalSize()) StepOne(adam, w, m, v, average, i, g[i]);
}

}  // namespace waveprior::nn

extern "C" __global__ void nn_adam_f32(float* w, const float* g, float* m, float* v, float* average,
                                       const double* squares, double limit, float beta1, float beta2, float rest1,
                                       float rest2, float step, float root, float epsilon, float follow, int64_t n,
                                       int64_t) {
  waveprior::nn::Adam<float>({w, m, v, average}, g, squares, limit,
                             {1, beta1, beta2, rest1, rest2, step, root, epsilon, follow}, n);
}
extern "C" __global__ void nn_adam_f64(double* w, const double* g, double* m, double* v, double* average,
                                       const double* squares, double limit, double beta1, double beta2, double rest1,
                                       double rest2, double step, double root, double epsilon, double follow, int64_t n,
                                       int64_t) {
  waveprior::nn::Adam<double>({w, m, v, average}, g, squares, limit,
                              {1, beta1, beta2, rest1, rest2, step, root, epsilon, follow}, n);
}
