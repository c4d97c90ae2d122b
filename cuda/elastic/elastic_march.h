// A half step of the scheme of elastic.h at one node: velocities, or stresses; forward and its tangent. elastic_back.h has the
// transpose. Shared by the CPU loops (elastic_march_loops.h) and elastic_march.cu.
//
// Equation    elastic.h, which has the formulas; the operations are in the order of step_loops.h, so that a whole run has the
//             same numbers.
// Layout      ../march/grid.h, and shot.h for what materials, kept steps and gradients are, with lead = 0. A step is two phases,
//             velocities and stresses: what one writes only the other reads of its neighbours, so that nothing comes twice. A
//             state is the five fields, then what is remembered of the four kinds of differences, kind 0 those that vx takes
//             (in the transpose: vx itself), 1 vz, 2 sxx and szz, 3 sxz: along x (4, rows, columns with a memory variable),
//             along z (4, such rows, wide); and in the transpose t' in the same order again, then phi of szz along x and that
//             of sxx along z, which no difference but the gradient takes. What a step keeps is, for a tangent, (5, rows, wide):
//             D s + f of vx and vz, vx_x, vz_z, vx_z + vz_x; for the transpose (2, rows, wide): vx and vz.
// Costs       order 2 R, numbers and operations a node and step: 16 R + 10 read, 5 written, 24 R + 1; with what the gradient
//             needs 2 written more, with what a tangent needs 5, the tangent 10 read and 14 operations more. A memory variable 4
//             numbers and 4 operations (batch_costs.go).
// Test        twins_test.go; batch_test.go: the numbers of shot_loops.h.
#ifndef WAVEPRIOR_CUDA_ELASTIC_ELASTIC_MARCH_H_
#define WAVEPRIOR_CUDA_ELASTIC_ELASTIC_MARCH_H_

#include "../march/units.h"
#include "parts.h"

namespace waveprior::elastic {

#include "elastic.h"

// A unit's state, and the coefficients of the layers.
template <class T, int R>
struct MarchState {
  const march::Grid& g;
  View<T> state;
  View<const T> profile;
  march::LayerAxis x, z;
  int32_t along_x, along_z, through_x, through_z;  // where what is remembered begins, and t'
  int32_t cross_x, cross_z;                        // phi of szz along x, of sxx along z

  WAVEPRIOR_INLINE MarchState(const march::Grid& grid, View<T> unit, View<const T> coefficients)
      : g(grid),
        state(unit),
        profile(coefficients),
        x(grid.cols, grid.left, grid.right),
        z(grid.rows, grid.top, grid.bottom),
        along_x(kParts * grid.Field()),
        along_z(along_x + 4 * grid.rows * x.n),
        through_x(along_z + 4 * z.n * grid.wide),
        through_z(through_x + 4 * grid.rows * x.n),
        cross_x(through_z + 4 * z.n * grid.wide),
        cross_z(cross_x + grid.rows * x.n) {}

  WAVEPRIOR_INLINE int32_t OfX(int32_t kind, int32_t j, int32_t i) const {
    return (kind * g.rows + j) * x.n + x.Rank(i);
  }
  WAVEPRIOR_INLINE int32_t OfZ(int32_t kind, int32_t j, int32_t i) const {
    return (kind * z.n + z.Rank(j)) * g.wide + i;
  }
  // Kinds 0 and 3 lie at half points of x, 1 and 3 at half points of z.
  static constexpr WAVEPRIOR_INLINE bool HalfX(int32_t kind) { return kind == 0 || kind == 3; }
  static constexpr WAVEPRIOR_INLINE bool HalfZ(int32_t kind) { return kind == 1 || kind == 3; }
  WAVEPRIOR_INLINE bool LayeredX(int32_t kind, int32_t i) const { return HalfX(kind) ? x.Half(i) : x.In(i); }
  WAVEPRIOR_INLINE bool LayeredZ(int32_t kind, int32_t j) const { return HalfZ(kind) ? z.Half(j) : z.In(j); }
  WAVEPRIOR_INLINE T CoefficientX(int32_t kind, int32_t i, int32_t a) const {
    return profile[((HalfX(kind) ? 0 : 2) + a) * g.wide + i];
  }
  WAVEPRIOR_INLINE T CoefficientZ(int32_t kind, int32_t j, int32_t a) const {
    return profile[4 * g.wide + ((HalfZ(kind) ? 0 : 2) + a) * g.rows + j];
  }

