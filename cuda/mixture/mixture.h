// Gaussian mixtures that share one covariance, seen through x_t = alpha x0 + sigma eps: what all kernels of this family use.
//
// Equation    In the basis of the eigenvectors of the covariance, lambda (d) its eigenvalues, m_n (n < N) the means, w_n
//             the weights, per item alpha, sigma:
//               a_i = sigma^2 + alpha^2 lambda_i                                 variance of x_t along i, in a component
//               l_n = log w_n - 1/2 sum_i (x_i - alpha m_ni)^2 / a_i             logits
//               r_n = exp(l_n - top) / S, top = max l_n, S = sum exp(l_n - top)  responsibilities
//               bar = sum_n r_n m_n
//               D   = (sigma^2 bar + alpha lambda x) / a                         posterior mean E[x0 | x_t], the denoiser
//               dx  = alpha (lambda v + sigma^2 y) / a                           J^T v of J = dD/dx, which is symmetric
//               y   = sum_n r_n ((m_n - bar).(v/a)) (m_n - bar)
//               log p_t(x) = top + log S - 1/2 sum_i log(2 pi a_i)
// Scheme      The components go in chunks of kChunk. mixture_weigh (weigh.h) makes top, S and S bar of each chunk,
//             mixture_posterior (item.h) puts the chunks together; for the Jacobian mixture_spread (spread.h) makes y of
//             each chunk, mixture_pullback dx. Distances by differences, never by |x|^2 - 2 x.m + |m|^2: at a low noise
//             level that loses all digits of l_n - top.
// Bits        A distance is one chain over i, ascending, from 0; a mean one chain over the n of its chunk, from 0; the sum
//             of a chunk's weights 16 chains (n mod 16), added by halving; chunks are added in order. So an item's bits
//             depend on nothing beside it, and v3, v4 and CUDA agree.
// Layout      x, D, ... (items, d); means (N, d); variances lambda (d), or one number for all (lambdas = 1); row-major.
// Source      memorization study, section 1; core/mixture is the same in plain Go.
// Assumptions a_i positive and normal; weights add to 1. Where every l_n is -inf (|x|^2 overflows) D is NaN.
#ifndef WAVEPRIOR_CUDA_MIXTURE_MIXTURE_H_
#define WAVEPRIOR_CUDA_MIXTURE_MIXTURE_H_

#include "../exp.h"
#include "../philox.h"

namespace waveprior::mixture {

// Items in a tile, components in a chunk, and the chains that a chunk's weights are added in: mixture.go has the first two.
constexpr int kItems = 16;
constexpr int kChunk = 128;
constexpr int kChains = 16;

// The largest finite number.
template <class T>
WAVEPRIOR_INLINE T Largest();
template <>
WAVEPRIOR_INLINE float Largest<float>() {
  return 0x1.fffffep+127f;
}
template <>
WAVEPRIOR_INLINE double Largest<double>() {
  return 0x1.fffffffffffffp+1023;
}

template <class T>
WAVEPRIOR_INLINE T Infinity() {
  return T(2) * Largest<T>();
}

// a_i.
template <class T>
WAVEPRIOR_INLINE T LevelVariance(T alpha, T sigma, T lambda) {
  return Fma(alpha * alpha, lambda, sigma * sigma);
}

// l_n from the sum of squares: each divided by its a_i and half = 1/2, or none and half = 1/(2a).
template <class T>
WAVEPRIOR_INLINE T Logit(T half, T squares, T log_weight) {
  return Fma(-half, squares, log_weight);
}

// What is subtracted from logits whose largest is top: 0 where all are -inf, so that the weights are 0 and not NaN.
template <class T>
WAVEPRIOR_INLINE T Base(T top) {
  return top >= -Largest<T>() ? top : T(0);
}

template <class T>
WAVEPRIOR_INLINE T Denoised(T alpha, T sigma, T lambda, T bar, T x) {
  return Fma(sigma * sigma, bar, alpha * lambda * x) / LevelVariance(alpha, sigma, lambda);
}

template <class T>
WAVEPRIOR_INLINE T Pulled(T alpha, T sigma, T lambda, T y, T v) {
  return alpha * Fma(sigma * sigma, y, lambda * v) / LevelVariance(alpha, sigma, lambda);
}

// 1/2 log(2 pi a_i).
template <class T>
WAVEPRIOR_INLINE double LogNorm(T alpha, T sigma, T lambda) {
  return 0.5 * Log(0x1.921fb54442d18p+2 * static_cast<double>(LevelVariance(alpha, sigma, lambda)));
}

// log sum exp(l_n); NaN where no component has a weight.
template <class T>
WAVEPRIOR_INLINE double LogTotal(T base, T sum) {
  return sum > T(0) ? static_cast<double>(base) + Log(static_cast<double>(sum)) : static_cast<double>(sum / sum);
}

}  // namespace waveprior::mixture

#endif  // WAVEPRIOR_CUDA_MIXTURE_MIXTURE_H_
