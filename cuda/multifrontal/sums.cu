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
WAVEPRIOR_DEVICE void SumResidual(const Residual<T>& f, View<double> residual, View<const int32_t> flags, int64_t units,
                                  double* scratch) {
  const int64_t system = blockIdx.x;
  double sum = 0, set = 0;
  for (int64_t node = ThreadRank(); node < f.grid.Nodes(); node += BlockSize()) sum += f(system, node);
  for (int64_t i = ThreadRank(); i < units; i += BlockSize()) set += flags[system * units + i];
  sum = BlockSum(sum, scratch);
  set = BlockSum(set, scratch + kWarp);
  if (ThreadRank() == 0) {
    residual.Set(2 * system, Sqrt(sum));
    residual.Set(2 * system + 1, set);
  }
}

template <class T>
WAVEPRIOR_DEVICE void SumMisfit(const Misfit<T>& f, View<double> phi, View<double> weight, View<Complex<T>> w,
                                View<const double> tau, double* scratch) {
  const int64_t system = blockIdx.x, n = f.count * f.receivers;
  const double t = tau[f.observation[f.which[2 * system]]];
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
    w.Set(system * n + i, MakeComplex(static_cast<T>(r.re * scale), static_cast<T>(-(r.im * scale))));
  }
  if (ThreadRank() == 0) {
    phi.Set(system, 0.5 * sum);
    weight.Set(system, 1 / scale / t / t);
  }
}

}  // namespace waveprior::multifrontal

extern "C" __global__ void helm_residual_f32(double* residual, const helm::Complex<float>* x, const float* models,
                                             const int32_t* which, const int32_t* row,
                                             const helm::Complex<double>* operators, const int32_t* flags,
                                             int64_t model_count, int64_t systems, int64_t frequencies, int64_t nz,
                                             int64_t nx, int64_t cells, int64_t count, int64_t source, int64_t units) {
  WAVEPRIOR_SHARED(double, scratch);
  const helm::Padding grid{nz, nx, cells};
  const helm::Residual<float> f{{x, systems * grid.Nodes() * count},
                                {models, model_count * nz * nx},
                                {which, 2 * systems},
                                {row, grid.Nodes()},
                                {operators, frequencies * 4 * grid.Nodes()},
                                grid,
                                count,
                                source};
  helm::SumResidual<float>(f, {residual, 2 * systems}, {flags, systems * units}, units, scratch);
}

extern "C" __global__ void helm_residual_f64(double* residual, const helm::Complex<double>* x, const double* models,
                                             const int32_t* which, const int32_t* row,
                                             const helm::Complex<double>* operators, const int32_t* flags,
                                             int64_t model_count, int64_t systems, int64_t frequencies, int64_t nz,
                                             int64_t nx, int64_t cells, int64_t count, int64_t source, int64_t units) {
  WAVEPRIOR_SHARED(double, scratch);
  const helm::Padding grid{nz, nx, cells};
  const helm::Residual<double> f{{x, systems * grid.Nodes() * count},
                                 {models, model_count * nz * nx},
                                 {which, 2 * systems},
                                 {row, grid.Nodes()},
                                 {operators, frequencies * 4 * grid.Nodes()},
                                 grid,
                                 count,
                                 source};
  helm::SumResidual<double>(f, {residual, 2 * systems}, {flags, systems * units}, units, scratch);
}

extern "C" __global__ void helm_misfit_f32(double* phi, double* weight, helm::Complex<float>* w,
                                           const helm::Complex<float>* x, const helm::Complex<double>* observed,
                                           const int32_t* observation, const double* tau, const int32_t* row,
                                           const int32_t* which, const double* strength, int64_t observations,
                                           int64_t model_count, int64_t systems, int64_t frequencies, int64_t nodes,
                                           int64_t count, int64_t receivers) {
  WAVEPRIOR_SHARED(double, scratch);
  const int64_t n = count * receivers;
  const helm::Misfit<float> f{{x, systems * nodes * count},
                              {observed, observations * frequencies * n},
                              {observation, model_count},
                              {row, receivers},
                              {which, 2 * systems},
                              {strength, frequencies},
                              nodes,
                              count,
                              receivers,
                              frequencies};
  helm::SumMisfit<float>(f, {phi, systems}, {weight, systems}, {w, systems * n}, {tau, observations}, scratch);
}

extern "C" __global__ void helm_misfit_f64(double* phi, double* weight, helm::Complex<double>* w,
                                           const helm::Complex<double>* x, const helm::Complex<double>* observed,
                                           const int32_t* observation, const double* tau, const int32_t* row,
                                           const int32_t* which, const double* strength, int64_t observations,
                                           int64_t model_count, int64_t systems, int64_t frequencies, int64_t nodes,
                                           int64_t count, int64_t receivers) {
  WAVEPRIOR_SHARED(double, scratch);
  const int64_t n = count * receivers;
  const helm::Misfit<double> f{{x, systems * nodes * count},
                               {observed, observations * frequencies * n},
                               {observation, model_count},
                               {row, receivers},
                               {which, 2 * systems},
                               {strength, frequencies},
                               nodes,
                               count,
                               receivers,
                               frequencies};
  helm::SumMisfit<double>(f, {phi, systems}, {weight, systems}, {w, systems * n}, {tau, observations}, scratch);
}
