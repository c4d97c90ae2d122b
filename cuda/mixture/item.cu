#include "../kernel.h"
#include "item.h"

namespace waveprior {

template <class T>
WAVEPRIOR_DEVICE void Posterior(T* out_p, T* bar_p, T* stats_p, const T* top_p, const T* sum_p, const T* bars_p,
                                const T* x_p, const T* alpha_p, const T* sigma_p, const T* variances_p, int64_t chunks,
                                int64_t d, int64_t lambdas) {
  const int64_t item = blockIdx.x, items = gridDim.x;
  const View<const T> top(top_p, items * chunks), sum(sum_p, items * chunks),
      bars(bars_p, bars_p ? items * chunks * d : 0);
  T most = top[item * chunks];
  for (int64_t c = 1; c < chunks; c++) {
    const T other = top[item * chunks + c];
    most = other > most ? other : most;
  }
  const T base = Base(most);
  T total = 0;
  for (int64_t c = 0; c < chunks; c++)
    total = Fma(ExpNegative(top[item * chunks + c] - base), T(sum[item * chunks + c]), total);
  CountOperations(static_cast<int>(2 * chunks));
  if (stats_p && ThreadRank() == 0) {
    const View<T> stats(stats_p, 2 * items);
    stats.Set(2 * item, base);
    stats.Set(2 * item + 1, total);
  }
  if (!out_p && !bar_p) return;
  const View<T> out(out_p, out_p ? items * d : 0), bar(bar_p, bar_p ? items * d : 0);
  const View<const T> x(x_p, items * d), alpha(alpha_p, items), sigma(sigma_p, items), variances(variances_p, lambdas);
  for (int64_t i = ThreadRank(); i < d; i += BlockSize()) {
    T mean = 0;
    for (int64_t c = 0; c < chunks; c++)
      mean = Fma(ExpNegative(top[item * chunks + c] - base), T(bars[(item * chunks + c) * d + i]), mean);
    mean /= total;
    CountOperations(static_cast<int>(2 * chunks) + 1);
    if (bar_p) bar.Set(item * d + i, mean);
    if (out_p) {
      out.Set(item * d + i,
              Denoised(T(alpha[item]), T(sigma[item]), T(variances[lambdas == 1 ? 0 : i]), mean, T(x[item * d + i])));
      CountOperations(6);
    }
  }
}

template <class T>
WAVEPRIOR_DEVICE void Pullback(T* dx_p, const T* y_p, const T* v_p, const T* alpha_p, const T* sigma_p,
                               const T* variances_p, int64_t chunks, int64_t d, int64_t lambdas) {
  const int64_t item = blockIdx.x, items = gridDim.x;
  const View<T> dx(dx_p, items * d);
  const View<const T> y(y_p, items * chunks * d), v(v_p, items * d), alpha(alpha_p, items), sigma(sigma_p, items);
  const View<const T> variances(variances_p, lambdas);
  for (int64_t i = ThreadRank(); i < d; i += BlockSize()) {
    T sum = 0;
    for (int64_t c = 0; c < chunks; c++) sum += y[(item * chunks + c) * d + i];
    dx.Set(item * d + i,
           Pulled(T(alpha[item]), T(sigma[item]), T(variances[lambdas == 1 ? 0 : i]), sum, T(v[item * d + i])));
    CountOperations(static_cast<int>(chunks) + 6);
  }
}

template <class T>
WAVEPRIOR_DEVICE void LogDensity(T* out_p, const T* stats_p, const T* alpha_p, const T* sigma_p, const T* variances_p,
                                 int64_t d, int64_t lambdas) {
  const int64_t item = blockIdx.x, items = gridDim.x;
  const View<const T> stats(stats_p, 2 * items), alpha(alpha_p, items), sigma(sigma_p, items),
      variances(variances_p, lambdas);
  const T a = alpha[item], s = sigma[item];
  double sum = 0;
  // A logarithm is 22 operations (../philox.h), none of which counts itself.
  CountOperations(lambdas == 1 ? (ThreadRank() == 0 ? 30 : 0)
                               : 30 * static_cast<int>((d - ThreadRank() + kDensityChains - 1) / kDensityChains));
  if (lambdas == 1) {
    if (ThreadRank() == 0) sum = static_cast<double>(d) * LogNorm(a, s, T(variances[0]));
  } else {
    for (int64_t i = ThreadRank(); i < d; i += kDensityChains) sum += LogNorm(a, s, T(variances[i]));
  }
  sum = WarpSum(sum);
  if (ThreadRank() == 0)
    View<T>(out_p, items).Set(item, static_cast<T>(LogTotal(T(stats[2 * item]), T(stats[2 * item + 1])) - sum));
}

template <class T>
WAVEPRIOR_DEVICE void LogResponsibilities(T* logits_p, const T* stats_p, int64_t components) {
  const int64_t item = blockIdx.x, items = gridDim.x;
  const View<T> logits(logits_p, items * components);
  const View<const T> stats(stats_p, 2 * items);
  const T base = stats[2 * item], log_sum = static_cast<T>(LogTotal(T(0), T(stats[2 * item + 1])));
  for (int64_t n = ThreadRank(); n < components; n += BlockSize()) {
    const T l = logits[item * components + n];
    logits.Set(item * components + n, (l - base) - log_sum);
    CountOperations(2);
  }
}

}  // namespace waveprior

