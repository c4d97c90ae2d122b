// A half step of the transpose of the scheme of elastic.h at one node, and what it gives to the gradient. Shared by the CPU loops
// (elastic_march_loops.h) and elastic_march.cu.
//
// Equation    elastic.h, under Transpose; the operations are in the order of back_loops.h.
// Layout      elastic_march.h.
// Gradient    of the inverse densities with each step's velocities. Of the moduli two steps at a time, where the number of steps
//             after them is even: a node's stresses meet the differences of the velocities that their step kept before they are
//             new, and those of the step before it after that, so that one phase of two has the sums.
// Costs       order 2 R, numbers and operations a node and step: 24 R + 20 read, 10 written, 36 R + 9; a memory variable 5
//             numbers and 4 operations, one of sxx and szz inside a layer 4 and 4 more (batch_costs.go).
// Test        as elastic_march.h.
#ifndef WAVEPRIOR_CUDA_ELASTIC_ELASTIC_BACK_H_
#define WAVEPRIOR_CUDA_ELASTIC_ELASTIC_BACK_H_

#include "elastic_march.h"

namespace waveprior::elastic {

// What differences are taken of: fields as their layers pass them on.
template <class T, int R>
struct Passed : MarchState<T, R> {
  using MarchState<T, R>::MarchState;
  WAVEPRIOR_INLINE T AtX(int32_t part, int32_t kind, int32_t j, int32_t i) const {
    if (i < 0 || i >= this->g.cols || !this->LayeredX(kind, i)) return this->Read(part, j, i);
    return this->state[this->through_x + this->OfX(kind, j, i)];
  }
  WAVEPRIOR_INLINE T AtZ(int32_t part, int32_t kind, int32_t j, int32_t i) const {
    if (j < 0 || j >= this->g.rows || !this->LayeredZ(kind, j)) return this->Image(part, j, i);
    return this->state[this->through_z + this->OfZ(kind, j, i)];
  }
  WAVEPRIOR_INLINE T PastX(int32_t, int32_t, int32_t, T d) const { return d; }
  WAVEPRIOR_INLINE T PastZ(int32_t, int32_t, int32_t, T d) const { return d; }

  // t' of kind's new number t, differenced along x, and along z.
  WAVEPRIOR_INLINE void PassX(int32_t kind, int32_t j, int32_t i, T t) const {
    if (!this->LayeredX(kind, i)) return;
    const int32_t at = this->OfX(kind, j, i);
    this->state.Set(this->through_x + at, MoveX(this->along_x + at, kind, i, t));
  }
  WAVEPRIOR_INLINE void PassZ(int32_t kind, int32_t j, int32_t i, T t) const {
    if (!this->LayeredZ(kind, j)) return;
    const int32_t at = this->OfZ(kind, j, i);
    this->state.Set(this->through_z + at, MoveZ(this->along_z + at, kind, j, t));
  }
  // What these made of the number t.
  WAVEPRIOR_INLINE T PassedX(int32_t kind, int32_t j, int32_t i, T t) const {
    return this->LayeredX(kind, i) ? this->state[this->through_x + this->OfX(kind, j, i)] : t;
  }
  WAVEPRIOR_INLINE T PassedZ(int32_t kind, int32_t j, int32_t i, T t) const {
    return this->LayeredZ(kind, j) ? this->state[this->through_z + this->OfZ(kind, j, i)] : t;
  }
  // szz as a layer along x, and sxx as a layer along z, would pass them.
  WAVEPRIOR_INLINE T CrossX(int32_t j, int32_t i, T zz) const {
    return this->LayeredX(2, i) ? MoveX(this->cross_x + this->OfX(0, j, i), 2, i, zz) : zz;
  }
  WAVEPRIOR_INLINE T CrossZ(int32_t j, int32_t i, T xx) const {
    return this->LayeredZ(2, j) ? MoveZ(this->cross_z + this->OfZ(0, j, i), 2, j, xx) : xx;
  }

 private:
  // phi at `memory` moves on by t: t'.
  WAVEPRIOR_INLINE T MoveX(int32_t memory, int32_t kind, int32_t i, T t) const {
    return Move(memory, this->CoefficientX(kind, i, 0), this->CoefficientX(kind, i, 1), t);
  }
  WAVEPRIOR_INLINE T MoveZ(int32_t memory, int32_t kind, int32_t j, T t) const {
    return Move(memory, this->CoefficientZ(kind, j, 0), this->CoefficientZ(kind, j, 1), t);
  }
  WAVEPRIOR_INLINE T Move(int32_t memory, T b, T a, T t) const {
    T phi = this->state[memory];
    const T passed = Through(t, b, a, &phi);
    this->state.Set(memory, phi);
    return passed;
  }
};

// The velocities that a step kept, without any layer.
template <class T>
struct KeptVelocities {
  const march::Grid& g;
  const View<const T>& kept;
  int64_t from;

