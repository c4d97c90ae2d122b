// mixture_weigh: one chunk of components for one tile of items.
//
// Equation    mixture.h: l_n, and over the chunk top, S, and S bar.
// Arguments   top, sum (items, chunks), bar (items, chunks, d) or null, logits (items, N) or null, x (items, d), alpha, sigma
//             (items), means (N, d), log_weights (N), variances (lambdas), items, N, d, lambdas (1 or d), tile, chunk.
//             Unit u is chunk u mod chunks of tile u / chunks.
// CPU         Lanes are items: x is turned round in blocks of kBlock coordinates, a mean's coordinate is a broadcast. Rows
//             of means whose weight is 0 for a whole tile are left out of bar.
// CUDA        A block of 256 threads is a unit. Means come through shared memory in 16 coordinates of the whole chunk (for
//             distances, 2 items x 4 components a thread) and then in 64 coordinates of 32 components (for bar, 2 x 2 a
//             thread). The logits of a chunk stay in shared memory, so that its largest is known before the first
//             exponential and no sum is scaled again; top and S are carried from chunk to chunk by mixture_posterior.
// Bytes       with T = sizeof(T), tiles = ceil(items/16): T (tiles N (2 d + 1) + items chunks (d + 1) (2 with lambdas = d)
//             + items chunks (d + 2) written, + items N where logits are kept); without bar the means are read once
// Operations  items N (4 d + 30) and 2 items N d for bar; + 2 items N d where lambdas = d
#ifndef WAVEPRIOR_CUDA_MIXTURE_WEIGH_H_
#define WAVEPRIOR_CUDA_MIXTURE_WEIGH_H_

#include "mixture.h"

#endif  // WAVEPRIOR_CUDA_MIXTURE_WEIGH_H_
