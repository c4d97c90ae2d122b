// What is done item by item once the components have been gone through: mixture_posterior, mixture_pullback,
// mixture_log_density, mixture_log_responsibilities.
//
// Equation    mixture.h. Chunks are added in order: S = sum_c exp(top_c - top) S_c, and so for bar.
// Arguments   unit u is item u.
//             mixture_posterior: D, bar (items, d), stats (items, 2): top and S, each null where it is not wanted; top, sum
//             (items, chunks), bars (items, chunks, d), x (items, d) (both read only for D or bar), alpha, sigma (items),
//             variances (lambdas), chunks, d, lambdas
//             mixture_pullback: dx (items, d), y (items, chunks, d), v (items, d), alpha, sigma, variances, chunks, d, lambdas
//             mixture_log_density: out (items), stats, alpha, sigma, variances, d, lambdas. The sum over i is 32 chains
//             (i mod 32), added by halving, in double.
//             mixture_log_responsibilities: logits (items, N), which become log r, stats, N
// CUDA        A block is an item, 256 threads (32 for the density), a thread every 256th coordinate. Every thread puts the
//             chunks' scales together for itself: they are few.
// Bytes       posterior: T items (chunks (d + 4 threads) + 4 d) with threads = 256 that read the same numbers;
//             pullback: T items (chunks d + 3 d); log density: T items (d + 5); log responsibilities: T items 2 N
// Operations  posterior: items (d (2 chunks + 8) + 256 (32 chunks)); pullback: items d (chunks + 7); log density:
//             items 30 d; log responsibilities: items N 2
#ifndef WAVEPRIOR_CUDA_MIXTURE_ITEM_H_
#define WAVEPRIOR_CUDA_MIXTURE_ITEM_H_

#include "mixture.h"

namespace waveprior::mixture {

constexpr int kDensityChains = 32;

}  // namespace waveprior::mixture

#endif  // WAVEPRIOR_CUDA_MIXTURE_ITEM_H_