  WAVEPRIOR_INLINE T Read(int32_t part, int32_t j, int32_t i) const {
    if (j < 0 || j >= g.rows || i < 0 || i >= g.cols) return 0;
    return kept[from + part * g.Compact() + j * g.wide + i];
  }
  WAVEPRIOR_INLINE T AtX(int32_t part, int32_t /*kind*/, int32_t j, int32_t i) const { return Read(part, j, i); }
  WAVEPRIOR_INLINE T AtZ(int32_t part, int32_t /*kind*/, int32_t j, int32_t i) const {
    return Read(part, j >= 0 || !g.free_surface ? j : part == kVZ ? -1 - j : -j, i);
  }
};

// What was made of a node's numbers before is made again of them after this: addresses that live on from one gathering to the
// next take the registers that float64 lacks.
WAVEPRIOR_INLINE void Anew(int32_t* j, int32_t* i) { asm volatile("" : "+r"(*j), "+r"(*i)); }

// Phase n of the transpose, counted from the last step on.
template <class T, int R>
struct MarchBack {
  const march::Grid& g;
  const march::BackUnit<T>& u;
  const Passed<T, R> f;
  const int64_t step;
  const bool stresses;

  WAVEPRIOR_INLINE MarchBack(const march::Grid& grid, const march::BackUnit<T>& unit, int64_t n)
      : g(grid), u(unit), f(grid, unit.state, unit.profile), step(grid.steps - 1 - (n >> 1)), stresses(n & 1) {}

  WAVEPRIOR_INLINE void operator()(int32_t j, int32_t i) const {
    if (stresses) {
      Stress(j, i);
    } else {
      Velocity(j, i);
    }
  }
  WAVEPRIOR_INLINE int64_t Keep(int32_t node) const { return (step - u.lo) * g.kept + node; }

  WAVEPRIOR_INLINE void Velocity(int32_t j, int32_t i) const {
    const int32_t node = j * g.wide + i;
    const Pulls<T> pull = Pulls<T>::template Of<R>(f, j, i);
    One(kVX, j, i, node, pull.x);
    One(kVZ, j, i, g.Compact() + node, pull.z);
  }
  WAVEPRIOR_INLINE void One(int32_t field, int32_t j, int32_t i, int32_t node, T pull) const {
    const T b = u.materials[node], kept = u.kept[Keep(node)], grown = u.gradient[node];
    T v = f.Read(field, j, i);
    if ((step + 1) % g.each == 0) {
      T drive = 0;
      int32_t e, end;
      for (u.receivers.Range(field, j, i, &e, &end); e < end; e++) {
        const T more = u.receivers.weight[e] * u.Drive(step / g.each, u.receivers.Point(e));
        drive += more;
        CountOperations(2);
      }
      pull += drive;
      CountOperations(1);
    }
    v = Fma(b, pull, v);
    u.gradient.Set(node, Fma(pull, kept, grown));
    u.state.Set(g.Place(field, j, i), v);
    f.PassX(field, j, i, v);
    f.PassZ(field, j, i, v);
  }

  WAVEPRIOR_INLINE void Stress(int32_t j, int32_t i) const {
    const bool gathers = (g.steps - 1 - step) % 2 == 0;
    if (gathers) Gather(step, j, i);
    Anew(&j, &i);
    Renew(j, i);
    Anew(&j, &i);
    if (gathers && step > 0) Gather(step - 1, j, i);
  }
  WAVEPRIOR_INLINE void Renew(int32_t j, int32_t i) const {
    const Strains<T> e = Strains<T>::template Of<R>(f, j, i);
    Stresses<T> s = {f.Read(kXX, j, i), f.Read(kZZ, j, i), f.Read(kXZ, j, i)};
    s.Add(u.materials, g.Compact(), j * g.wide + i, e.xx, e.zz, e.shear);
    if (g.free_surface && j == 0) s.zz = 0;
    u.state.Set(g.Place(kXX, j, i), s.xx);
    u.state.Set(g.Place(kZZ, j, i), s.zz);
    u.state.Set(g.Place(kXZ, j, i), s.xz);
    f.PassX(2, j, i, s.xx);
    f.PassX(3, j, i, s.xz);
    f.PassZ(2, j, i, s.zz);
    f.PassZ(3, j, i, s.xz);
  }
  // What the stresses as they are give to the gradient with the velocities of step n.
  WAVEPRIOR_INLINE void Gather(int64_t n, int32_t j, int32_t i) const {
    const int32_t node = j * g.wide + i, part = g.Compact();
    const KeptVelocities<T> v = {g, u.kept, (n - u.lo) * g.kept};
    const T exx = AlongX<T, R, 0>(v, kVX, 0, j, i), ezz = AlongZ<T, R, 0>(v, kVZ, 1, j, i);
    const T xx = f.Read(kXX, j, i), zz = f.Read(kZZ, j, i), xz = f.Read(kXZ, j, i);
    const T xxx = f.PassedX(2, j, i, xx), xxz = f.CrossZ(j, i, xx);
    const T zzx = f.CrossX(j, i, zz), zzz = f.PassedZ(2, j, i, zz);
    const T p = u.gradient[kXX * part + node], q = u.gradient[kZZ * part + node];
    u.gradient.Set(kXX * part + node, Fma(zzz, ezz, Fma(xxx, exx, p)));
    u.gradient.Set(kZZ * part + node, Fma(zzx, exx, Fma(xxz, ezz, q)));
    const T exz = AlongX<T, R, 1>(v, kVZ, 1, j, i), ezx = AlongZ<T, R, 1>(v, kVX, 0, j, i);
    const T xzx = f.PassedX(3, j, i, xz), xzz = f.PassedZ(3, j, i, xz), s = u.gradient[kXZ * part + node];
    u.gradient.Set(kXZ * part + node, Fma(xzz, ezx, Fma(xzx, exz, s)));
  }
};

}  // namespace waveprior::elastic

#endif  // WAVEPRIOR_CUDA_ELASTIC_ELASTIC_BACK_H_
