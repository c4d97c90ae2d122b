// Noisy examples: x = alpha_t z + sigma_t eps, eps standard normal.
//
// Equation    x = float(fma(sigma_t, eps, alpha_t z)) in double, eps the stream's normals rounded to float
// Layout      example i's noise at step k is the stream at (step k, chain i, draw 0), its coordinates the elements; a pair of
//             neighbouring coordinates comes from one Philox block (philox.h)
// Source      core/diffusion (alpha_t, sigma_t of level t); Ho, Jain, Abbeel, NeurIPS 2020, eq. 4
// Assumptions indices and levels are within their tables
// Traffic     bytes a row of w numbers: 4 w read, 8 w written, 24 for its index, level and weights; operations a pair, integers
//             not counted: 50 for the normals, 6 for the mixture
// Test        noised_test.go: core/rng and core/diffusion in Go, equal bits
#ifndef WAVEPRIOR_CUDA_DIFFUSION_NOISED_H_
#define WAVEPRIOR_CUDA_DIFFUSION_NOISED_H_

#include "../args.h"
#include "../philox.h"

namespace waveprior {

// The noise of one step of a training.
struct StepNoise {
  uint32_t key0, key1, step;

  // The normals 2 pair and 2 pair + 1 of an example.
  WAVEPRIOR_HD PhiloxPair operator()(int64_t example, int64_t pair) const {
    return Normals(Philox(key0, key1, static_cast<uint32_t>(pair), step, static_cast<uint32_t>(example), 0));
  }
};

// Of one level: z and its noise to x.
struct Mixed {
  double alpha, sigma;

  WAVEPRIOR_HD float operator()(float z, float eps) const {
    return static_cast<float>(Fma(sigma, static_cast<double>(eps), alpha * static_cast<double>(z)));
  }
};

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_DIFFUSION_NOISED_H_