extern "C" __global__ void mixture_posterior_f32(float* out, float* bar, float* stats, const float* top,
                                                 const float* sum, const float* bars, const float* x,
                                                 const float* alpha, const float* sigma, const float* variances,
                                                 int64_t chunks, int64_t d, int64_t lambdas) {
  waveprior::Posterior(out, bar, stats, top, sum, bars, x, alpha, sigma, variances, chunks, d, lambdas);
}

extern "C" __global__ void mixture_posterior_f64(double* out, double* bar, double* stats, const double* top,
                                                 const double* sum, const double* bars, const double* x,
                                                 const double* alpha, const double* sigma, const double* variances,
                                                 int64_t chunks, int64_t d, int64_t lambdas) {
  waveprior::Posterior(out, bar, stats, top, sum, bars, x, alpha, sigma, variances, chunks, d, lambdas);
}

extern "C" __global__ void mixture_pullback_f32(float* dx, const float* y, const float* v, const float* alpha,
                                                const float* sigma, const float* variances, int64_t chunks, int64_t d,
                                                int64_t lambdas) {
  waveprior::Pullback(dx, y, v, alpha, sigma, variances, chunks, d, lambdas);
}

extern "C" __global__ void mixture_pullback_f64(double* dx, const double* y, const double* v, const double* alpha,
                                                const double* sigma, const double* variances, int64_t chunks, int64_t d,
                                                int64_t lambdas) {
  waveprior::Pullback(dx, y, v, alpha, sigma, variances, chunks, d, lambdas);
}

extern "C" __global__ void mixture_log_density_f32(float* out, const float* stats, const float* alpha,
                                                   const float* sigma, const float* variances, int64_t d,
                                                   int64_t lambdas) {
  waveprior::LogDensity(out, stats, alpha, sigma, variances, d, lambdas);
}

extern "C" __global__ void mixture_log_density_f64(double* out, const double* stats, const double* alpha,
                                                   const double* sigma, const double* variances, int64_t d,
                                                   int64_t lambdas) {
  waveprior::LogDensity(out, stats, alpha, sigma, variances, d, lambdas);
}

extern "C" __global__ void mixture_log_responsibilities_f32(float* logits, const float* stats, int64_t components) {
  waveprior::LogResponsibilities(logits, stats, components);
}

extern "C" __global__ void mixture_log_responsibilities_f64(double* logits, const double* stats, int64_t components) {
  waveprior::LogResponsibilities(logits, stats, components);
}
