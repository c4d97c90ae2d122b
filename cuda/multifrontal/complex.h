// Complex numbers as pairs, and the arithmetic of the factorisation on them: every product is fma(re re) - im im and so on, in
// one order, so that the CPU loops and the GPU kernels round alike.
#ifndef WAVEPRIOR_CUDA_MULTIFRONTAL_COMPLEX_H_
#define WAVEPRIOR_CUDA_MULTIFRONTAL_COMPLEX_H_

#include "../args.h"

namespace waveprior::multifrontal {

template <class T>
struct alignas(2 * sizeof(T)) Complex {
  T re, im;
};

template <class T>
WAVEPRIOR_INLINE Complex<T> MakeComplex(T re, T im) {
  Complex<T> z;
  z.re = re;
  z.im = im;
  return z;
}

template <class T>
WAVEPRIOR_INLINE Complex<T> Plus(Complex<T> a, Complex<T> b) {
  return MakeComplex(a.re + b.re, a.im + b.im);
}

template <class T>
WAVEPRIOR_INLINE Complex<T> Minus(Complex<T> a, Complex<T> b) {
  return MakeComplex(a.re - b.re, a.im - b.im);
}

template <class T>
WAVEPRIOR_INLINE Complex<T> Times(Complex<T> a, Complex<T> b) {
  CountOperations(2);
  return MakeComplex(Fma(-a.im, b.im, a.re * b.re), Fma(a.im, b.re, a.re * b.im));
}

// c + a b: four fused operations, 8 flops.
template <class T>
WAVEPRIOR_INLINE void AddProduct(Complex<T>& c, Complex<T> a, Complex<T> b) {
  c.re = Fma(-a.im, b.im, Fma(a.re, b.re, c.re));
  c.im = Fma(a.im, b.re, Fma(a.re, b.im, c.im));
}

// c - a b.
template <class T>
WAVEPRIOR_INLINE void TakeProduct(Complex<T>& c, Complex<T> a, Complex<T> b) {
  c.re = Fma(a.im, b.im, Fma(-a.re, b.re, c.re));
  c.im = Fma(-a.im, b.re, Fma(-a.re, b.im, c.im));
}

template <class T>
WAVEPRIOR_INLINE T SquaredSize(Complex<T> a) {
  return Fma(a.re, a.re, a.im * a.im);
}

template <class T>
WAVEPRIOR_INLINE bool Finite(T x) {
  return x - x == T(0);
}

template <class T>
WAVEPRIOR_INLINE T Abs(T x) {
  return x < 0 ? -x : x;
}

// The largest inverse of a pivot, or entry of an inverted tile, that goes: above it a system counts as broken down. The matrix
// is scaled such that its diagonal is about 1 (cuda/helmholtz uses the same numbers).
template <class T>
struct Limit;
template <>
struct Limit<float> {
  static constexpr float value = 500;
};
template <>
struct Limit<double> {
  static constexpr double value = 1e6;
};

// 1/d. *broken becomes 1 where d is not finite or smaller than 1/Limit.
template <class T>
WAVEPRIOR_INLINE Complex<T> Reciprocal(Complex<T> d, int32_t* broken) {
  const T size = SquaredSize(d);
  if (!Finite(size) || !(size >= 1 / (Limit<T>::value * Limit<T>::value))) *broken = 1;
  const T inverse = 1 / size;
  return MakeComplex(d.re * inverse, -d.im * inverse);
}

}  // namespace waveprior::multifrontal
namespace helm = waveprior::multifrontal;

#endif  // WAVEPRIOR_CUDA_MULTIFRONTAL_COMPLEX_H_
