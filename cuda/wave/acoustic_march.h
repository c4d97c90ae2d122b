// A step of the scheme of acoustic.h at one node: forward, its tangent, and its transpose. Shared by the CPU loops
// (acoustic_march_loops.h) and acoustic_march.cu.
//
// Equation    acoustic.h, which has the formulas; the operations are in the order of acoustic_loops.h, so that a whole run has
//             the same numbers.
// Layout      ../march/grid.h. A state is two fields, in turn, then for the columns with a memory variable psi at i + 1/2, left ones first, (rows,
//             those columns): psi twice, in turn, zeta, and in the transpose s twice; then the same for the rows, (those rows,
//             wide). The transpose makes zeta and s of the next step where it makes y: s is what its neighbours read.
// Costs       order 2 R, numbers and operations a node: forward 2 R + 4 read, 1 written, 5 R + 5; with what the gradient needs 1
//             written more, the tangent 2 read and 2 operations more; transpose 2 R + 6 read, 2 written, 5 R + 7. In a layer 3
//             R + 20 operations and about 12 numbers more (batch_costs.go).
// Test        twins_test.go; batch_test.go: the numbers of acoustic_loops.h.
#ifndef WAVEPRIOR_CUDA_WAVE_ACOUSTIC_MARCH_H_
#define WAVEPRIOR_CUDA_WAVE_ACOUSTIC_MARCH_H_

#include "../march/units.h"

namespace waveprior::wave {

using march::BackUnit;
using march::ForwardUnit;
using march::Grid;
using march::LayerAxis;

#include "acoustic.h"

// A unit's state, and the coefficients of the layers.
template <class T, int R>
struct AcousticState {
  const Grid& g;
  View<T> state;
  View<const T> profile;
  LayerAxis x, z;
  int32_t fields, along_z;  // where the memory variables begin
  int64_t n;                // the step

  WAVEPRIOR_INLINE AcousticState(const Grid& grid, View<T> unit, View<const T> coefficients, int32_t parts,
                                 int64_t step)
      : g(grid),
        state(unit),
        profile(coefficients),
        x(grid.cols, grid.left, grid.right),
        z(grid.rows, grid.top, grid.bottom),
        fields(2 * grid.Field()),
        along_z(fields + parts * grid.rows * x.n),
        n(step) {}

  // Array `part` of the memory variables along x and along z.
  WAVEPRIOR_INLINE int32_t AlongX(int32_t part, int32_t j, int32_t i) const {
    return fields + (part * g.rows + j) * x.n + x.Rank(i);
  }
  WAVEPRIOR_INLINE int32_t AlongZ(int32_t part, int32_t j, int32_t i) const {
    return along_z + (part * z.n + z.Rank(j)) * g.wide + i;
  }
  static constexpr int32_t kZeta = 2;
  WAVEPRIOR_INLINE int32_t Psi(int64_t step) const { return static_cast<int32_t>(step & 1); }
  WAVEPRIOR_INLINE int32_t S(int64_t step) const { return 3 + static_cast<int32_t>(step & 1); }

  // Coefficients: 0 b and 1 a at half points, 2 b and 3 a at points.
  WAVEPRIOR_INLINE T OfX(int32_t which, int32_t i) const { return profile[which * g.wide + i]; }
  WAVEPRIOR_INLINE T OfZ(int32_t which, int32_t j) const { return profile[4 * g.wide + which * g.rows + j]; }

  WAVEPRIOR_INLINE T Read(int32_t at) const { return state[at]; }
  // The field that this step starts from, k rows above node (j, i) at `at`; beyond a free surface it is odd.
  WAVEPRIOR_INLINE T Above(int32_t j, int32_t at, int32_t k) const {
    if (g.free_surface && j < k) {
      const T mirrored = state[at + (k - 2 * j) * g.Stride()];
      return -mirrored;
    }
    return state[at - k * g.Stride()];
  }
  WAVEPRIOR_INLINE bool Layered(int32_t j, int32_t i) const {
    return i < g.from || i >= g.to || j < g.above || j >= g.below;
  }
};

template <class T, int R>
struct AcousticForward : AcousticState<T, R> {
  const ForwardUnit<T>& u;

  WAVEPRIOR_INLINE AcousticForward(const Grid& grid, const ForwardUnit<T>& unit, int64_t step)
      : AcousticState<T, R>(grid, unit.state, unit.profile, 3, step), u(unit) {}

