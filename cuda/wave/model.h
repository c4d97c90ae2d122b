// From velocities to what a propagator takes of a model, and the transpose of that, element by element.
// Shared by the CPU loops (model_loops.h) and model.cu.
//
// Equation    C = (v dt/h)^2 at every node of the padded grid, along dv 2 v dv (dt/h)^2, rounded as the OpenFWI data sets'
//             generator in float32; the model's edge is continued into the layers, and C = 0 where p = 0 stays: on a free surface, and
//             beyond the layers above and left. Transposed: padded nodes are added to the one that they copy, in double, shot
//             by shot, row by row, from left to right.
// Layout      shot.h: (items, rows, wide), 0 beyond cols.
// Costs       courant 3 operations a node (5 along dv), s written, s read a node of the model (2 s along dv); fold an operation
//             and s read a padded node and shot, 8 written a node of the model.
// Test        twins_test.go; reference_test.go.
#ifndef WAVEPRIOR_CUDA_WAVE_MODEL_H_
#define WAVEPRIOR_CUDA_WAVE_MODEL_H_

#include "../march/padding.h"

namespace waveprior::wave {

using march::Padding;

// out (items, rows, wide); v (models, nz, nx); dv (sets, many, nz, nx) or null: item u is model u, or direction u % many of
// model u / many.
template <class T>
struct PointCourant {
  View<T> out;
  View<const T> v, dv;
  Padding grid;
  int64_t still;  // 1: C = 0 in row 0; 2: in column 0; 3: in both
  int64_t many, sets;
  T dt, h;

  static WAVEPRIOR_INLINE PointCourant Of(T* out, const T* v, const T* dv, int64_t many, int64_t sets, int64_t rows,
                                          int64_t cols, int64_t wide, int64_t lead, int64_t top, int64_t left,
                                          int64_t nz, int64_t nx, int64_t still, int64_t items, T dt, T h) {
    const Padding grid{rows, cols, wide, lead, top, left, nz, nx};
    return {{out, items * grid.Compact()},
            {v, (dv ? items / many : items) * grid.Model()},
            {dv, sets * many * grid.Model()},
            grid,
            still,
            many,
            sets,
            dt,
            h};
  }

  WAVEPRIOR_INLINE void operator()(int64_t item, int64_t j, int64_t i) const {
    T c = 0;
    if (i < grid.cols && !((still & 1) && j == 0) && !((still & 2) && i == 0)) {
      const int64_t k = grid.Node(j, i);
      const T speed = v[(dv ? item / many : item) * grid.Model() + k];
      const T r = speed * dt / h;
      c = r * r;
      CountOperations(3);
      if (dv) {
        const T along = dv[(sets == 1 ? item % many : item) * grid.Model() + k];
        c = 2 * r * (along * dt / h);
        CountOperations(3);
      }
    }
    out.Set(item * grid.Compact() + j * grid.wide + i, c);
  }
};

// out (models, many, nz, nx); g (models, shots, many, rows, wide): item u is direction u % many of model u / many.
template <class T>
struct PointFold {
  View<double> out;
  View<const T> g;
  Padding grid;
  int64_t shots, many;

  static WAVEPRIOR_INLINE PointFold Of(double* out, const T* g, int64_t shots, int64_t many, int64_t rows, int64_t cols,
                                       int64_t wide, int64_t lead, int64_t top, int64_t left, int64_t nz, int64_t nx,
                                       int64_t items) {
    const Padding grid{rows, cols, wide, lead, top, left, nz, nx};
    return {{out, items * grid.Model()}, {g, items * shots * grid.Compact()}, grid, shots, many};
  }

  WAVEPRIOR_INLINE void operator()(int64_t item, int64_t iz, int64_t ix) const {
    const int64_t first_row = grid.FirstRow(iz), last_row = grid.LastRow(iz);
    const int64_t first = grid.First(ix), last = grid.Last(ix);
    double sum = 0;
    for (int64_t shot = 0; shot < shots; shot++) {
      const int64_t from = ((item / many * shots + shot) * many + item % many) * grid.Compact();
      for (int64_t j = first_row; j <= last_row; j++)
        for (int64_t i = first; i <= last; i++) sum += static_cast<double>(g[from + j * grid.wide + i]);
    }
    CountOperations(static_cast<int>(shots * (last_row - first_row + 1) * (last - first + 1)));
    out.Set(item * grid.Model() + iz * grid.nx + ix, sum);
  }
};

}  // namespace waveprior::wave

#endif  // WAVEPRIOR_CUDA_WAVE_MODEL_H_
