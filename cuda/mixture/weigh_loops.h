// The loops of weigh_cpu.cc, compiled for each instruction set.
#include "tile_loops.h"

// squares[n][l] += sum over the coordinates of a block of (x - alpha m)^2, each divided by a where kEach: n < count. The
// rows of squares up to a multiple of kDeep are written.
template <class T, bool kEach>
WAVEPRIOR_INLINE void Distances(T (*squares)[kItems], const T (*x)[kItems], const T (*inverse)[kItems], const T* alpha,
                                const T* means, int64_t d, int count, int64_t coordinates) {
  using V = Simd<T>;
  constexpr int C = kDeep<T>, G = kGroup<T>;
  for (int n = 0; n < count; n += C) {
    const T* row[C];
    for (int c = 0; c < C; c++) row[c] = means + (n + c < count ? n + c : count - 1) * d;
    for (int first = 0; first < kRowVectors<T>; first += G) {
      typename V::Value sum[C][G], scale[G];
#pragma GCC unroll 16
      for (int g = 0; g < G; g++) {
        const int lane = (first + g) * V::kLanes;
        scale[g] = -V::Load(alpha + lane);
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) sum[c][g] = V::Load(squares[n + c] + lane);
      }
      for (int64_t i = 0; i < coordinates; i++) {
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
          const typename V::Value m = V::Spread(row[c][i]);
#pragma GCC unroll 16
          for (int g = 0; g < G; g++) {
            const int lane = (first + g) * V::kLanes;
            const typename V::Value e = V::Fma(scale[g], m, V::Load(x[i] + lane));
            sum[c][g] = V::Fma(kEach ? e * V::Load(inverse[i] + lane) : e, e, sum[c][g]);
          }
        }
      }
#pragma GCC unroll 16
      for (int g = 0; g < G; g++)
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) V::Store(squares[n + c] + (first + g) * V::kLanes, sum[c][g]);
    }
  }
}

// out (items rows, stride apart) = sum over the active components of weight times mean.
template <class T>
WAVEPRIOR_INLINE void Average(T* out, int64_t stride, int64_t items, const T (*weights)[kItems], const int* active,
                              int count, const T* means, int64_t d) {
  using V = Simd<T>;
  constexpr int C = kDeep<T>, G = kGroup<T>;
  T rows[C][kItems];
  for (int64_t i = 0; i < d; i += C) {
    int64_t at[C];
    for (int c = 0; c < C; c++) at[c] = i + c < d ? i + c : d - 1;
    for (int first = 0; first < kRowVectors<T>; first += G) {
      typename V::Value sum[C][G] = {};
      for (int k = 0; k < count; k++) {
        const T* const m = means + active[k] * d;
        typename V::Value w[G];
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) w[g] = V::Load(weights[active[k]] + (first + g) * V::kLanes);
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
          const typename V::Value mean = V::Spread(m[at[c]]);
#pragma GCC unroll 16
          for (int g = 0; g < G; g++) sum[c][g] = V::Fma(w[g], mean, sum[c][g]);
        }
      }
#pragma GCC unroll 16
      for (int c = 0; c < C; c++)
#pragma GCC unroll 16
        for (int g = 0; g < G; g++) V::Store(rows[c] + (first + g) * V::kLanes, sum[c][g]);
    }
    for (int64_t l = 0; l < items; l++)
      for (int c = 0; c < C && i + c < d; c++) out[l * stride + i + c] = rows[c][l];
  }
}

// Logits become weights exp(l - base); top and sum of each lane.
template <class T>
WAVEPRIOR_INLINE void Softmax(T (*p)[kItems], int count, T* top, T* sum) {
  constexpr int kChains = waveprior::mixture::kChains;
  T base[kItems], chains[kChains][kItems] = {};
  for (int l = 0; l < kItems; l++) top[l] = -waveprior::mixture::Infinity<T>();
  for (int n = 0; n < count; n++)
#pragma omp simd
    for (int l = 0; l < kItems; l++) top[l] = p[n][l] > top[l] ? p[n][l] : top[l];
  for (int l = 0; l < kItems; l++) base[l] = waveprior::mixture::Base(top[l]);
  for (int n = 0; n < count; n++)
#pragma omp simd
    for (int l = 0; l < kItems; l++) {
      const T e = waveprior::ExpNegative(p[n][l] - base[l]);
      p[n][l] = e;
      chains[n % kChains][l] += e;
    }
  for (int half = kChains / 2; half > 0; half /= 2)
    for (int k = 0; k < half; k++)
#pragma omp simd
      for (int l = 0; l < kItems; l++) chains[k][l] += chains[k + half][l];
  for (int l = 0; l < kItems; l++) sum[l] = chains[0][l];
}