  template <int K>
  WAVEPRIOR_INLINE T SumX(int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(1);
      const T pair = this->Read(at - K) + this->Read(at + K);
      return SumX<K + 1>(at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }
  template <int K>
  WAVEPRIOR_INLINE T SumZ(int32_t j, int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(1);
      const T pair = this->Above(j, at, K) + this->Read(at + K * this->g.Stride());
      return SumZ<K + 1>(j, at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }
  template <int K>
  WAVEPRIOR_INLINE T SumBoth(int32_t j, int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(3);
      const T pair =
          (this->Read(at - K) + this->Read(at + K)) + (this->Above(j, at, K) + this->Read(at + K * this->g.Stride()));
      return SumBoth<K + 1>(j, at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }

  // L_x where a layer is near, second being p_xx at point i of p, next to p_before and p_after. part(array, i) is where a
  // memory variable lies, of(which, i) its coefficient.
  template <class Part, class Of>
  WAVEPRIOR_INLINE T Layer(const LayerAxis& axis, int32_t i, T second, T p, T p_before, T p_after, const Part& part,
                           const Of& of) const {
    T psi = 0, psi_before = 0;
    const int32_t was = this->Psi(this->n), is = this->Psi(this->n + 1);
    if (axis.Half(i)) {
      psi = Remember(of(0, i), this->Read(part(was, i)), of(1, i), p_after - p);
      this->state.Set(part(is, i), psi);
      CountOperations(2);
    }
    if (i > 0 && axis.Half(i - 1)) {
      psi_before = Remember(of(0, i - 1), this->Read(part(was, i - 1)), of(1, i - 1), p - p_before);
      CountOperations(2);
    }
    CountOperations(2);
    if (!axis.In(i)) return second + (psi - psi_before);
    T zeta = this->Read(part(this->kZeta, i));
    const T l = Stretched(second, psi, psi_before, of(2, i), of(3, i), &zeta);
    this->state.Set(part(this->kZeta, i), zeta);
    CountOperations(2);
    return l;
  }

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    const Grid& g = this->g;
    const int32_t at = g.At(this->n, j, i), to = g.At(this->n + 1, j, i), node = j * g.wide + i;
    const T w0 = T(Second<R>::kWeight[0]), p = this->Read(at);
    T l;
    if (!this->Layered(j, i)) {
      l = SumBoth<1>(j, at, (w0 + w0) * p);
      CountOperations(1);
    } else {
      T lx = SumX<1>(at, w0 * p), lz = SumZ<1>(j, at, w0 * p);
      if (this->x.Near(i))
        lx = Layer(
            this->x, i, lx, p, this->Read(at - 1), this->Read(at + 1),
            [&](int32_t part, int32_t k) { return this->AlongX(part, j, k); },
            [&](int32_t which, int32_t k) { return this->OfX(which, k); });
      if (this->z.Near(j))
        lz = Layer(
            this->z, j, lz, p, this->Read(at - g.Stride()), this->Read(at + g.Stride()),
            [&](int32_t part, int32_t k) { return this->AlongZ(part, k, i); },
            [&](int32_t which, int32_t k) { return this->OfZ(which, k); });
      l = lx + lz;
      CountOperations(3);
    }
    const T c = u.materials[node];
    const int64_t keep = (this->n - u.lo) * g.Compact() + node;
    T next = Advance(p, this->Read(to), c, l);
    CountOperations(2);
    if (u.drive) {
      const T dc = u.drive[node], background = u.kept[keep];
      next = Fma(dc, background, next);
    } else {
      int32_t e, end;
      for (u.sources.Range(u.number, j, i, &e, &end); e < end; e++) {
        const T f = u.sources.weight[e] * u.wavelet[this->n];
        next = Fma(c, f, next);
        l += f;
        CountOperations(2);
      }
      if (u.kept) u.kept.Set(keep, l);
    }
    this->state.Set(to, next);
  }
};

// Step n of the transpose, counted from the last one on: y is made from what the step before made of it and of s.
template <class T, int R>
struct AcousticBack : AcousticState<T, R> {
  const BackUnit<T>& u;

  WAVEPRIOR_INLINE AcousticBack(const Grid& grid, const BackUnit<T>& unit, int64_t step)
      : AcousticState<T, R>(grid, unit.state, unit.profile, 5, step), u(unit) {}

  // s along x at column i, and s along z at row j; `at` is the place of that very node.
  WAVEPRIOR_INLINE T SpreadX(int32_t j, int32_t i, int32_t at) const {
    if (i < 0 || i >= this->g.cols || !this->x.In(i)) return this->Read(at);
    return this->Read(this->AlongX(this->S(this->n), j, i));
  }
  WAVEPRIOR_INLINE T SpreadZ(int32_t j, int32_t i, int32_t at) const {
    if (j < 0 || j >= this->g.rows || !this->z.In(j)) return this->Read(at);
    return this->Read(this->AlongZ(this->S(this->n), j, i));
  }
  WAVEPRIOR_INLINE T AboveS(int32_t j, int32_t i, int32_t at, int32_t k) const {
    if (j < k) return this->Above(j, at, k);
    return SpreadZ(j - k, i, at - k * this->g.Stride());
  }
  WAVEPRIOR_INLINE T BelowS(int32_t j, int32_t i, int32_t at, int32_t k) const {
    return SpreadZ(j + k, i, at + k * this->g.Stride());
  }

  template <int K>
  WAVEPRIOR_INLINE T SumX(int32_t j, int32_t i, int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(1);
      const T pair = SpreadX(j, i - K, at - K) + SpreadX(j, i + K, at + K);
      return SumX<K + 1>(j, i, at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }
  template <int K>
  WAVEPRIOR_INLINE T SumZ(int32_t j, int32_t i, int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(1);
      const T pair = AboveS(j, i, at, K) + BelowS(j, i, at, K);
      return SumZ<K + 1>(j, i, at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }
  template <int K>
  WAVEPRIOR_INLINE T SumBoth(int32_t j, int32_t i, int32_t at, T sum) const {
    if constexpr (K <= R) {
      CountOperations(3);
      const T pair = (this->Read(at - K) + this->Read(at + K)) + (AboveS(j, i, at, K) + BelowS(j, i, at, K));
      return SumBoth<K + 1>(j, i, at, Fma(T(Second<R>::kWeight[K]), pair, sum));
    }
    return sum;
  }

  // L' along an axis where a layer is near: s, s_before, s_after at point i and next to it.
  template <class Part, class Of>
  WAVEPRIOR_INLINE T Layer(const LayerAxis& axis, int32_t i, T second, T s, T s_before, T s_after, const Part& part,
                           const Of& of) const {
    T flux = 0, flux_before = 0;
    const int32_t was = this->Psi(this->n), is = this->Psi(this->n + 1);
    if (axis.Half(i)) {
      const T psi = Gather(of(0, i), this->Read(part(was, i)), s, s_after);
      this->state.Set(part(is, i), psi);
      flux = of(1, i) * psi;
      CountOperations(2);
    }
    if (i > 0 && axis.Half(i - 1)) {
      flux_before = of(1, i - 1) * Gather(of(0, i - 1), this->Read(part(was, i - 1)), s_before, s);
      CountOperations(2);
    }
    CountOperations(2);
    return second + (flux_before - flux);
  }

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    const Grid& g = this->g;
    const int32_t at = g.At(this->n, j, i), to = g.At(this->n + 1, j, i), node = j * g.wide + i;
    const T w0 = T(Second<R>::kWeight[0]), y = this->Read(at);
    T l;
    if (!this->Layered(j, i)) {
      l = SumBoth<1>(j, i, at, (w0 + w0) * y);
      CountOperations(1);
    } else {
      const T sx = SpreadX(j, i, at), sz = SpreadZ(j, i, at);
      T lx = SumX<1>(j, i, at, w0 * sx), lz = SumZ<1>(j, i, at, w0 * sz);
      if (this->x.Near(i))
        lx = Layer(
            this->x, i, lx, sx, SpreadX(j, i - 1, at - 1), SpreadX(j, i + 1, at + 1),
            [&](int32_t part, int32_t k) { return this->AlongX(part, j, k); },
            [&](int32_t which, int32_t k) { return this->OfX(which, k); });
      if (this->z.Near(j))
        lz = Layer(
            this->z, j, lz, sz, j > 0 ? SpreadZ(j - 1, i, at - g.Stride()) : T(0), BelowS(j, i, at, 1),
            [&](int32_t part, int32_t k) { return this->AlongZ(part, k, i); },
            [&](int32_t which, int32_t k) { return this->OfZ(which, k); });
      l = lx + lz;
      CountOperations(3);
    }
    const int64_t step = g.steps - 1 - this->n;
    const T c = u.materials[node], background = u.kept[(step - u.lo) * g.Compact() + node];
    T next = Advance(y, this->Read(to), c, l), sum = u.gradient[node];
    sum = Fma(next, background, sum);
    CountOperations(2);
    int32_t e, end;
    for (u.receivers.Range(0, j, i, &e, &end); e < end; e++) {
      const T more = c * (u.receivers.weight[e] * u.Drive(step, u.receivers.Point(e)));
      next += more;
      sum = Fma(more, background, sum);
      CountOperations(3);
    }
    this->state.Set(to, next);
    u.gradient.Set(node, sum);
    const int32_t s = this->S(this->n + 1);
    if (this->x.In(i)) {
      const int32_t memory = this->AlongX(this->kZeta, j, i);
      T zeta = this->Read(memory);
      this->state.Set(this->AlongX(s, j, i), Spread(next, this->OfX(2, i), this->OfX(3, i), &zeta));
      this->state.Set(memory, zeta);
    }
    if (this->z.In(j)) {
      const int32_t memory = this->AlongZ(this->kZeta, j, i);
      T zeta = this->Read(memory);
      this->state.Set(this->AlongZ(s, j, i), Spread(next, this->OfZ(2, j), this->OfZ(3, j), &zeta));
      this->state.Set(memory, zeta);
    }
  }
};

}  // namespace waveprior::wave

#endif  // WAVEPRIOR_CUDA_WAVE_ACOUSTIC_MARCH_H_
