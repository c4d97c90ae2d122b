// A step of the scheme of sponge.h at one node: forward, its tangent, and its transpose. Shared by the CPU loops
// (sponge_march_loops.h) and sponge_march.cu.
//
// Equation    sponge.h, which has the formulas; the operations are in the order of sponge_loops.h, so that a whole run has the
//             same numbers. Neighbours beyond an edge are those of the other side.
// Layout      ../march/grid.h. A state is two fields, in turn, and in the transpose (rows, wide) numbers of the gradient with respect to the
//             damping. What is kept of step n is the field before it, and of a segment's first step the one before that, too:
//             (shots of the launch, segment + 1, rows, wide).
// Costs       numbers and operations a node: forward 12 read, 1 written, 19; with what the gradient needs 1 written more;
//             tangent 24 read, 1 written, 36; transpose 24 read, 3 written, 35.
// Test        twins_test.go; batch_test.go: the numbers of sponge_loops.h.
#ifndef WAVEPRIOR_CUDA_WAVE_SPONGE_MARCH_H_
#define WAVEPRIOR_CUDA_WAVE_SPONGE_MARCH_H_

#include "../march/units.h"

namespace waveprior::wave {

using march::BackUnit;
using march::ForwardUnit;
using march::Grid;

#include "sponge.h"

// The places of a node and of its neighbours at distance 1 and 2 in an array of rows `stride` apart.
struct Around {
  int32_t at, up[2], down[2], left[2], right[2];

  WAVEPRIOR_INLINE Around(const Grid& g, int32_t stride, int32_t j, int32_t i) : at(j * stride + i) {
    for (int32_t k = 0; k < 2; k++) {
      up[k] = at - (j > k ? k + 1 : k + 1 - g.rows) * stride;
      down[k] = at + (j + k + 1 < g.rows ? k + 1 : k + 1 - g.rows) * stride;
      left[k] = at - (i > k ? k + 1 : k + 1 - g.cols);
      right[k] = at + (i + k + 1 < g.cols ? k + 1 : k + 1 - g.cols);
    }
  }
};

// c2 S1 + c3 S2 of p at a node, (0, 0) of p at `origin`.
template <class T, class V>
WAVEPRIOR_INLINE T SumAround(const V& p, int64_t origin, const Around& a) {
  T s[2];
  for (int k = 0; k < 2; k++) {
    const T up = p[origin + a.up[k]], down = p[origin + a.down[k]];
    const T left = p[origin + a.left[k]], right = p[origin + a.right[k]];
    s[k] = SpongeFour(left, right, up, down);
  }
  CountOperations(9);
  return SpongeSum(T(4.0 / 3), s[0], T(-1.0 / 12), s[1]);
}

// p(n+1) without the source.
template <class T>
WAVEPRIOR_INLINE T SpongeNext(const Grid& g, const View<T>& state, int64_t n, int32_t j, int32_t i, T alpha, T kap) {
  const Around a(g, g.Stride(), j, i);
  const int32_t origin = g.At(n, 0, 0);
  const T p = state[origin + a.at], before = state[g.At(n + 1, j, i)];
  CountOperations(9);
  return SpongeAdvance(p, before, alpha, kap, SumAround<T>(state, origin, a), T(1), T(2), T(-5));
}

// S - 5 p and p(n-1) - p(n) of what is kept of a step: the field before p, from `keep` on, and then p.
template <class T>
struct SpongeChange {
  T l, change;

  template <class V>
  WAVEPRIOR_INLINE SpongeChange(const Grid& g, const V& kept, int64_t keep, int32_t j, int32_t i) {
    const Around a(g, g.wide, j, i);
    const int64_t origin = keep + g.Compact();
    const T now = kept[origin + a.at], before = kept[keep + a.at];
    l = SumAround<T>(kept, origin, a) - T(5) * now;
    change = before - now;
    CountOperations(3);
  }
};

template <class T>
struct SpongeForward {
  const Grid& g;
  const ForwardUnit<T>& u;
  int64_t n;

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    const int32_t to = g.At(n + 1, j, i), node = j * g.wide + i;
    const int64_t keep = (n - u.lo) * g.Compact();
    const T alpha = u.materials[node], strip = u.profile[node];
    T next = SpongeNext(g, u.state, n, j, i, alpha, u.extra * strip), factor = alpha;
    CountOperations(1);
    if (u.drive) {
      factor = u.drive[node];
      const SpongeChange<T> k(g, u.kept, keep, j, i);
      next = Fma(factor, k.l, Fma(u.dextra * strip, k.change, next));
      CountOperations(1);
    } else if (u.kept) {
      u.kept.Set(keep + g.Compact() + node, u.state[g.At(n, j, i)]);
      if (n == u.lo) u.kept.Set(node, u.state[to]);
    }
    int32_t e, end;
    for (u.sources.Range(u.number, j, i, &e, &end); e < end; e++) {
      next += factor * (u.sources.weight[e] * u.wavelet[n]);
      CountOperations(3);
    }
    u.state.Set(to, next);
  }
};

// Step n of the transpose, counted from the last one on.
template <class T>
struct SpongeBack {
  const Grid& g;
  const BackUnit<T>& u;
  int64_t n;

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    const int32_t to = g.At(n + 1, j, i), node = j * g.wide + i;
    const T c = u.materials[node];
    CountOperations(1);
    T y = SpongeNext(g, u.state, n, j, i, c, u.extra * u.profile[node]);
    const int64_t step = g.steps - 1 - n;
    int32_t e, end;
    for (u.receivers.Range(0, j, i, &e, &end); e < end; e++) {
      y += c * (u.receivers.weight[e] * u.Drive(step, u.receivers.Point(e)));
      CountOperations(3);
    }
    u.state.Set(to, y);
    const SpongeChange<T> k(g, u.kept, (step - u.lo) * g.Compact(), j, i);
    T sum = u.gradient[node];
    sum = Fma(y, k.l, sum);
    for (u.sources.Range(u.number, j, i, &e, &end); e < end; e++) {
      sum = Fma(y, u.sources.weight[e] * u.wavelet[step], sum);
      CountOperations(1);
    }
    u.gradient.Set(node, sum);
    const int32_t damped = 2 * g.Field() + node;
    const T before = u.state[damped];
    u.state.Set(damped, Fma(y, k.change, before));
  }
};

// The term of a node in the gradient with respect to the damping.
template <class T>
WAVEPRIOR_INLINE double SpongeTerm(const Grid& g, const View<const T>& state, const View<const T>& profile,
                                   const View<const T>& courant, int32_t j, int32_t i) {
  const int32_t node = j * g.wide + i;
  const T strip = profile[node];
  if (strip == 0) return 0;
  const T sum = state[2 * g.Field() + node], c = courant[node];
  CountOperations(3);
  return static_cast<double>(sum) * static_cast<double>(strip) / static_cast<double>(c);
}

}  // namespace waveprior::wave

#endif  // WAVEPRIOR_CUDA_WAVE_SPONGE_MARCH_H_
