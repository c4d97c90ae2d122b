// From vp, vs and rho to what elastic.h calls materials, along directions, and back, node by node. Shared by the CPU loops
// (materials_loops.h) and materials.cu. All in float64, rounded to T once.
//
// Equation    elastic.h, under Grid and Surface. The model's edge is continued into the layers.
// Layout      shot.h: materials (items, 5, rows, wide), 0 beyond the grid; models and directions (items, 3, nz, nx).
// Costs       numbers and operations a padded node: materials 9 read, 5 written, 35; along directions 18 and 105; back 9 + 5 a shot
//             and 82 + 5 a shot. A GPU does the last up to four times: each node of the model gathers what is its own.
// Test        twins_test.go; reference_test.go, linear_test.go.
#ifndef WAVEPRIOR_CUDA_ELASTIC_MATERIALS_H_
#define WAVEPRIOR_CUDA_ELASTIC_MATERIALS_H_

#include "../march/padding.h"
#include "parts.h"

namespace waveprior::elastic {

using march::Padding;

// A model around sxz of padded node (j, i): its nodes k at (j, i), (j, i + 1), (j + 1, i) and (j + 1, i + 1).
struct Earth {
  int64_t k[4];
  double vp, vs[4], rho[4], mu[4];
  double ratio;  // (vs/vp)^2
  double shear;  // the harmonic mean of the four mu, 0 if one is 0

  template <class T>
  WAVEPRIOR_INLINE Earth(const Padding& grid, const View<const T>& m, int64_t model, int64_t j, int64_t i) {
    const int64_t n = grid.Model(), first = 3 * model * n;
    double sum = 0;
    bool solid = true;
    for (int c = 0; c < 4; c++) {
      k[c] = grid.Node(j + (c >> 1), i + (c & 1));
      vs[c] = static_cast<double>(m[first + n + k[c]]);
      rho[c] = static_cast<double>(m[first + 2 * n + k[c]]);
      mu[c] = rho[c] * vs[c] * vs[c];
      solid = solid && mu[c] != 0;
      if (solid) sum += 1 / mu[c];
    }
    vp = static_cast<double>(m[first + k[0]]);
    ratio = vs[0] * vs[0] / (vp * vp);
    shear = solid ? 4 / sum : 0;
    CountOperations(20);
  }
};

// out: item u is model u, or direction u % many of model u / many; dm (sets, many, 3, nz, nx) or null.
template <class T>
struct PointMaterials {
  View<T> out;
  View<const T> m, dm;
  Padding grid;
  int64_t free_surface, many, sets;
  double beta;

  static WAVEPRIOR_INLINE PointMaterials Of(T* out, const T* m, const T* dm, int64_t many, int64_t sets, int64_t rows,
                                            int64_t cols, int64_t wide, int64_t lead, int64_t top, int64_t left,
                                            int64_t nz, int64_t nx, int64_t free_surface, int64_t items, double beta) {
    const Padding grid{rows, cols, wide, lead, top, left, nz, nx};
    return {{out, items * kParts * grid.Compact()},
            {m, (dm ? items / many : items) * 3 * grid.Model()},
            {dm, sets * many * 3 * grid.Model()},
            grid,
            free_surface,
            many,
            sets,
            beta};
  }

  // Number `column` of row j.
  WAVEPRIOR_INLINE void operator()(int64_t item, int64_t j, int64_t column) const {
    const int64_t i = column - grid.lead, part = grid.Compact(), to = item * kParts * part + j * grid.wide + column;
    T made[kParts] = {0, 0, 0, 0, 0};
    if (i >= 0 && i < grid.cols) {
      const Earth e(grid, m, dm ? item / many : item, j, i);
      if (dm) {
        Along(e, 3 * (sets == 1 ? item % many : item) * grid.Model(), j == 0 && free_surface, made);
      } else {
        Plain(e, j == 0 && free_surface, made);
      }
      Still(j, i, made);
    }
    // Of the node in front of the layers above and left only materials of half points towards the layer are left.
    const bool above = grid.top && j == 0, before = grid.left && i == 0;
    if (above) made[kVX] = 0;
    if (before) made[kVZ] = 0;
    if (above || before) made[kXX] = made[kZZ] = 0;
    for (int c = 0; c < kParts; c++) out.Set(to + c * part, made[c]);
  }

