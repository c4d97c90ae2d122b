// What the sums over a system, the residual of its first shot and its misfit, do at one node and one datum. Shared by
// sums_loops.h and sums.cu.
//
// Equation    residual^2 = sum over nodes of |S x_0 - e|^2 in double, e the first source, S as points.h has it but not rounded.
//             phi = 1/2 sum over data of |strength x - d|^2/tau^2, and w = conj(strength x - d) times the power of two that
//             brings the largest of its numbers to 1/2..1.
// Costs       helm_residual: 10 complex products (80 flops), 5 C + 96 bytes read a node (neighbours and coefficients from cache),
//             16 bytes written a system; helm_misfit: 12 flops, 2 (C + 16) read, C written a datum, 16 bytes a system.
#ifndef WAVEPRIOR_CUDA_MULTIFRONTAL_SUMS_H_
#define WAVEPRIOR_CUDA_MULTIFRONTAL_SUMS_H_

#include "points.h"

namespace waveprior::multifrontal {

// Both are made by Of from the kernel's parameters, for the CPU's loops and the .cu alike; what is written once a system,
// residual, phi, weight and w, is theirs to hold.
template <class T>
struct Residual {
  View<double> residual;  // (systems, 2): |S x_0 - e|, and how many flags are set
  View<const Complex<T>> x;
  View<const T> models;
  View<const int32_t> which, row;
  View<const Complex<double>> operators;
  View<const int32_t> flags;  // (systems, units)
  Padding grid;
  int64_t systems, count, source, units;

  static WAVEPRIOR_INLINE Residual Of(double* residual, const Complex<T>* x, const T* models, const int32_t* which,
                                      const int32_t* row, const Complex<double>* operators, const int32_t* flags,
                                      int64_t model_count, int64_t systems, int64_t frequencies, int64_t nz, int64_t nx,
                                      int64_t cells, int64_t count, int64_t source, int64_t units) {
    const Padding grid{nz, nx, cells};
    return {{residual, 2 * systems},
            {x, systems * grid.Nodes() * count},
            {models, model_count * nz * nx},
            {which, 2 * systems},
            {row, grid.Nodes()},
            {operators, frequencies * 4 * grid.Nodes()},
            {flags, systems * units},
            grid,
            systems,
            count,
            source,
            units};
  }

  WAVEPRIOR_INLINE Complex<double> X(int64_t system, int64_t node) const {
    const Complex<T> v = x[(system * grid.Nodes() + row[node]) * count];
    return MakeComplex(static_cast<double>(v.re), static_cast<double>(v.im));
  }

  // |S x_0 - e|^2 at a node.
  WAVEPRIOR_INLINE double operator()(int64_t system, int64_t node) const {
    const int64_t n = grid.Nodes(), px = grid.Width(), frequency = which[2 * system + 1];
    const T m = models[which[2 * system] * grid.nz * grid.nx + grid.Inner(node)];
    Complex<double> r = MakeComplex(node == source ? -1.0 : 0.0, 0.0);
    AddProduct(r, Diagonal(operators, n, frequency, node, static_cast<double>(m)), X(system, node));
    if (node % px > 0) AddProduct(r, Operator(operators, n, frequency, 2, node - 1), X(system, node - 1));
    if (node % px < px - 1) AddProduct(r, Operator(operators, n, frequency, 2, node), X(system, node + 1));
    if (node >= px) AddProduct(r, Operator(operators, n, frequency, 3, node - px), X(system, node - px));
    if (node < n - px) AddProduct(r, Operator(operators, n, frequency, 3, node), X(system, node + px));
    return SquaredSize(r);
  }
};

template <class T>
struct Misfit {
  View<double> phi, weight;  // (systems): phi, and 2^e/tau^2
  View<Complex<T>> w;        // (systems, count, receivers)
  View<const Complex<T>> x;
  View<const Complex<double>> observed;  // (observations, frequencies, count, receivers)
  View<const int32_t> observation;       // of each model
  View<const double> tau;                // of each observation
  View<const int32_t> row, which;
  View<const double> strength;
  int64_t nodes, count, receivers, frequencies;

  static WAVEPRIOR_INLINE Misfit Of(double* phi, double* weight, Complex<T>* w, const Complex<T>* x,
                                    const Complex<double>* observed, const int32_t* observation, const double* tau,
                                    const int32_t* row, const int32_t* which, const double* strength,
                                    int64_t observations, int64_t model_count, int64_t systems, int64_t frequencies,
                                    int64_t nodes, int64_t count, int64_t receivers) {
    const int64_t n = count * receivers;
    return {{phi, systems},
            {weight, systems},
            {w, systems * n},
            {x, systems * nodes * count},
            {observed, observations * frequencies * n},
            {observation, model_count},
            {tau, observations},
            {row, receivers},
            {which, 2 * systems},
            {strength, frequencies},
            nodes,
            count,
            receivers,
            frequencies};
  }

  // The noise of a system's observation.
  WAVEPRIOR_INLINE double Tau(int64_t system) const { return tau[observation[which[2 * system]]]; }

  // strength x - d at datum i of a system.
  WAVEPRIOR_INLINE Complex<double> operator()(int64_t system, int64_t i) const {
    const int64_t frequency = which[2 * system + 1], n = count * receivers;
    const Complex<T> v = x[(system * nodes + row[i % receivers]) * count + i / receivers];
    const int64_t set = observation[which[2 * system]];
    const Complex<double> d = observed[(set * frequencies + frequency) * n + i];
    const double s = strength[frequency];
    return MakeComplex(Fma(s, static_cast<double>(v.re), -d.re), Fma(s, static_cast<double>(v.im), -d.im));
  }
};

// 2^-e for x = 2^e (1/2..1), |e| at most 1000; 1 for 0, denormals and what is not finite.
WAVEPRIOR_INLINE double InversePowerOfTwo(double x) {
  union {
    double value;
    uint64_t bits;
  } v;
  v.value = x;
  const int64_t exponent = static_cast<int64_t>(v.bits >> 52 & 0x7ff);
  if (exponent == 0 || exponent == 0x7ff) return 1;
  int64_t e = exponent - 1022;
  e = e > 1000 ? 1000 : e < -1000 ? -1000 : e;
  v.bits = static_cast<uint64_t>(1023 - e) << 52;
  return v.value;
}

}  // namespace waveprior::multifrontal

#endif  // WAVEPRIOR_CUDA_MULTIFRONTAL_SUMS_H_
