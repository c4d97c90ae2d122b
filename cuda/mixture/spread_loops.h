// The loops of spread_cpu.cc, compiled for each instruction set.
#include "tile_loops.h"

// dots[k][l] += sum over the coordinates of a block of (m - bar) u, m the mean of the k-th active component. The rows of
// dots up to a multiple of the register tile are written.
template <class T>
WAVEPRIOR_INLINE void Dots(T (*dots)[kItems], const T (*bar)[kItems], const T (*u)[kItems], const int* active,
                           int count, const T* means, int64_t d, int64_t coordinates) {
  using V = Simd<T>;
  constexpr int C = kDeep<T>, G = kGroup<T>;
  for (int k = 0; k < count; k += C) {
    const T* row[C];
    for (int c = 0; c < C; c++) row[c] = means + active[k + c < count ? k + c : count - 1] * d;
    for (int first = 0; first < kRowVectors<T>; first += G) {
      typename V::Value sum[C][G];
#pragma GCC unroll 16
      for (int c = 0; c < C; c++)
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) sum[c][g] = V::Load(dots[k + c] + (first + g) * V::kLanes);
      for (int64_t i = 0; i < coordinates; i++) {
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
          const typename V::Value m = V::Spread(row[c][i]);
#pragma GCC unroll 16
          for (int g = 0; g < G; g++) {
            const int lane = (first + g) * V::kLanes;
            sum[c][g] = V::Fma(m - V::Load(bar[i] + lane), V::Load(u[i] + lane), sum[c][g]);
          }
        }
      }
#pragma GCC unroll 16
      for (int c = 0; c < C; c++)
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) V::Store(dots[k + c] + (first + g) * V::kLanes, sum[c][g]);
    }
  }
}

// out (items rows, stride apart) = sum over the active components of c (m - bar) for the coordinates of a block.
template <class T>
WAVEPRIOR_INLINE void Combine(T* out, int64_t stride, int64_t items, const T (*c)[kItems], const T (*bar)[kItems],
                              const int* active, int count, const T* means, int64_t d, int64_t coordinates) {
  using V = Simd<T>;
  constexpr int C = kDeep<T> / 2, G = kGroup<T>;
  T rows[C][kItems];
  for (int64_t i = 0; i < coordinates; i += C) {
    int64_t at[C];
    for (int q = 0; q < C; q++) at[q] = i + q < coordinates ? i + q : coordinates - 1;
    for (int first = 0; first < kRowVectors<T>; first += G) {
      typename V::Value sum[C][G] = {}, center[C][G];
#pragma GCC unroll 16
      for (int q = 0; q < C; q++)
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) center[q][g] = V::Load(bar[at[q]] + (first + g) * V::kLanes);
      for (int k = 0; k < count; k++) {
        const T* const m = means + active[k] * d;
        typename V::Value w[G];
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) w[g] = V::Load(c[k] + (first + g) * V::kLanes);
#pragma GCC unroll 16
        for (int q = 0; q < C; q++) {
          const typename V::Value mean = V::Spread(m[at[q]]);
#pragma GCC unroll 16
          for (int g = 0; g < G; g++) sum[q][g] = V::Fma(w[g], mean - center[q][g], sum[q][g]);
        }
      }
#pragma GCC unroll 16
      for (int q = 0; q < C; q++)
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) V::Store(rows[q] + (first + g) * V::kLanes, sum[q][g]);
    }
    for (int64_t l = 0; l < items; l++)
      for (int q = 0; q < C && i + q < coordinates; q++) out[l * stride + i + q] = rows[q][l];
  }
}

// spread.h has the arguments.
template <class T>
int mixture_spread(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const y_all = a.Pointer<T>();
  const T* const logits_all = a.Pointer<const T>();
  const T* const stats = a.Pointer<const T>();
  const T* const bar_all = a.Pointer<const T>();
  const T* const v_all = a.Pointer<const T>();
  const T* const alpha_all = a.Pointer<const T>();
  const T* const sigma_all = a.Pointer<const T>();
  const T* const means_all = a.Pointer<const T>();
  const T* const variances = a.Pointer<const T>();
  const int64_t items_all = a.Int(), components = a.Int(), d = a.Int(), lambdas = a.Int();
  if (a.Int() != kItems || a.Int() != kChunk || (lambdas != 1 && lambdas != d)) return waveprior::kBadArgument;
  const int64_t chunks = (components + kChunk - 1) / kChunk;
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t item = unit / chunks * kItems, chunk = unit % chunks;
    const int64_t items = item + kItems < items_all ? kItems : items_all - item;
    const int64_t n0 = chunk * kChunk;
    const int count = static_cast<int>(n0 + kChunk < components ? kChunk : components - n0);
    const T* const means = means_all + n0 * d;
    alignas(64) T r[kChunk][kItems], c[kChunk][kItems] = {}, bar[kBlock][kItems], u[kBlock][kItems];
    alignas(64) T alpha[1][kItems], sigma[1][kItems], total[2][kItems];
    TurnRound(alpha, alpha_all + item, items, 1, 0, 1);
    TurnRound(sigma, sigma_all + item, items, 1, 0, 1);
    TurnRound(total, stats + 2 * item, items, 2, 0, 2);
    TurnRound(r, logits_all + item * components, items, components, n0, count);
    for (int n = 0; n < count; n++)
#pragma omp simd
      for (int l = 0; l < kItems; l++) r[n][l] = waveprior::ExpNegative(r[n][l] - total[0][l]) / total[1][l];
    int active[kChunk];
    const int alive = Active(active, r, count);
    for (int64_t i = 0; i < d; i += kBlock) {
      const int64_t block = i + kBlock < d ? kBlock : d - i;
      TurnRound(bar, bar_all + item * d, items, d, i, block);
      TurnRound(u, v_all + item * d, items, d, i, block);
      for (int64_t k = 0; k < block; k++)
#pragma omp simd
        for (int l = 0; l < kItems; l++)
          u[k][l] /= waveprior::mixture::LevelVariance(alpha[0][l], sigma[0][l], variances[lambdas == 1 ? 0 : i + k]);
      Dots(c, bar, u, active, alive, means + i, d, block);
    }
    for (int k = 0; k < alive; k++)
#pragma omp simd
      for (int l = 0; l < kItems; l++) {
        const T w = r[active[k]][l];
        c[k][l] = w == T(0) ? T(0) : w * c[k][l];
      }
    for (int64_t i = 0; i < d; i += kBlock) {
      const int64_t block = i + kBlock < d ? kBlock : d - i;
      TurnRound(bar, bar_all + item * d, items, d, i, block);
      Combine(y_all + (item * chunks + chunk) * d + i, chunks * d, items, c, bar, active, alive, means + i, d, block);
    }
  }
  return waveprior::kOk;
}
