// GELU, exact (by the normal distribution function, not by tanh), and its derivative.
//
// Equation    gelu(x) = x Phi(x), gelu'(x) = Phi(x) + x phi(x), Phi(x) = (1 + erf(x/sqrt 2))/2, phi = exp(-x^2/2)/sqrt(2 pi)
// Scheme      y = |x|, t = 4/(y + 4), Phi(-y) = exp(-y^2/2) t R(t), R a polynomial; Phi(y) = 1 - Phi(-y). The exponential is
//             shared with phi; the rounding error of y^2 is taken along, so that the far tail keeps its relative accuracy.
// Source      Hendrycks and Gimpel, arXiv:1606.08415, equation 1. Coefficients: testdata/coefficients.py.
// Error       Phi, relative, where it is no denormal: float 4e-7, double 1.5e-14 (TestPhi).
// Assumptions IEEE arithmetic, round to nearest; results below the least normal number are 0 (FTZ).
#ifndef WAVEPRIOR_CUDA_NN_GELU_H_
#define WAVEPRIOR_CUDA_NN_GELU_H_

#include "../exp.h"

namespace waveprior {

// The polynomial of each number type.
template <class T>
struct NormalTable;

template <>
struct NormalTable<float> {
  static WAVEPRIOR_INLINE float R(float t) {
    float p = Fma(t, 0x1.0fa292p-6f, -0x1.01304cp-4f);
    p = Fma(t, p, 0x1.a7192cp-5f);
    p = Fma(t, p, 0x1.d1fe8ap-6f);
    p = Fma(t, p, 0x1.a05e84p-7f);
    p = Fma(t, p, 0x1.62f564p-4f);
    p = Fma(t, p, 0x1.26e7c2p-4f);
    p = Fma(t, p, 0x1.873bbep-4f);
    p = Fma(t, p, 0x1.97857ap-4f);
    return Fma(t, p, 0x1.989142p-4f);
  }
};

template <>
struct NormalTable<double> {
  static WAVEPRIOR_INLINE double R(double t) {
    double p = Fma(t, 0x1.70d6b6a2d69aap-10, -0x1.329dd45b29d28p-6);
    p = Fma(t, p, 0x1.dae7bce6e11cfp-4);
    p = Fma(t, p, -0x1.c5b8f4cf1d36cp-2);
    p = Fma(t, p, 0x1.2a78dafd3b319p+0);
    p = Fma(t, p, -0x1.1df8196d7aad0p+1);
    p = Fma(t, p, 0x1.9c50296f92dccp+1);
    p = Fma(t, p, -0x1.c97fc318ced3bp+1);
    p = Fma(t, p, 0x1.8ed1714aa6286p+1);
    p = Fma(t, p, -0x1.172d77e4ae1eap+1);
    p = Fma(t, p, 0x1.3e629a3ce4ec5p+0);
    p = Fma(t, p, -0x1.2648629afd25bp-1);
    p = Fma(t, p, 0x1.c2fe9448ea7b8p-3);
    p = Fma(t, p, -0x1.315bd750bfb8ep-4);
    p = Fma(t, p, 0x1.74ba8895c0102p-7);
    p = Fma(t, p, -0x1.c20f148096c1cp-8);
    p = Fma(t, p, 0x1.00cf329a2893cp-7);
    p = Fma(t, p, 0x1.7de94fcea1aefp-6);
    p = Fma(t, p, 0x1.62571d7d18940p-5);
    p = Fma(t, p, 0x1.041b68ffaf895p-4);
    p = Fma(t, p, 0x1.4beb90d62f1adp-4);
    p = Fma(t, p, 0x1.7efc0d7a37403p-4);
    p = Fma(t, p, 0x1.98845341022a1p-4);
    return Fma(t, p, 0x1.9884533d37c43p-4);
  }
};

// The operations of Normal beside Fma, for CountOperations.
constexpr int kNormalRest = 13;

// Phi(x) and phi(x).
template <class T>
struct NormalPair {
  T distribution, density;
};

template <class T>
WAVEPRIOR_INLINE NormalPair<T> Normal(T x) {
  const T size = x < 0 ? -x : x;
  const T y = size > T(40) ? T(40) : size;  // both functions are flat there, and no square overflows; NaN stays NaN
  const T square = y * y;
  const T rest = Fma(y, y, -square);
  const T e0 = ExpNegative(T(-0.5) * square);
  const T e = Fma(T(-0.5) * rest, e0, e0);
  const T t = T(4) / (y + T(4));
  const T tail = e * (t * NormalTable<T>::R(t));
  return NormalPair<T>{x < 0 ? tail : T(1) - tail, e * T(0x1.9884533d43651p-2)};
}

template <class T>
WAVEPRIOR_INLINE T Gelu(T x) {
  return x * Normal(x).distribution;
}

template <class T>
WAVEPRIOR_INLINE T GeluSlope(T x) {
  const NormalPair<T> n = Normal(x);
  return Fma(x, n.density, n.distribution);
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_GELU_H_
