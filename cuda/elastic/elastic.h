// The point formulas of the elastic propagator, for a number or for a vector of numbers V.
//
// Equations   rho vx_t = sxx_x + sxz_z + fx,  rho vz_t = sxz_x + szz_z + fz,  sxz_t = mu (vx_z + vz_x),
//             sxx_t = (lam + 2 mu) vx_x + lam vz_z - m,  szz_t = lam vx_x + (lam + 2 mu) vz_z - m;
//             mu = rho vs^2, lam = rho (vp^2 - 2 vs^2), forces f and the moment rate m of an explosion (out is positive).
// Grid        staggered: sxx, szz at (j, i); vx at (j, i + 1/2); vz at (j + 1/2, i); sxz at (j + 1/2, i + 1/2).
//             b = beta/rho with the mean density of the two nodes beside a velocity; mu of sxz the harmonic mean of the four
//             nodes around it, 0 if one of them is 0. beta = c dt/h, c the difference's first weight, so that the formulas
//             below have differences over c.
// Scheme      of second order in time, order 2 R in space (c = 1; c = 9/8 and -1/24):
//               v += b (D s + f),  then  s += K (G v),  K the moduli times beta
//             where D and G are the same staggered differences, one step ahead or behind: D = -G^T.
// Layers      C-PML, each difference d at its own place: psi = b psi + a d, d + psi instead of d. Above and left of
//             a layer there is one node more, of which vx and sxz at i + 1/2, vz and sxz at j + 1/2 move, and nothing else.
// Surface     by images: szz = 0 on row 0 and odd about it, sxz odd, vx and vz even; sxx on row 0 by the modulus
//             4 mu (1 - vs^2/vp^2) that szz = 0 leaves. With W = 1/2 on row 0 (half a cell; sxx and vx lie there), 1 elsewhere,
//             W D = -(W G)^T: energy is kept, and sources and receivers may be swapped. A force on row 0 acts on half a cell.
// Transpose   of a step, backwards in time, for u = b lambda_v/W and t = -K lambda_s/W, which obey the same equations:
//               u += b (D t' + r),  then  t += K (G u')
//             where a field that is differenced comes through its layer first: phi = b phi + t, t' = t + a phi; r are the
//             cotangents of the step's data.
// Gradient    d misfit/d b = sum over steps of W u (D s + f)/b,  d misfit/d K = - sum of W (K^-1 t) (G v), t as it is before it is
//             new. Of the forward run this takes velocities alone. By parts in time, as D s + f = (v - v of the step before)/b and
//             D t' + r = (u - u of the step after)/b:
//               sum of u (D s + f) = sum of v (D t' + r)
//             and with layers, the plain difference d of v instead of G's d + psi, by the transpose of psi = b psi + a d:
//               sum of t (d + psi) = sum of t' d
//             t' of the differences that the scheme takes is there. K^-1 t has szz at vx_x and sxx at vz_z besides: phi of szz
//             along x and of sxx along z are remembered for that alone.
// Sources     Virieux, Geophysics 51 (1986) 889; Levander, Geophysics 53 (1988) 1425; Komatitsch and Martin, Geophysics 72
//             (2007) SM155, equations 25 to 27; images: Levander's for the stresses, and for the velocities what makes D and G
//             transposes of one another.
// Assumptions fields are 0 beyond the outermost nodes.
// Test        a plain float64 program of the same scheme, dot products, Taylor tables, and in plugins/solvers/elastic
//             analytic answers.
// Included inside a namespace, once for each instruction set: a template that is compiled for one cannot be inlined into
// loops of another. So there is no guard; ../args.h comes before.

// The second weight of the difference over its first.
constexpr double kFar = -1.0 / 27;

// x as a V.
template <class V>
struct Constant {
  static WAVEPRIOR_INLINE V Of(double x) { return V::Fill(x); }
};
template <>
struct Constant<float> {
  static WAVEPRIOR_INLINE float Of(double x) { return static_cast<float>(x); }
};
template <>
struct Constant<double> {
  static WAVEPRIOR_INLINE double Of(double x) { return x; }
};

// A difference over c, from those of the nodes beside it and of those beyond them.
template <int R, class V>
WAVEPRIOR_INLINE V Difference(V near, V far) {
  if constexpr (R == 1) {
    return near;
  } else {
    return Fma(Constant<V>::Of(kFar), far, near);
  }
}

// A memory variable's next value: b m + a x.
template <class V>
WAVEPRIOR_INLINE V Remember(V b, V m, V a, V x) {
  return Fma(b, m, a * x);
}

// t' of the transpose; phi becomes new.
template <class V>
WAVEPRIOR_INLINE V Through(V t, V b, V a, V* phi) {
  *phi = Fma(b, *phi, t);
  return Fma(a, *phi, t);
}
