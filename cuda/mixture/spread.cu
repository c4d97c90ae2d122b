#include "spread.h"
#include "tiles.h"

namespace waveprior::mixture {

template <class T>
WAVEPRIOR_DEVICE void Spread(T* memory, T* y_p, const T* logits_p, const T* stats_p, const T* bar_p, const T* v_p,
                             const T* alpha_p, const T* sigma_p, const T* means_p, const T* variances_p, int64_t items,
                             int64_t components, int64_t d, int64_t lambdas) {
  const Unit u(items, components);
  const Tiles<T> s(memory);
  const View<const T> logits(logits_p, items * components), stats(stats_p, items * 2), bar(bar_p, items * d);
  const View<const T> v(v_p, items * d), alpha(alpha_p, items), sigma(sigma_p, items);
  const View<const T> means(means_p, components * d), variances(variances_p, lambdas);
  const int lane = Lane(), mine = Warp() * kOwnItems;

  // Dot products: items mine + p, components lane + kWarp q.
  T dots[kOwnItems][kOwnComponents] = {};
  int item, coordinate;
  for (int64_t first = 0; first < d; first += kPart) {
    StagePart(s.stage, means, u, d, first);
    const bool there = OwnPlace(u, d, first, &item, &coordinate);
    const int64_t at = u.item + item, i = first + coordinate;
    s.left[coordinate * kItems + item] = there ? T(bar[at * d + i]) : T(0);
    s.right[coordinate * kItems + item] =
        there ? v[at * d + i] / LevelVariance(T(alpha[at]), T(sigma[at]), T(variances[lambdas == 1 ? 0 : i])) : T(0);
    __syncthreads();
    const int count = static_cast<int>(d - first < kPart ? d - first : kPart);
    for (int k = 0; k < count; k++) {
      T m[kOwnComponents];
#pragma unroll
      for (int q = 0; q < kOwnComponents; q++) m[q] = s.stage[k * kStride + lane + kWarp * q];
#pragma unroll
      for (int p = 0; p < kOwnItems; p++) {
        const T mean = s.left[k * kItems + mine + p], right = s.right[k * kItems + mine + p];
#pragma unroll
        for (int q = 0; q < kOwnComponents; q++) dots[p][q] = Fma(m[q] - mean, right, dots[p][q]);
      }
      CountOperations(kOwnItems * kOwnComponents);
    }
    __syncthreads();
  }
#pragma unroll
  for (int p = 0; p < kOwnItems; p++) {
    const bool there = mine + p < u.items;
    const int64_t at = u.item + mine + p;
    const T base = there ? T(stats[2 * at]) : T(0), total = there ? T(stats[2 * at + 1]) : T(1);
#pragma unroll
    for (int q = 0; q < kOwnComponents; q++) {
      const int n = lane + kWarp * q;
      T c = 0;
      if (there && n < u.count) {
        const T r = ExpNegative(logits[at * components + u.n0 + n] - base) / total;
        c = r == T(0) ? T(0) : r * dots[p][q];
        CountOperations(3);
      }
      s.a[(mine + p) * kChunk + n] = c;
    }
  }
  __syncthreads();

  // Sums: items mine + p, coordinates lane + kWarp q.
  const View<T> y(y_p, items * u.chunks * d);
  for (int64_t first = 0; first < d; first += kWide) {
    T sum[kOwnItems][kOwnCoordinates] = {}, center[kOwnItems][kOwnCoordinates];
    for (int p = 0; p < kOwnItems; p++)
      for (int q = 0; q < kOwnCoordinates; q++) {
        const int64_t i = first + lane + kWarp * q;
        center[p][q] = mine + p < u.items && i < d ? T(bar[(u.item + mine + p) * d + i]) : T(0);
      }
    for (int from = 0; from < u.count; from += kFew) {
      StageWide(s.stage, means, u, d, first, from);
      __syncthreads();
      const int count = u.count - from < kFew ? u.count - from : kFew;
      for (int n = 0; n < count; n++) {
        T m[kOwnCoordinates];
#pragma unroll
        for (int q = 0; q < kOwnCoordinates; q++) m[q] = s.stage[n * kWide + lane + kWarp * q];
#pragma unroll
        for (int p = 0; p < kOwnItems; p++) {
          const T c = s.a[(mine + p) * kChunk + from + n];
#pragma unroll
          for (int q = 0; q < kOwnCoordinates; q++) sum[p][q] = Fma(c, m[q] - center[p][q], sum[p][q]);
        }
        CountOperations(kOwnItems * kOwnCoordinates);
      }
      __syncthreads();
    }
    for (int p = 0; p < kOwnItems; p++)
      for (int q = 0; q < kOwnCoordinates; q++) {
        const int64_t i = first + lane + kWarp * q;
        if (mine + p < u.items && i < d) y.Set(((u.item + mine + p) * u.chunks + u.chunk) * d + i, sum[p][q]);
      }
  }
}

}  // namespace waveprior::mixture

extern "C" __global__ void mixture_spread_f32(float* y, const float* logits, const float* stats, const float* bar,
                                              const float* v, const float* alpha, const float* sigma,
                                              const float* means, const float* variances, int64_t items,
                                              int64_t components, int64_t d, int64_t lambdas, int64_t, int64_t) {
  WAVEPRIOR_SHARED(float, memory);
  waveprior::mixture::Spread(memory, y, logits, stats, bar, v, alpha, sigma, means, variances, items, components, d,
                             lambdas);
}

extern "C" __global__ void mixture_spread_f64(double* y, const double* logits, const double* stats, const double* bar,
                                              const double* v, const double* alpha, const double* sigma,
                                              const double* means, const double* variances, int64_t items,
                                              int64_t components, int64_t d, int64_t lambdas, int64_t, int64_t) {
  WAVEPRIOR_SHARED(double, memory);
  waveprior::mixture::Spread(memory, y, logits, stats, bar, v, alpha, sigma, means, variances, items, components, d,
                             lambdas);
}
