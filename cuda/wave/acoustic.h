// The point formulas of the acoustic propagator, for a number or for a vector of numbers V.
//
// Equation    p_tt = v^2 (p_zz + p_xx) + v^2 q(t) delta(x - x_s), constant density; p the pressure, v in m/s
// Scheme      second order in time, order 2 R in space; C = (v dt/h)^2, L = h^2 times the Laplacian, f = q w:
//               p(n+1) = 2 p(n) - p(n-1) + C (L(n) + f(n))
//             with w the weights of the source's position, so that C f is (v dt)^2 q times the discrete delta w/h^2.
// Layers      C-PML in each direction by itself (kappa = 1), two memory variables, psi at the half points i + 1/2:
//               psi(n) = b psi(n-1) + a (p_i+1 - p_i),  e = p_xx + (psi_i - psi_i-1),
//               zeta(n) = b zeta(n-1) + a e,            L_x = e + zeta(n)
//             where p_xx is of order 2 R, and the correction by psi of order 2: it is nothing in the interior and grows
//             smoothly from there, so its error is absorbed with the wave (TestAbsorption has the numbers), and a row is
//             done in one pass. Above and left the first half point is beyond the outermost node, as below and right the last
//             one is: the grid has one more node there, with C = 0. b = exp(-(sigma + alpha) dt),
//             a = sigma/(sigma + alpha) (b - 1), at i and at i + 1/2.
// Transpose   of one step, backwards in time, for y = C lambda (lambda the adjoint of p), which obeys the same equation:
//               zeta' = b zeta' + y,  s = y + a zeta'  (y but for the layers),
//               psi' = b psi' + (s_i - s_i+1),  L'_x = s_xx + (a psi')_i-1 - (a psi')_i,
//               y(n) = 2 y(n+1) - y(n+2) + C L'
//             and d phi/d C = sum over n of y(n+1) (L(n) + f(n))/C.
// Layout      fields are row-major with rows padded to 16 numbers and 16 zeros between rows; see shot_loops.h.
// Source      Komatitsch and Martin, Geophysics 72 (2007) SM155, equations 25 to 27; Pasalic and McGarry, SEG 2010, for the
//             second-order equation. Stencils: Fornberg, Math. Comp. 51 (1988) 699, table 1.
// Assumptions v > 0 except on a free surface's row, where C = 0 keeps p = 0; p = 0 beyond the outermost nodes.
// Test        acoustic_test.go: a plain float64 program of the same scheme, dot products, Taylor tables.
// Included inside a namespace, once for each instruction set: a template that is compiled for one cannot be inlined into
// loops of another. So there is no guard; ../args.h comes before.

// Weights of the second derivative of order 2 R: the node itself, then its neighbours at distance 1..R.
template <int R>
struct Second;
template <>
struct Second<1> {
  static constexpr double kWeight[2] = {-2.0, 1.0};
};
template <>
struct Second<2> {
  static constexpr double kWeight[3] = {-5.0 / 2, 4.0 / 3, -1.0 / 12};
};
template <>
struct Second<3> {
  static constexpr double kWeight[4] = {-49.0 / 18, 3.0 / 2, -3.0 / 20, 1.0 / 90};
};
template <>
struct Second<4> {
  static constexpr double kWeight[5] = {-205.0 / 72, 8.0 / 5, -1.0 / 5, 8.0 / 315, -1.0 / 560};
};

// p(n+1) without the source.
template <class V>
WAVEPRIOR_INLINE V Advance(V p, V before, V c, V l) {
  return Fma(c, l, (p + p) - before);
}

// A memory variable's next value: b m + a x.
template <class V>
WAVEPRIOR_INLINE V Remember(V b, V m, V a, V x) {
  return Fma(b, m, a * x);
}

// L_x in a layer: second is p_xx, psi and psi_before are new, zeta becomes new.
template <class V>
WAVEPRIOR_INLINE V Stretched(V second, V psi, V psi_before, V b, V a, V* zeta) {
  const V e = second + (psi - psi_before);
  *zeta = Remember(b, *zeta, a, e);
  return e + *zeta;
}

// The transpose's s; zeta becomes new.
template <class V>
WAVEPRIOR_INLINE V Spread(V y, V b, V a, V* zeta) {
  *zeta = Fma(b, *zeta, y);
  return Fma(a, *zeta, y);
}

// The transpose's psi from s_i and s_i+1.
template <class V>
WAVEPRIOR_INLINE V Gather(V b, V psi, V s, V s_next) {
  return Fma(b, psi, s - s_next);
}
