// The OpenFWI data sets' scheme, operation by operation, for a number or a vector of numbers V.
//
// Equation    p(n+1) = (2 - 5 alpha - kap) p(n) - (1 - kap) p(n-1) + alpha (c2 S1 + c3 S2), then + alpha f
//             alpha = (v dt/h)^2, kap = dt kappa0 profile, c2 = 4/3, c3 = -1/12, S1 and S2 the sums of the four nearest and
//             of the four second neighbours, periodic on the padded grid; f = q h^2, so that alpha f = (v dt)^2 q
//             kappa0 = 3 vmin ln(1e7)/(2 a), vmin the least velocity of this map; profile as in sponge.go
// Rounding    no fused multiply-add here: the order of the operations is that of the data sets' generator in float32, which
//             adds left, right, above, below. With it the published minima are met to 1.4e-5, with above and below first to
//             2.3e-5.
// Transpose   with y = alpha lambda the step is its own transpose. Gradients: d phi/d alpha = sum_n y (S - 5 p + f)/alpha,
//             d phi/d (dt kappa0) = sum_n, nodes y (p(n-1) - p(n)) profile/alpha.
// Source      the OpenFWI authors' published generator (KAUST CSIM lab's a2d_mod_abc24).
// Test        sponge_test.go: extremes of homogeneous maps, a plain program of the same scheme, dot products, Taylor tables.
// Included inside a namespace, once for each instruction set: a template that is compiled for one cannot be inlined into
// loops of another. So there is no guard; ../args.h comes before.

// S1 or S2.
template <class V>
WAVEPRIOR_INLINE V SpongeFour(V left, V right, V above, V below) {
  return ((left + right) + above) + below;
}

// c2 S1 + c3 S2.
template <class V>
WAVEPRIOR_INLINE V SpongeSum(V c2, V s1, V c3, V s2) {
  return c2 * s1 + c3 * s2;
}

// p(n+1) without the source; one, two and minus_five are these numbers.
template <class V>
WAVEPRIOR_INLINE V SpongeAdvance(V p, V before, V alpha, V kap, V sum, V one, V two, V minus_five) {
  return (((two + minus_five * alpha) - kap) * p - (one - kap) * before) + alpha * sum;
}
