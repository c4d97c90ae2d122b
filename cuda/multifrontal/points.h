// The point kernels around a factorisation, each element by itself: what the solver assembles, puts on the right, reads and
// sums. Shared by the CPU loops (points_loops.h) and points.cu.
//
// Equation    S = diag(mass m - links) + neighbours at a node of the padded grid, m continued into the layer; everything but m is
//             its frequency's and comes scaled by one power of two, in double. With u = strength x, x the solution for a source
//             of 1: data u at the receivers; right-hand sides -mass dm x of a direction dm; gradient -Re(mass u a), summed over
//             shots in their order in double, a the solution for sources conj(w) at the receivers; the layer's share of it goes
//             back to the edge nodes that were continued into it.
// Layout      models (models, nz, nx); system s is model which[2s] at frequency which[2s + 1]; x (systems, rows, count) in the
//             order of elimination, rows[node] the row of a node, nodes[row] the node of a row; operators (frequencies, 4, pz
//             px): mass, links, neighbours to the right and down.
// Costs       n systems, N padded nodes, R right-hand sides, K directions, C bytes of a complex number, B of a real one:
//             diagonals 4 flops, C written, B + 32 read (operators: once for all systems) a node of the padded planes;
//             source C written a number; receive C written, C read where there is a receiver; tangent 10 flops, C written, C/K
//             read; sample 2 C a datum; products 6 R/K + 4 flops, 2 C R/K read and 8 bytes written a node and direction; fold_x
//             N 8 bytes read, pz nx 8 written; fold_z pz nx 8 read, nz nx 8 written a direction.
// Test        TestTwins in twins_cuda_test.go, TestDerivatives in engine_test.go.
#ifndef WAVEPRIOR_CUDA_MULTIFRONTAL_POINTS_H_
#define WAVEPRIOR_CUDA_MULTIFRONTAL_POINTS_H_

#include "../view.h"
#include "complex.h"

namespace waveprior::multifrontal {

// The grid of a model and its layer of `cells` nodes on every side.
struct Padding {
  int64_t nz, nx, cells;
  WAVEPRIOR_INLINE int64_t Height() const { return nz + 2 * cells; }
  WAVEPRIOR_INLINE int64_t Width() const { return nx + 2 * cells; }
  WAVEPRIOR_INLINE int64_t Nodes() const { return Height() * Width(); }
  // The node of the model that is continued to a padded node.
  WAVEPRIOR_INLINE int64_t Inner(int64_t node) const {
    const int64_t z = node / Width() - cells, x = node % Width() - cells;
    const int64_t iz = z < 0 ? 0 : z < nz ? z : nz - 1, ix = x < 0 ? 0 : x < nx ? x : nx - 1;
    return iz * nx + ix;
  }
};

// Plane `part` of a frequency's operator at a node.
WAVEPRIOR_INLINE Complex<double> Operator(const View<const Complex<double>>& operators, int64_t nodes,
                                          int64_t frequency, int64_t part, int64_t node) {
  return operators[(frequency * 4 + part) * nodes + node];
}

WAVEPRIOR_INLINE Complex<double> Diagonal(const View<const Complex<double>>& operators, int64_t nodes,
                                          int64_t frequency, int64_t node, double m) {
  const Complex<double> mass = Operator(operators, nodes, frequency, 0, node);
  const Complex<double> links = Operator(operators, nodes, frequency, 1, node);
  return MakeComplex(Fma(mass.re, m, -links.re), Fma(mass.im, m, -links.im));
}

// How many elements a launch has, and how many of them a unit; the functors below are made by Of from the kernel's
// parameters, for the CPU's loops and the .cu alike.
struct Elements {
  int64_t n, block;
};

// diagonal (systems, (pz + 2)(px + 2)), the margin 0.
template <class T>
struct PointDiagonals : Elements {
  View<Complex<T>> diagonal;
  View<const T> models;
  View<const int32_t> which;
  View<const Complex<double>> operators;
  Padding grid;

  static WAVEPRIOR_INLINE PointDiagonals Of(Complex<T>* diagonal, const T* models, const int32_t* which,
                                            const Complex<double>* operators, int64_t model_count, int64_t systems,
                                            int64_t frequencies, int64_t nz, int64_t nx, int64_t cells, int64_t block) {
    const Padding grid{nz, nx, cells};
    const int64_t n = systems * (grid.Height() + 2) * (grid.Width() + 2);
    return {{n, block},
            {diagonal, n},
            {models, model_count * nz * nx},
            {which, 2 * systems},
            {operators, frequencies * 4 * grid.Nodes()},
            grid};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t width = grid.Width() + 2, plane = (grid.Height() + 2) * width;
    const int64_t system = i / plane, z = i % plane / width - 1, x = i % width - 1;
    Complex<T> d = MakeComplex(T(0), T(0));
    if (z >= 0 && x >= 0 && z < grid.Height() && x < grid.Width()) {
      const int64_t node = z * grid.Width() + x;
      const T m = models[which[2 * system] * grid.nz * grid.nx + grid.Inner(node)];
      const Complex<double> s = Diagonal(operators, grid.Nodes(), which[2 * system + 1], node, static_cast<double>(m));
      d = MakeComplex(static_cast<T>(s.re), static_cast<T>(s.im));
    }
    diagonal.Set(i, d);
  }
};

// x = 1 at the row of each shot's source: place[row] is the shot whose source lies there, or -1.
template <class T>
struct PointSource : Elements {
  View<Complex<T>> x;
  View<const int32_t> place;
  int64_t nodes, count;