  WAVEPRIOR_INLINE T Read(int32_t part, int32_t j, int32_t i) const { return state[g.Place(part, j, i)]; }
  // The same, row j being beyond a free surface where it is above the grid: stresses are odd about it, velocities even; sxz
  // and vz lie half a row below their number.
  WAVEPRIOR_INLINE T Image(int32_t part, int32_t j, int32_t i) const {
    if (j >= 0 || !g.free_surface) return Read(part, j, i);
    const T mirrored = Read(part, part == kVZ || part == kXZ ? -1 - j : -j, i);
    return part >= kXX ? -mirrored : mirrored;
  }
  // The coefficients and variables of a difference: d + psi; psi becomes new.
  WAVEPRIOR_INLINE T LayerX(int32_t kind, int32_t j, int32_t i, T d) const {
    if (!LayeredX(kind, i)) return d;
    return Layer(along_x + OfX(kind, j, i), CoefficientX(kind, i, 0), CoefficientX(kind, i, 1), d);
  }
  WAVEPRIOR_INLINE T LayerZ(int32_t kind, int32_t j, int32_t i, T d) const {
    if (!LayeredZ(kind, j)) return d;
    return Layer(along_z + OfZ(kind, j, i), CoefficientZ(kind, j, 0), CoefficientZ(kind, j, 1), d);
  }
  WAVEPRIOR_INLINE T Layer(int32_t at, T b, T a, T d) const {
    const T was = state[at], psi = Remember(b, was, a, d);
    state.Set(at, psi);
    CountOperations(2);
    return d + psi;
  }
};

// What differences are taken of: fields as they are.
template <class T, int R>
struct Plainly : MarchState<T, R> {
  using MarchState<T, R>::MarchState;
  WAVEPRIOR_INLINE T AtX(int32_t part, int32_t /*kind*/, int32_t j, int32_t i) const { return this->Read(part, j, i); }
  WAVEPRIOR_INLINE T AtZ(int32_t part, int32_t /*kind*/, int32_t j, int32_t i) const { return this->Image(part, j, i); }
  WAVEPRIOR_INLINE T PastX(int32_t kind, int32_t j, int32_t i, T d) const { return this->LayerX(kind, j, i, d); }
  WAVEPRIOR_INLINE T PastZ(int32_t kind, int32_t j, int32_t i, T d) const { return this->LayerZ(kind, j, i, d); }
};

// Differences of a field at a node: to the half point ahead of it (kAhead 1) or behind it (0).
template <class T, int R, int kAhead, class Fields>
WAVEPRIOR_INLINE T AlongX(const Fields& f, int32_t part, int32_t kind, int32_t j, int32_t i) {
  const T to = f.AtX(part, kind, j, i + kAhead), from = f.AtX(part, kind, j, i + kAhead - 1), near = to - from;
  T far = 0;
  if constexpr (R == 2) {
    const T beyond = f.AtX(part, kind, j, i + kAhead + 1), before = f.AtX(part, kind, j, i + kAhead - 2);
    far = beyond - before;
  }
  CountOperations(R);
  return Difference<R>(near, far);
}
template <class T, int R, int kAhead, class Fields>
WAVEPRIOR_INLINE T AlongZ(const Fields& f, int32_t part, int32_t kind, int32_t j, int32_t i) {
  const T to = f.AtZ(part, kind, j + kAhead, i), from = f.AtZ(part, kind, j + kAhead - 1, i), near = to - from;
  T far = 0;
  if constexpr (R == 2) {
    const T beyond = f.AtZ(part, kind, j + kAhead + 1, i), before = f.AtZ(part, kind, j + kAhead - 2, i);
    far = beyond - before;
  }
  CountOperations(R);
  return Difference<R>(near, far);
}

// D s of vx and vz.
template <class T>
struct Pulls {
  T x, z;
  template <int R, class Fields>
  static WAVEPRIOR_INLINE Pulls Of(const Fields& f, int32_t j, int32_t i) {
    CountOperations(2);
    const T xx = f.PastX(0, j, i, AlongX<T, R, 1>(f, kXX, 2, j, i));
    const T xz = f.PastZ(0, j, i, AlongZ<T, R, 0>(f, kXZ, 3, j, i));
    const T zx = f.PastX(1, j, i, AlongX<T, R, 0>(f, kXZ, 3, j, i));
    const T zz = f.PastZ(1, j, i, AlongZ<T, R, 1>(f, kZZ, 2, j, i));
    return {xx + xz, zx + zz};
  }
};

// G v: vx_x, vz_z, vx_z + vz_x.
template <class T>
struct Strains {
  T xx, zz, shear;
  template <int R, class Fields>
  static WAVEPRIOR_INLINE Strains Of(const Fields& f, int32_t j, int32_t i) {
    CountOperations(1);
    const T xx = f.PastX(2, j, i, AlongX<T, R, 0>(f, kVX, 0, j, i));
    const T zz = f.PastZ(2, j, i, AlongZ<T, R, 0>(f, kVZ, 1, j, i));
    const T xz = f.PastX(3, j, i, AlongX<T, R, 1>(f, kVZ, 1, j, i));
    const T zx = f.PastZ(3, j, i, AlongZ<T, R, 1>(f, kVX, 0, j, i));
    return {xx, zz, xz + zx};
  }
};

// The three stresses of a node. K e is added: materials m (5, nodes) at `node`.
template <class T>
struct Stresses {
  T xx, zz, xz;
  WAVEPRIOR_INLINE void Add(const View<const T>& m, int32_t part, int32_t node, T exx, T ezz, T shear) {
    const T both = m[kXX * part + node], lam = m[kZZ * part + node], mu = m[kXZ * part + node];
    xx = Fma(lam, ezz, Fma(both, exx, xx));
    zz = Fma(lam, exx, Fma(both, ezz, zz));
    xz = Fma(mu, shear, xz);
  }
};

// Whether a row of data is there after phase n.
WAVEPRIOR_INLINE bool Recorded(const march::Grid& g, int64_t n) { return n % 2 == 0 && (n / 2 + 1) % g.each == 0; }

// Phase n of the forward run, or of a tangent.
template <class T, int R>
struct MarchForward {
  const march::Grid& g;
  const march::ForwardUnit<T>& u;
  const Plainly<T, R> f;
  const int64_t step;
  const bool stresses;

