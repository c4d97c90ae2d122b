// mixture_spread: one chunk of the covariance of the means, times a vector, for one tile of items.
//
// Equation    mixture.h: y, with r_n from the logits that mixture_weigh kept and from top and S of all components.
// Arguments   y (items, chunks, d), logits (items, N), stats (items, 2): top and S, bar, v (items, d), alpha, sigma (items),
//             means (N, d), variances (lambdas), items, N, d, lambdas (1 or d), tile, chunk. Unit u is chunk u mod chunks
//             of tile u / chunks.
// CPU, CUDA   as weigh.h: first the dot products c_n = r_n ((m_n - bar).(v/a)) of the chunk, one chain over i each, then
//             sum_n c_n (m_n - bar), one chain over n each. Components with r_n = 0 are left out.
// Bytes       T (2 tiles N d + items N + items chunks (3 d + 4) (+ d with lambdas = d) + items chunks d written)
// Operations  items N (6 d + 30) + items chunks 4 d
#ifndef WAVEPRIOR_CUDA_MIXTURE_SPREAD_H_
#define WAVEPRIOR_CUDA_MIXTURE_SPREAD_H_

#include "mixture.h"

#endif  // WAVEPRIOR_CUDA_MIXTURE_SPREAD_H_