  static WAVEPRIOR_INLINE PointSource Of(Complex<T>* x, const int32_t* place, int64_t systems, int64_t nodes,
                                         int64_t count, int64_t block) {
    const int64_t n = systems * nodes * count;
    return {{n, block}, {x, n}, {place, nodes}, nodes, count};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int32_t shot = place[i / count % nodes];
    x.Set(i, MakeComplex(shot == i % count ? T(1) : T(0), T(0)));
  }
};

// x = w at the receivers' rows: place[row] is the receiver there, or -1; w (systems, count, receivers).
template <class T>
struct PointReceive : Elements {
  View<Complex<T>> x;
  View<const int32_t> place;
  View<const Complex<T>> w;
  int64_t nodes, count, receivers;

  static WAVEPRIOR_INLINE PointReceive Of(Complex<T>* x, const int32_t* place, const Complex<T>* w, int64_t systems,
                                          int64_t nodes, int64_t count, int64_t receivers, int64_t block) {
    const int64_t n = systems * nodes * count;
    return {{n, block}, {x, n}, {place, nodes}, {w, systems * count * receivers}, nodes, count, receivers};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int32_t receiver = place[i / count % nodes];
    Complex<T> v = MakeComplex(T(0), T(0));
    if (receiver >= 0) v = w[(i / count / nodes * count + i % count) * receivers + receiver];
    x.Set(i, v);
  }
};

// x (systems, rows, directions shots) = -mass dm u; dm (sets, directions, nz, nx): a model's own set, or one for all.
template <class T>
struct PointTangent : Elements {
  View<Complex<T>> x;
  View<const Complex<T>> u;
  View<const T> dm;
  View<const int32_t> which, node;
  View<const Complex<double>> operators;
  Padding grid;
  int64_t directions, shots, own;

  static WAVEPRIOR_INLINE PointTangent Of(Complex<T>* x, const Complex<T>* u, const T* dm, const int32_t* which,
                                          const int32_t* node, const Complex<double>* operators, int64_t sets,
                                          int64_t systems, int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                          int64_t directions, int64_t shots, int64_t own, int64_t block) {
    const Padding grid{nz, nx, cells};
    const int64_t all = systems * grid.Nodes() * shots, n = all * directions;
    return {{n, block},
            {x, n},
            {u, all},
            {dm, sets * directions * nz * nx},
            {which, 2 * systems},
            {node, grid.Nodes()},
            {operators, frequencies * 4 * grid.Nodes()},
            grid,
            directions,
            shots,
            own};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t count = directions * shots, nodes = grid.Nodes();
    const int64_t k = i % count / shots, row = i / count % nodes, system = i / count / nodes, at = node[row];
    const int64_t set = own ? static_cast<int64_t>(which[2 * system]) : 0;
    const T d = dm[(set * directions + k) * grid.nz * grid.nx + grid.Inner(at)];
    const Complex<double> mass = Operator(operators, nodes, which[2 * system + 1], 0, at);
    const Complex<T> q = MakeComplex(static_cast<T>(-mass.re * static_cast<double>(d)),
                                     static_cast<T>(-mass.im * static_cast<double>(d)));
    const Complex<T> v = u[(system * nodes + row) * shots + i % shots];
    CountOperations(2);
    x.Set(i, Times(q, v));
  }
};

// d (systems, count, receivers) = strength x at the rows of the receivers, in double until the end.
template <class T>
struct PointSample : Elements {
  View<Complex<T>> d;
  View<const Complex<T>> x;
  View<const int32_t> row, which;
  View<const double> strength;
  int64_t nodes, count, receivers;

  static WAVEPRIOR_INLINE PointSample Of(Complex<T>* d, const Complex<T>* x, const int32_t* row, const int32_t* which,
                                         const double* strength, int64_t systems, int64_t frequencies, int64_t nodes,
                                         int64_t count, int64_t receivers, int64_t block) {
    const int64_t n = systems * count * receivers;
    return {{n, block},
            {d, n},
            {x, systems * nodes * count},
            {row, receivers},
            {which, 2 * systems},
            {strength, frequencies},
            nodes,
            count,
            receivers};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t r = i % receivers, k = i / receivers % count, system = i / receivers / count;
    const Complex<T> v = x[(system * nodes + row[r]) * count + k];
    const double s = strength[which[2 * system + 1]];
    CountOperations(2);
    d.Set(i, MakeComplex(static_cast<T>(s * static_cast<double>(v.re)), static_cast<T>(s * static_cast<double>(v.im))));
  }
};

// g (systems, directions, nodes) = -Re mass strength sum over shots of u a, a (systems, rows, directions shots).
template <class T>
struct PointProducts : Elements {
  View<double> g;
  View<const Complex<T>> u, a;
  View<const int32_t> row, which;
  View<const Complex<double>> operators;
  View<const double> strength;
  int64_t nodes, directions, shots;