 private:
  // The node in front of the layers above and left: only what lies at half points towards the layer moves.
  WAVEPRIOR_INLINE void Still(int64_t j, int64_t i, T* to) const {
    const bool above = grid.top && j == 0, left = grid.left && i == 0;
    if (above) to[kVX] = 0;
    if (left) to[kVZ] = 0;
    if (above || left) to[kXX] = to[kZZ] = 0;
  }
  WAVEPRIOR_INLINE void Plain(const Earth& e, bool surface, T* to) const {
    const double rho = e.rho[0], vp = e.vp;
    to[kVX] = static_cast<T>(2 * beta / (rho + e.rho[1]));
    to[kVZ] = static_cast<T>(2 * beta / (rho + e.rho[2]));
    to[kXX] = static_cast<T>(beta * (surface ? 4 * e.mu[0] * (1 - e.ratio) : rho * vp * vp));
    to[kZZ] = static_cast<T>(surface ? 0 : beta * (rho * vp * vp - 2 * e.mu[0]));
    to[kXZ] = static_cast<T>(beta * e.shear);
    CountOperations(15);
  }
  // Along dm from `first` on.
  WAVEPRIOR_INLINE void Along(const Earth& e, int64_t first, bool surface, T* to) const {
    const int64_t n = grid.Model();
    double dvs[4], drho[4], dmu[4];
    for (int c = 0; c < 4; c++) {
      dvs[c] = static_cast<double>(dm[first + n + e.k[c]]);
      drho[c] = static_cast<double>(dm[first + 2 * n + e.k[c]]);
      dmu[c] = drho[c] * e.vs[c] * e.vs[c] + 2 * e.rho[c] * e.vs[c] * dvs[c];
    }
    const double dvp = static_cast<double>(dm[first + e.k[0]]), vp = e.vp, rho = e.rho[0];
    const double x = rho + e.rho[1], z = rho + e.rho[2], dp = drho[0] * vp * vp + 2 * rho * vp * dvp;
    const double dratio = 2 * e.vs[0] / (vp * vp) * dvs[0] - 2 * e.ratio / vp * dvp;
    double dshear = 0;
    for (int c = 0; e.shear > 0 && c < 4; c++) dshear += e.shear * e.shear / (4 * e.mu[c] * e.mu[c]) * dmu[c];
    to[kVX] = static_cast<T>(-2 * beta / (x * x) * (drho[0] + drho[1]));
    to[kVZ] = static_cast<T>(-2 * beta / (z * z) * (drho[0] + drho[2]));
    to[kXX] = static_cast<T>(beta * (surface ? 4 * (dmu[0] * (1 - e.ratio) - e.mu[0] * dratio) : dp));
    to[kZZ] = static_cast<T>(surface ? 0 : beta * (dp - 2 * dmu[0]));
    to[kXZ] = static_cast<T>(beta * dshear);
    CountOperations(85);
  }
};

// out (models, many, 3, nz, nx), float64: the gradient with respect to vp, vs and rho, from the sum over shots, in their order,
// of g (models, shots, many, 5, rows, wide). What a padded node gets, the one that it copies gets. Item u is direction u % many
// of model u / many.
//
// g has u f for vx and vz, with u = lambda b/W; P = txx vx_x + tzz vz_z, Q = txx vz_z + tzz vx_x and S = txz (vx_z + vz_x) with
// t = -K lambda/W. K has the eigenvalues lam + mu and mu, times 2 beta, for the sums and the differences of xx and zz: the
// gradients with respect to these are -(P + Q)/2 and -(P - Q)/2 over the eigenvalue, times W; and -S/mu for the shear modulus.
template <class T>
struct PointFold {
  View<double> out;
  View<const T> m, g;
  Padding grid;
  int64_t shots, many, free_surface;

