// Sums over a system, a block of 256 threads each: every thread sums its own nodes or data in order, then BlockSum's tree.
//
// Equation, costs: sums.h.
// Test        TestTwins in twins_cuda_test.go.
#include "../kernel.h"
#include "sums.h"

namespace waveprior::multifrontal {

// The maximum over the block, in every thread; scratch as in BlockSum.
WAVEPRIOR_DEVICE double BlockMaximum(double x, double* scratch) {
  x = WarpMax(x);
  if (Lane() == 0) scratch[Warp()] = x;
  __syncthreads();
  const int warps = BlockSize() / kWarp, lane = Lane();
  return WarpMax(lane < warps ? scratch[lane] : 0.0);
}

template <class T>
WAVEPRIOR_DEVICE void SumResidual(const Residual<T>& f, double* scratch) {
  const int64_t system = blockIdx.x;
  double sum = 0, set = 0;
  for (int64_t node = ThreadRank(); node < f.grid.Nodes(); node += BlockSize()) sum += f(system, node);
  for (int64_t i = ThreadRank(); i < f.units; i += BlockSize()) set += f.flags[system * f.units + i];
  sum = BlockSum(sum, scratch);
  set = BlockSum(set, scratch + kWarp);
  if (ThreadRank() == 0) {
    f.residual.Set(2 * system, Sqrt(sum));
    f.residual.Set(2 * system + 1, set);
  }
}

template <class T>
WAVEPRIOR_DEVICE void SumMisfit(const Misfit<T>& f, double* scratch) {
  const int64_t system = blockIdx.x, n = f.count * f.receivers;
  const double t = f.Tau(system);
  double sum = 0, top = 0;
  for (int64_t i = ThreadRank(); i < n; i += BlockSize()) {
    const Complex<double> r = f(system, i);
    const double re = r.re / t, im = r.im / t;
    sum += Fma(re, re, im * im);
    top = Abs(r.re) > top ? Abs(r.re) : top;
    top = Abs(r.im) > top ? Abs(r.im) : top;
  }
  sum = BlockSum(sum, scratch);
  const double scale = InversePowerOfTwo(BlockMaximum(top, scratch + kWarp));
  for (int64_t i = ThreadRank(); i < n; i += BlockSize()) {
    const Complex<double> r = f(system, i);
    f.w.Set(system * n + i, MakeComplex(static_cast<T>(r.re * scale), static_cast<T>(-(r.im * scale))));
  }
  if (ThreadRank() == 0) {
    f.phi.Set(system, 0.5 * sum);
    f.weight.Set(system, 1 / scale / t / t);
  }
}

}  // namespace waveprior::multifrontal

WAVEPRIOR_KERNELS(helm_residual,
                  (double* residual, const helm::Complex<T>* x, const T* models, const int32_t* which,
                   const int32_t* row, const helm::Complex<double>* operators, const int32_t* flags,
                   int64_t model_count, int64_t systems, int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                   int64_t count, int64_t source, int64_t units),
                  {
                    WAVEPRIOR_SHARED(double, scratch);
                    helm::SumResidual(
                        helm::Residual<T>::Of(residual, x, models, which, row, operators, flags, model_count, systems,
                                              frequencies, nz, nx, cells, count, source, units),
                        scratch);
                  })

WAVEPRIOR_KERNELS(helm_misfit,
                  (double* phi, double* weight, helm::Complex<T>* w, const helm::Complex<T>* x,
                   const helm::Complex<double>* observed, const int32_t* observation, const double* tau,
                   const int32_t* row, const int32_t* which, const double* strength, int64_t observations,
                   int64_t model_count, int64_t systems, int64_t frequencies, int64_t nodes, int64_t count,
                   int64_t receivers),
                  {
                    WAVEPRIOR_SHARED(double, scratch);
                    helm::SumMisfit(
                        helm::Misfit<T>::Of(phi, weight, w, x, observed, observation, tau, row, which, strength,
                                            observations, model_count, systems, frequencies, nodes, count, receivers),
                        scratch);
                  })
