// The squared error of a number, and its gradient.
//
// Equation    loss = sum (x - target)^2 in double, whatever the numbers are; dx = factor (x - target)
// Scheme      Sums are kept in kLossSums partial sums, element j in sum j mod kLossSums, added by halving.
#ifndef WAVEPRIOR_CUDA_NN_LOSS_H_
#define WAVEPRIOR_CUDA_NN_LOSS_H_

#include "../args.h"

namespace waveprior {

constexpr int kLossSums = 32;

// sum + x^2.
template <class T>
WAVEPRIOR_INLINE double AddSquare(T x, double sum) {
  const double e = static_cast<double>(x);
  return Fma(e, e, sum);
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_NN_LOSS_H_