  static WAVEPRIOR_INLINE PointFold Of(double* out, const T* m, const T* g, int64_t shots, int64_t many, int64_t rows,
                                       int64_t cols, int64_t wide, int64_t lead, int64_t top, int64_t left, int64_t nz,
                                       int64_t nx, int64_t free_surface, int64_t items) {
    const Padding grid{rows, cols, wide, lead, top, left, nz, nx};
    return {{out, items * 3 * grid.Model()},
            {m, items / many * 3 * grid.Model()},
            {g, items * shots * kParts * grid.Compact()},
            grid,
            shots,
            many,
            free_surface};
  }

  // add(field, k, x) for all that padded node (j, i) gives to nodes k of vp (0), vs (1) and rho (2).
  template <class Add>
  WAVEPRIOR_INLINE void Terms(int64_t item, int64_t j, int64_t i, const Add& add) const {
    const bool surface = j == 0 && free_surface;
    const double w = surface ? 0.5 : 1;
    const int64_t part = grid.Compact();
    double sum[kParts] = {0, 0, 0, 0, 0};
    for (int64_t shot = 0; shot < shots; shot++) {
      const int64_t unit = (item / many * shots + shot) * many + item % many;
      const int64_t from = unit * kParts * part + j * grid.wide + grid.lead + i;
      for (int c = 0; c < kParts; c++) sum[c] += static_cast<double>(g[from + c * part]);
    }
    CountOperations(62 + 5 * static_cast<int>(shots));
    const Earth e(grid, m, item / many, j, i);
    const double vp = e.vp, vs = e.vs[0], rho = e.rho[0], ratio = e.ratio;
    // b = 2 beta/(rho + rho'): d b/b = -d rho/(rho + rho').
    const double x = -w * sum[kVX] / (rho + e.rho[1]), z = -sum[kVZ] / (rho + e.rho[2]);
    add(2, e.k[0], x + z);
    add(2, e.k[1], x);
    add(2, e.k[2], z);
    if (surface) {  // the modulus is 4 rho vs^2 (1 - ratio), of which nothing is left where vs is 0
      if (vs > 0) {
        add(0, e.k[0], -(w * sum[kXX] * 2 * ratio / (1 - ratio) / vp));
        add(1, e.k[0], -(w * sum[kXX] * (2 - 4 * ratio) / (1 - ratio) / vs));
        add(2, e.k[0], -(w * sum[kXX] / rho));
      }
    } else {  // lam + mu = rho (vp^2 - vs^2), mu = rho vs^2
      const double both = (sum[kXX] + sum[kZZ]) / 2, difference = (sum[kXX] - sum[kZZ]) / 2;
      add(0, e.k[0], -(both * 2 / (1 - ratio) / vp));
      add(1, e.k[0], -(-both * 2 * ratio / (1 - ratio) / (vs > 0 ? vs : 1) + (vs > 0 ? difference * 2 / vs : 0)));
      add(2, e.k[0], -((both + (vs > 0 ? difference : 0)) / rho));
    }
    for (int c = 0; e.shear > 0 && c < 4; c++) {  // d shear/shear = shear/(4 mu^2) d mu
      const double each = sum[kXZ] * e.shear / (4 * e.mu[c]);
      add(1, e.k[c], -(each * 2 / e.vs[c]));
      add(2, e.k[c], -(each / e.rho[c]));
    }
  }

  // All of node (iz, ix), in the order of the padded nodes.
  WAVEPRIOR_INLINE void operator()(int64_t item, int64_t iz, int64_t ix) const {
    const int64_t node = iz * grid.nx + ix, n = grid.Model();
    const int64_t top = grid.FirstRow(iz), left = grid.First(ix), bottom = grid.LastRow(iz), right = grid.Last(ix);
    double sum[3] = {0, 0, 0};
    for (int64_t j = top > 0 ? top - 1 : 0; j <= bottom; j++)
      for (int64_t i = left > 0 ? left - 1 : 0; i <= right; i++)
        Terms(item, j, i, [&](int field, int64_t k, double x) {
          if (k == node) sum[field] += x;
        });
    for (int c = 0; c < 3; c++) out.Set((3 * item + c) * n + node, sum[c]);
  }
};

}  // namespace waveprior::elastic

#endif  // WAVEPRIOR_CUDA_ELASTIC_MATERIALS_H_
