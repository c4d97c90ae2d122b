// Layer normalisation of a row, number by number, once the row's sums are there.
//
// Equation    n = gamma xhat + beta, xhat = (u - mean) rstd, rstd = 1/sqrt(var + 1e-5)
//             g = gamma dn; du = rstd (g - mean(g) - xhat mean(g xhat))
// Source      Ba, Kiros, Hinton, arXiv:1607.06450, equations 3 and 4, over the last axis; var by the second pass.
// Scheme      Sums over a row are kept in kNormSums partial sums, element j in sum j mod kNormSums, added by halving.
#ifndef WAVEPRIOR_CUDA_NN_NORM_H_
#define WAVEPRIOR_CUDA_NN_NORM_H_

#include "../args.h"

namespace waveprior {

constexpr int kNormSums = 64;
constexpr double kNormEpsilon = 1e-5;

template <class T>
struct Normalised {
  T mean, rstd;

  WAVEPRIOR_INLINE T Hat(T u) const { return (u - mean) * rstd; }
  WAVEPRIOR_INLINE T Value(T u, T gamma, T beta) const { return Fma(Hat(u), gamma, beta); }
  // du of g, with c1 = mean(g) and c2 = mean(g xhat).
  WAVEPRIOR_INLINE T Gradient(T g, T u, T c1, T c2) const { return rstd * (g - Fma(Hat(u), c2, c1)); }
};

// rstd of the sum of (u - mean)^2 over a row.
template <class T>
WAVEPRIOR_INLINE T ReciprocalStd(T squares, int64_t width) {
  const T variance = squares / T(width) + T(kNormEpsilon);
  return T(1) / Sqrt(variance);
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_NORM_H_