  WAVEPRIOR_INLINE MarchForward(const march::Grid& grid, const march::ForwardUnit<T>& unit, int64_t n)
      : g(grid), u(unit), f(grid, unit.state, unit.profile), step(n >> 1), stresses(n & 1) {}

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    if (stresses) {
      Stress(j, i);
    } else {
      Velocity(j, i);
    }
  }
  WAVEPRIOR_INLINE int64_t Keep(int32_t node) const { return (step - u.lo) * g.kept + node; }
  // Whether that is what the transpose needs.
  WAVEPRIOR_INLINE bool Velocities() const { return g.kept < kParts * g.Compact(); }
  // What acts on a field: put(f) for each point's.
  template <class F>
  WAVEPRIOR_INLINE void Impulse(int32_t part, int32_t j, int32_t i, const F& put) const {
    int32_t e, end;
    for (u.sources.Range(4 * u.number + part, j, i, &e, &end); e < end; e++) {
      CountOperations(1);
      put(u.sources.weight[e] * u.wavelet[step]);
    }
  }

  WAVEPRIOR_INLINE void Velocity(int32_t j, int32_t i) const {
    const int32_t node = j * g.wide + i;
    const Pulls<T> pull = Pulls<T>::template Of<R>(f, j, i);
    One(kVX, j, i, node, pull.x);
    One(kVZ, j, i, g.Compact() + node, pull.z);
  }
  WAVEPRIOR_INLINE void One(int32_t field, int32_t j, int32_t i, int32_t node, T pull) const {
    const T b = u.materials[node], was = f.Read(field, j, i);
    T v = Fma(b, pull, was);
    if (u.drive) {
      const T along = u.drive[node], kept = u.kept[Keep(node)];
      v = Fma(along, kept, v);
    } else {
      Impulse(field, j, i, [&](T force) {
        v = Fma(b, force, v);
        pull += force;
        CountOperations(1);
      });
      if (u.kept) u.kept.Set(Keep(node), Velocities() ? v : pull);
    }
    u.state.Set(g.Place(field, j, i), v);
  }

  WAVEPRIOR_INLINE void Stress(int32_t j, int32_t i) const {
    const int32_t node = j * g.wide + i, part = g.Compact();
    const Strains<T> e = Strains<T>::template Of<R>(f, j, i);
    Stresses<T> s = {f.Read(kXX, j, i), f.Read(kZZ, j, i), f.Read(kXZ, j, i)};
    s.Add(u.materials, part, node, e.xx, e.zz, e.shear);
    if (u.drive) {
      const T xx = u.kept[Keep(kXX * part + node)], zz = u.kept[Keep(kZZ * part + node)];
      const T shear = u.kept[Keep(kXZ * part + node)];
      s.Add(u.drive, part, node, xx, zz, shear);
    } else if (u.kept && !Velocities()) {
      u.kept.Set(Keep(kXX * part + node), e.xx);
      u.kept.Set(Keep(kZZ * part + node), e.zz);
      u.kept.Set(Keep(kXZ * part + node), e.shear);
    }
    if (g.free_surface && j == 0) s.zz = 0;
    if (!u.drive) {
      Impulse(kXX, j, i, [&](T rate) {
        s.xx += rate;
        CountOperations(1);
      });
      Impulse(kZZ, j, i, [&](T rate) {
        s.zz += rate;
        CountOperations(1);
      });
    }
    u.state.Set(g.Place(kXX, j, i), s.xx);
    u.state.Set(g.Place(kZZ, j, i), s.zz);
    u.state.Set(g.Place(kXZ, j, i), s.xz);
  }
};

}  // namespace waveprior::elastic

#endif  // WAVEPRIOR_CUDA_ELASTIC_ELASTIC_MARCH_H_
