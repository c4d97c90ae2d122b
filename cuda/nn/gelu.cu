// The CUDA twins of gelu_cpu.cc: the same bits.
//
// Traffic     bytes, s = sizeof(T), n numbers: nn_gelu and nn_phi 2 n s, nn_gelu_backward 3 n s
// Operations  a number, a fused multiply-add as 2: nn_phi_f32 51, nn_phi_f64 91; gelu 1 more, gelu backward 3 more
#include "elements.h"
#include "gelu.h"

namespace waveprior::nn {

template <class T>
WAVEPRIOR_DEVICE void GeluForward(T* y, const T* x, int64_t n) {
  Map(
      y, n,
      [](T p) {
        CountOperations(kNormalRest + 1);
        return Gelu(p);
      },
      x);
}
template <class T>
WAVEPRIOR_DEVICE void GeluBackward(T* dx, const T* dy, const T* x, int64_t n) {
  Map(
      dx, n,
      [](T d, T p) {
        CountOperations(kNormalRest + 1);
        return d * GeluSlope(p);
      },
      dy, x);
}
template <class T>
WAVEPRIOR_DEVICE void Phi(T* y, const T* x, int64_t n) {
  Map(
      y, n,
      [](T p) {
        CountOperations(kNormalRest);
        return Normal(p).distribution;
      },
      x);
}

}  // namespace waveprior::nn

extern "C" __global__ void nn_gelu_f32(float* y, const float* x, int64_t n, int64_t) {
  waveprior::nn::GeluForward(y, x, n);
}
extern "C" __global__ void nn_gelu_f64(double* y, const double* x, int64_t n, int64_t) {
  waveprior::nn::GeluForward(y, x, n);
}
extern "C" __global__ void nn_gelu_backward_f32(float* dx, const float* dy, const float* x, int64_t n, int64_t) {
  waveprior::nn::GeluBackward(dx, dy, x, n);
}
extern "C" __global__ void nn_gelu_backward_f64(double* dx, const double* dy, const double* x, int64_t n, int64_t) {
  waveprior::nn::GeluBackward(dx, dy, x, n);
}
extern "C" __global__ void nn_phi_f32(float* y, const float* x, int64_t n, int64_t) { waveprior::nn::Phi(y, x, n); }
extern "C" __global__ void nn_phi_f64(double* y, const double* x, int64_t n, int64_t) { waveprior::nn::Phi(y, x, n); }
