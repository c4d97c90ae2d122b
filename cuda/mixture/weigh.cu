#include "tiles.h"
#include "weigh.h"

namespace waveprior::mixture {

template <class T>
WAVEPRIOR_DEVICE void Weigh(T* memory, T* top_p, T* sum_p, T* bar_p, T* logits_p, const T* x_p, const T* alpha_p,
                            const T* sigma_p, const T* means_p, const T* log_weights_p, const T* variances_p,
                            int64_t items, int64_t components, int64_t d, int64_t lambdas) {
  const Unit u(items, components);
  const Tiles<T> s(memory);
  const View<const T> x(x_p, items * d), alpha(alpha_p, items), sigma(sigma_p, items), means(means_p, components * d);
  const View<const T> log_weights(log_weights_p, components), variances(variances_p, lambdas);
  const bool each = lambdas != 1;
  const int lane = Lane(), mine = Warp() * kOwnItems;  // this thread's first component or coordinate, and first item

  // Distances: items mine + p, components lane + kWarp q. Items that are not there take the last one's level.
  T scale[kOwnItems], half[kOwnItems], squares[kOwnItems][kOwnComponents] = {};
  for (int p = 0; p < kOwnItems; p++) {
    const int64_t at = u.item + (mine + p < u.items ? mine + p : u.items - 1);
    const T a = alpha[at];
    scale[p] = -a;
    half[p] = each ? T(0.5) : T(0.5) / LevelVariance(a, T(sigma[at]), T(variances[0]));
  }
  int item, coordinate;
  for (int64_t first = 0; first < d; first += kPart) {
    StagePart(s.stage, means, u, d, first);
    const bool there = OwnPlace(u, d, first, &item, &coordinate);
    const int64_t at = u.item + item;
    s.left[coordinate * kItems + item] = there ? T(x[at * d + first + coordinate]) : T(0);
    if (each)
      s.right[coordinate * kItems + item] =
          there ? T(1) / LevelVariance(T(alpha[at]), T(sigma[at]), T(variances[first + coordinate])) : T(0);
    __syncthreads();
    const int count = static_cast<int>(d - first < kPart ? d - first : kPart);
    for (int i = 0; i < count; i++) {
      T m[kOwnComponents];
#pragma unroll
      for (int q = 0; q < kOwnComponents; q++) m[q] = s.stage[i * kStride + lane + kWarp * q];
#pragma unroll
      for (int p = 0; p < kOwnItems; p++) {
        const T value = s.left[i * kItems + mine + p];
        const T inverse = each ? s.right[i * kItems + mine + p] : T(1);
#pragma unroll
        for (int q = 0; q < kOwnComponents; q++) {
          const T e = Fma(scale[p], m[q], value);
          squares[p][q] = Fma(each ? e * inverse : e, e, squares[p][q]);
        }
      }
      if (each) CountOperations(kOwnItems * kOwnComponents);
    }
    __syncthreads();
  }
  const View<T> logits(logits_p, logits_p ? items * components : 0);
#pragma unroll
  for (int p = 0; p < kOwnItems; p++)
#pragma unroll
    for (int q = 0; q < kOwnComponents; q++) {
      const int n = lane + kWarp * q;
      T l = -Infinity<T>();
      if (n < u.count) {
        l = Logit(half[p], squares[p][q], T(log_weights[u.n0 + n]));
        if (logits_p && mine + p < u.items) logits.Set((u.item + mine + p) * components + u.n0 + n, l);
      }
      s.a[(mine + p) * kChunk + n] = l;
    }
  __syncthreads();

  // Weights: kChains threads an item, each every kChains-th component.
  const int own = ThreadRank() / kChains, chain = ThreadRank() % kChains;
  T* const row = s.a + own * kChunk;
  T top = -Infinity<T>();
  for (int n = chain; n < kChunk; n += kChains) top = row[n] > top ? row[n] : top;
  for (int mask = kChains / 2; mask > 0; mask /= 2) {
    const T other = ShuffleXor(top, mask);
    top = other > top ? other : top;
  }
  const T base = Base(top);
  T sum = 0;
  for (int n = chain; n < u.count; n += kChains) {
    const T e = ExpNegative(row[n] - base);
    row[n] = e;
    sum += e;
    CountOperations(2);
  }
  for (int mask = kChains / 2; mask > 0; mask /= 2) sum += ShuffleXor(sum, mask);
  if (chain == 0 && own < u.items) {
    const int64_t at = (u.item + own) * u.chunks + u.chunk;
    View<T>(top_p, items * u.chunks).Set(at, top);
    View<T>(sum_p, items * u.chunks).Set(at, sum);
  }
  if (!bar_p) return;
  __syncthreads();

  // Means: items mine + p, coordinates lane + kWarp q.
  const View<T> bar(bar_p, items * u.chunks * d);
  for (int64_t first = 0; first < d; first += kWide) {
    T mean[kOwnItems][kOwnCoordinates] = {};
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
          const T w = s.a[(mine + p) * kChunk + from + n];
#pragma unroll
          for (int q = 0; q < kOwnCoordinates; q++) mean[p][q] = Fma(w, m[q], mean[p][q]);
        }
      }
      __syncthreads();
    }
    for (int p = 0; p < kOwnItems; p++)
      for (int q = 0; q < kOwnCoordinates; q++) {
        const int64_t i = first + lane + kWarp * q;
        if (mine + p < u.items && i < d) bar.Set(((u.item + mine + p) * u.chunks + u.chunk) * d + i, mean[p][q]);
      }
  }
}

}  // namespace waveprior::mixture

extern "C" __global__ void mixture_weigh_f32(float* top, float* sum, float* bar, float* logits, const float* x,
                                             const float* alpha, const float* sigma, const float* means,
                                             const float* log_weights, const float* variances, int64_t items,
                                             int64_t components, int64_t d, int64_t lambdas, int64_t, int64_t) {
  WAVEPRIOR_SHARED(float, memory);
  waveprior::mixture::Weigh(memory, top, sum, bar, logits, x, alpha, sigma, means, log_weights, variances, items,
                            components, d, lambdas);
}

extern "C" __global__ void mixture_weigh_f64(double* top, double* sum, double* bar, double* logits, const double* x,
                                             const double* alpha, const double* sigma, const double* means,
                                             const double* log_weights, const double* variances, int64_t items,
                                             int64_t components, int64_t d, int64_t lambdas, int64_t, int64_t) {
  WAVEPRIOR_SHARED(double, memory);
  waveprior::mixture::Weigh(memory, top, sum, bar, logits, x, alpha, sigma, means, log_weights, variances, items,
                            components, d, lambdas);
}