  static WAVEPRIOR_INLINE PointProducts Of(double* g, const Complex<T>* u, const Complex<T>* a, const int32_t* row,
                                           const int32_t* which, const Complex<double>* operators,
                                           const double* strength, int64_t systems, int64_t frequencies, int64_t nodes,
                                           int64_t directions, int64_t shots, int64_t block) {
    const int64_t n = systems * directions * nodes, all = systems * nodes * shots;
    return {{n, block},
            {g, n},
            {u, all},
            {a, all * directions},
            {row, nodes},
            {which, 2 * systems},
            {operators, frequencies * 4 * nodes},
            {strength, frequencies},
            nodes,
            directions,
            shots};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t node = i % nodes, k = i / nodes % directions, system = i / nodes / directions;
    const int64_t at = (system * nodes + row[node]) * shots, to = at * directions + k * shots;
    Complex<double> sum = MakeComplex(0.0, 0.0);
    for (int64_t s = 0; s < shots; s++) {
      const Complex<T> p = u[at + s], q = a[to + s];
      const Complex<T> product = Times(p, q);
      sum = Plus(sum, MakeComplex(static_cast<double>(product.re), static_cast<double>(product.im)));
    }
    const int64_t frequency = which[2 * system + 1];
    const Complex<double> mass = Operator(operators, nodes, frequency, 0, node);
    CountOperations(static_cast<int>(2 * shots + 2));
    g.Set(i, strength[frequency] * Fma(mass.im, sum.im, -mass.re * sum.re));
  }
};

// out (rows, nx) = in (rows, px) with the layer's columns added to the edge ones, or left out.
struct PointFoldX : Elements {
  View<double> out;
  View<const double> in;
  Padding grid;
  int64_t layer;

  static WAVEPRIOR_INLINE PointFoldX Of(double* out, const double* in, int64_t rows, int64_t nz, int64_t nx,
                                        int64_t cells, int64_t layer, int64_t block) {
    const Padding grid{nz, nx, cells};
    const int64_t n = rows * nx;
    return {{n, block}, {out, n}, {in, rows * grid.Width()}, grid, layer};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t ix = i % grid.nx, from = i / grid.nx * grid.Width();
    double sum = in[from + grid.cells + ix];
    if (layer && ix == 0)
      for (int64_t c = 0; c < grid.cells; c++) sum += in[from + c];
    if (layer && ix == grid.nx - 1)
      for (int64_t c = 0; c < grid.cells; c++) sum += in[from + grid.Width() - 1 - c];
    CountOperations(static_cast<int>(layer && (ix == 0 || ix == grid.nx - 1) ? grid.cells : 0));
    out.Set(i, sum);
  }
};

// out (models, directions, nz, nx) = sum over `frequencies` systems of a model, in order, of weight times in (systems,
// directions, pz, nx), the layer's rows added to the edge ones or left out; added to what out holds where `more`. weight
// (systems, directions).
struct PointFoldZ : Elements {
  View<double> out;
  View<const double> in, weight;
  Padding grid;
  int64_t directions, frequencies, layer, more;

  static WAVEPRIOR_INLINE PointFoldZ Of(double* out, const double* in, const double* weight, int64_t models,
                                        int64_t directions, int64_t frequencies, int64_t nz, int64_t nx, int64_t cells,
                                        int64_t layer, int64_t more, int64_t block) {
    const Padding grid{nz, nx, cells};
    const int64_t sets = models * frequencies * directions, n = models * directions * nz * nx;
    return {{n, block}, {out, n}, {in, sets * grid.Height() * nx}, {weight, sets}, grid, directions, frequencies,
            layer,      more};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const {
    const int64_t ix = i % grid.nx, iz = i / grid.nx % grid.nz, k = i / grid.nx / grid.nz % directions;
    const int64_t model = i / grid.nx / grid.nz / directions;
    double sum = 0;
    if (more) sum = out[i];
    for (int64_t f = 0; f < frequencies; f++) {
      const int64_t set = (model * frequencies + f) * directions + k, from = set * grid.Height() * grid.nx + ix;
      double g = in[from + (grid.cells + iz) * grid.nx];
      if (layer && iz == 0)
        for (int64_t c = 0; c < grid.cells; c++) g += in[from + c * grid.nx];
      if (layer && iz == grid.nz - 1)
        for (int64_t c = 0; c < grid.cells; c++) g += in[from + (grid.Height() - 1 - c) * grid.nx];
      sum += g * weight[set];
      CountOperations(static_cast<int>(layer && (iz == 0 || iz == grid.nz - 1) ? grid.cells + 2 : 2));
    }
    out.Set(i, sum);
  }
};

}  // namespace waveprior::multifrontal

#endif  // WAVEPRIOR_CUDA_MULTIFRONTAL_POINTS_H_
