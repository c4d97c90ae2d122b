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

// c of the sum of the squares of all gradients (not looked at where `clipped` is false: 1); below 0 where the sum is not
// finite: then the step changes nothing.
template <class T>
WAVEPRIOR_INLINE T ClipFactor(bool clipped, double squares, double limit) {
  if (!clipped) return T(1);
  const double norm = Sqrt(squares);
  if (!(norm <= 1.7e308)) return T(-1);
  const double c = limit / (norm + 1e-6);
  return c < 1 ? static_cast<T>(c) : T(1);
}

template <class T>
struct AdamStep {
  T clip;  // c
  T beta1, beta2;
  T rest1, rest2;  // 1-b1, 1-b2, rounded from double
  T step;          // rate/(1-b1^k)
  T root;          // 1/sqrt(1-b2^k)
  T epsilon;
  T follow;  // 1-d

  // Takes m and v a step on and returns the new w.
  WAVEPRIOR_INLINE T Next(T w, T g, T& m, T& v) const {
    const T h = clip * g;
    m = Fma(beta1, m, rest1 * h);
    v = Fma(beta2, v, rest2 * (h * h));
    return w - step * m / Fma(Sqrt(v), root, epsilon);
  }
  // The moving average a after the step to w.
  WAVEPRIOR_INLINE T Average(T a, T w) const { return Fma(follow, w - a, a); }
};

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_ADAM_H_