// weigh.h has the arguments.
template <class T>
int mixture_weigh(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const top_all = a.Pointer<T>();
  T* const sum_all = a.Pointer<T>();
  T* const bar_all = a.Pointer<T>();
  T* const logits_all = a.Pointer<T>();
  const T* const x_all = a.Pointer<const T>();
  const T* const alpha_all = a.Pointer<const T>();
  const T* const sigma_all = a.Pointer<const T>();
  const T* const means_all = a.Pointer<const T>();
  const T* const log_weights = a.Pointer<const T>();
  const T* const variances = a.Pointer<const T>();
  const int64_t items_all = a.Int(), components = a.Int(), d = a.Int(), lambdas = a.Int();
  if (a.Int() != kItems || a.Int() != kChunk || (lambdas != 1 && lambdas != d)) return waveprior::kBadArgument;
  const int64_t chunks = (components + kChunk - 1) / kChunk;
  const bool each = lambdas != 1;
  for (int64_t unit = lo; unit < hi; unit++) {
    const int64_t item = unit / chunks * kItems, chunk = unit % chunks;
    const int64_t items = item + kItems < items_all ? kItems : items_all - item;
    const int64_t n0 = chunk * kChunk;
    const int count = static_cast<int>(n0 + kChunk < components ? kChunk : components - n0);
    const T* const means = means_all + n0 * d;
    alignas(64) T p[kChunk][kItems] = {}, x[kBlock][kItems], inverse[kBlock][kItems];
    alignas(64) T alpha[1][kItems], sigma[1][kItems], half[kItems], top[kItems], sum[kItems];
    TurnRound(alpha, alpha_all + item, items, 1, 0, 1);
    TurnRound(sigma, sigma_all + item, items, 1, 0, 1);
    for (int64_t i = 0; i < d; i += kBlock) {
      const int64_t block = i + kBlock < d ? kBlock : d - i;
      TurnRound(x, x_all + item * d, items, d, i, block);
      if (!each) {
        Distances<T, false>(p, x, x, alpha[0], means + i, d, count, block);
        continue;
      }
      for (int64_t k = 0; k < block; k++)
#pragma omp simd
        for (int l = 0; l < kItems; l++)
          inverse[k][l] = T(1) / waveprior::mixture::LevelVariance(alpha[0][l], sigma[0][l], variances[i + k]);
      Distances<T, true>(p, x, inverse, alpha[0], means + i, d, count, block);
    }
    for (int l = 0; l < kItems; l++)
      half[l] = each ? T(0.5) : T(0.5) / waveprior::mixture::LevelVariance(alpha[0][l], sigma[0][l], variances[0]);
    for (int n = 0; n < count; n++)
#pragma omp simd
      for (int l = 0; l < kItems; l++) p[n][l] = waveprior::mixture::Logit(half[l], p[n][l], log_weights[n0 + n]);
    if (logits_all)
      for (int64_t l = 0; l < items; l++)
        for (int n = 0; n < count; n++) logits_all[(item + l) * components + n0 + n] = p[n][l];
    Softmax(p, count, top, sum);
    for (int64_t l = 0; l < items; l++) {
      top_all[(item + l) * chunks + chunk] = top[l];
      sum_all[(item + l) * chunks + chunk] = sum[l];
    }
    if (bar_all) {
      int active[kChunk];
      const int alive = Active(active, p, count);
      Average(bar_all + (item * chunks + chunk) * d, chunks * d, items, p, active, alive, means, d);
    }
  }
  return waveprior::kOk;
}
