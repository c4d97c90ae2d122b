// One step of Adam with the gradient's clipping and the weights' moving average, for one parameter.
//
// Equation    h = c g;  m <- b1 m + (1-b1) h;  v <- b2 v + (1-b2) h^2;
//             w <- w - (rate/(1-b1^k)) m/(sqrt(v)/sqrt(1-b2^k) + eps);  a <- a + (1-d)(w - a)
//             k = 1 in the first step, c = min(1, clip/(|g| + 1e-6)) with |g| over all parameters
// Source      Kingma and Ba, arXiv:1412.6980, algorithm 1; clipping: Pascanu, Mikolov, Bengio, arXiv:1211.5063, algorithm 1.
// Traffic     36 bytes a parameter in float32: w, g, m, v, a read, w, m, v, a written.
#ifndef WAVEPRIOR_CUDA_NN_ADAM_H_
#define WAVEPRIOR_CUDA_NN_ADAM_H_

#include "../args.h"

namespace waveprior {

template <class T>
struct AdamStep {
  T* w;
  const T* g;
  T* m;
  T* v;
  T* average;     // or null
  T clip;         // c
  T beta1, beta2;
  T rest1, rest2; // 1-b1, 1-b2, rounded from double
  T step;         // rate/(1-b1^k)
  T root;         // 1/sqrt(1-b2^k)
  T epsilon;
  T follow;       // 1-d

  WAVEPRIOR_INLINE T Next(int64_t i) const {
    const T h = clip * g[i];
    const T mi = Fma(beta1, m[i], rest1 * h);
    const T vi = Fma(beta2, v[i], rest2 * (h * h));
    m[i] = mi;
    v[i] = vi;
    return w[i] - step * mi / Fma(Root(vi), root, epsilon);
  }
  static WAVEPRIOR_INLINE float Root(float x) { return __builtin_sqrtf(x); }
  static WAVEPRIOR_INLINE double Root(double x) { return __builtin_sqrt(x); }
};

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_ADAM_H_
