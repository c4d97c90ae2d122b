// Sums of two arrays with weights, and what a table's missing row is.
//
// Equation    y = a x + b z as fma(b, z, a x); y = a x without z. a and b are two numbers, or two of each row.
// Traffic     in numbers: n read or 2 n with z, n written (and 2 rows of weights); operations 3 n (1 n without z)
#ifndef WAVEPRIOR_CUDA_NN_POINTWISE_H_
#define WAVEPRIOR_CUDA_NN_POINTWISE_H_

#include "../args.h"

namespace waveprior {

template <class T>
struct Weighted {
  T a, b;
  WAVEPRIOR_INLINE T operator()(T x) const { return a * x; }
  WAVEPRIOR_INLINE T operator()(T x, T z) const { return Fma(b, z, a * x); }
};

// What GatherRows writes for an index that the table does not have: the same bits everywhere.
template <class T>
WAVEPRIOR_INLINE T NotANumber();
template <>
WAVEPRIOR_INLINE float NotANumber<float>() {
  const uint32_t bits = 0x7fc00000u;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
template <>
WAVEPRIOR_INLINE double NotANumber<double>() {
  const uint64_t bits = 0x7ff8000000000000u;
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_POINTWISE_H_
