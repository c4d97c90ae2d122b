// Forward and backward substitution for W right-hand sides at a time, one per vector lane.
//
// Equation    x <- L^-1 x, x <- Delta^-1 x, x <- L^-T x, over the tree: boxes, fronts, fronts in reverse, boxes.
// Layout      x: rows in the order of elimination, W real parts, then W imaginary ones; one dummy row at the end.
//             Factors as front.h and box.h leave them, panels of VL rows.
// Order       a right-hand side's operations do not depend on W nor on the other lanes: equal bits in any company.
// Test        TestSolve, TestSameBits in factor_test.go.

template <class T, int VL, int W>
struct Solve {
  typedef Lanes<T, W> V;
  static constexpr int MR = VL < 8 ? VL : (HELM_REGISTERS >= 32 ? 8 : 4);
  static constexpr int TB = 16;

  // re, im[m] = sum over k of l(row m, k) x(k); l: panel at the first row's lane.
  static __attribute__((always_inline)) inline void Rows(const T* l, const T* x, int64_t depth, V* re, V* im) {
    for (int m = 0; m < MR; m++) re[m] = im[m] = V::Fill(0);
    for (int64_t k = 0; k < depth; k++, l += 2 * VL, x += 2 * W) {
      const V xr = V::Load(x), xi = V::Load(x + W);
#pragma GCC unroll 16
      for (int m = 0; m < MR; m++) {
        const V lr = V::Fill(l[m]), li = V::Fill(l[VL + m]);
        re[m] = Fma(lr, xr, re[m]);
        im[m] = Fma(lr, xi, im[m]);
        re[m] = Fnma(li, xi, re[m]);
        im[m] = Fma(li, xr, im[m]);
      }
    }
  }

  // re, im[m] += sum over `rows` rows i of l(i, column m) x(i); l: panels at their first column, `stride` apart.
  static __attribute__((always_inline)) inline void Columns(const T* l, int64_t stride, const T* x, int64_t rows, V* re,
                                                            V* im) {
    for (int64_t i = 0; i < rows; i += VL, l += stride) {
      const int n = static_cast<int>(rows - i < VL ? rows - i : VL);
      for (int r = 0; r < n; r++, x += 2 * W) {
        const V xr = V::Load(x), xi = V::Load(x + W);
#pragma GCC unroll 16
        for (int m = 0; m < MR; m++) {
          const V lr = V::Fill(l[m * 2 * VL + r]), li = V::Fill(l[m * 2 * VL + VL + r]);
          re[m] = Fma(lr, xr, re[m]);
          im[m] = Fma(lr, xi, im[m]);
          re[m] = Fnma(li, xi, re[m]);
          im[m] = Fma(li, xr, im[m]);
        }
      }
    }
  }

  static inline void TakeFrom(T* x, V re, V im) {
    (V::Load(x) - re).Store(x);
    (V::Load(x + W) - im).Store(x + W);
  }

  __attribute__((noinline)) static void FrontForward(const helm_front& f, const int32_t* lists, const T* factor, T* x) {
    const int64_t p = f.p, b = f.b, pr = Padded(p);
    const int tiles = static_cast<int>(pr / TB);
    const T* const inverse = factor + f.factor;
    const T* const l11 = inverse + 2 * TB * TB * static_cast<int64_t>(tiles);
    const T* const l21 = l11 + static_cast<int64_t>(TB) * TB * tiles * (tiles - 1);
    T* const y = x + static_cast<int64_t>(f.first) * 2 * W;
    V re[MR], im[MR];
    for (int t = 1; t < tiles; t++) {
      const int64_t k0 = static_cast<int64_t>(t) * TB, w = p - k0 < TB ? p - k0 : TB;
      const T* const l = l11 + TB * TB * static_cast<int64_t>(t) * (t - 1);
      for (int64_t i = 0; i < w; i += MR) {
        Rows(l + i / VL * VL * 2 * k0 + i % VL, y, k0, re, im);
        for (int64_t m = 0; m < MR && i + m < w; m++) TakeFrom(y + (k0 + i + m) * 2 * W, re[m], im[m]);
      }
    }
    const int32_t* const at = lists + f.boundary;
    for (int64_t i = 0; i < b; i += MR) {
      Rows(l21 + i / VL * VL * 2 * p + i % VL, y, p, re, im);
      for (int64_t m = 0; m < MR && i + m < b; m++) TakeFrom(x + static_cast<int64_t>(at[i + m]) * 2 * W, re[m], im[m]);
    }
    alignas(64) T z[TB * 2 * W];
    for (int t = 0; t < tiles; t++) {
      const int64_t k0 = static_cast<int64_t>(t) * TB, w = p - k0 < TB ? p - k0 : TB;
      const T* const d = inverse + 2 * TB * TB * static_cast<int64_t>(t);
      for (int64_t i = 0; i < w; i += MR) {
        Rows(d + i / VL * VL * 2 * w + i % VL, y + k0 * 2 * W, w, re, im);
        for (int64_t m = 0; m < MR && i + m < w; m++)
          re[m].Store(z + (i + m) * 2 * W), im[m].Store(z + (i + m) * 2 * W + W);
      }
      memcpy(y + k0 * 2 * W, z, sizeof(T) * static_cast<size_t>(w) * 2 * W);
    }
  }

  // near: workspace of b rows.
  __attribute__((noinline)) static void FrontBackward(const helm_front& f, const int32_t* lists, const T* factor, T* x,
                                                      T* near) {
    const int64_t p = f.p, b = f.b, pr = Padded(p);
    const int tiles = static_cast<int>(pr / TB);
    const T* const inverse = factor + f.factor;
    const T* const l11 = inverse + 2 * TB * TB * static_cast<int64_t>(tiles);
    const T* const l21 = l11 + static_cast<int64_t>(TB) * TB * tiles * (tiles - 1);
    T* const y = x + static_cast<int64_t>(f.first) * 2 * W;
    const int32_t* const at = lists + f.boundary;
    for (int64_t i = 0; i < b; i++) {
      const T* const from = x + static_cast<int64_t>(at[i]) * 2 * W;
      V::Load(from).Store(near + i * 2 * W);
      V::Load(from + W).Store(near + i * 2 * W + W);
    }
    for (int t = tiles - 1; t >= 0; t--) {
      const int64_t k0 = static_cast<int64_t>(t) * TB, w = p - k0 < TB ? p - k0 : TB;
      for (int64_t j = 0; j < w; j += MR) {
        V re[MR], im[MR];
        for (int m = 0; m < MR; m++) re[m] = im[m] = V::Fill(0);
        for (int64_t s = t + 1; s < tiles; s++) {
          const int64_t n = p - s * TB < TB ? p - s * TB : TB;
          Columns(l11 + TB * TB * s * (s - 1) + (k0 + j) * 2 * VL, 2 * VL * s * TB, y + s * TB * 2 * W, n, re, im);
        }
        Columns(l21 + (k0 + j) * 2 * VL, 2 * VL * p, near, b, re, im);
        for (int64_t m = 0; m < MR && j + m < w; m++) TakeFrom(y + (k0 + j + m) * 2 * W, re[m], im[m]);
      }
    }
  }

  // near: workspace of ring rows.
  __attribute__((noinline)) static void BoxForward(const helm_class& c, const helm_box& box, const int32_t* lists,
                                                   const T* factor, T* x, T* near) {
    const int np = c.pivots, nb = c.ring;
    const int32_t* const start = lists + c.column_start;
    const int32_t* const rows = lists + c.rows;
    const int32_t* const at = lists + box.ring;
    const T* const dr = factor + box.factor;
    const T* const di = dr + Padded(np + c.entries);
    T* const y = x + static_cast<int64_t>(box.first) * 2 * W;
    for (int64_t i = 0; i < nb; i++) {
      V::Fill(0).Store(near + i * 2 * W);
      V::Fill(0).Store(near + i * 2 * W + W);
    }
    T* const ring = near - static_cast<int64_t>(np) * 2 * W;
    for (int k = 0; k < np; k++) {
      T* const yk = y + static_cast<int64_t>(k) * 2 * W;
      const V yr = V::Load(yk), yi = V::Load(yk + W);
      for (int e = start[k]; e < start[k + 1]; e++) {
        const V lr = V::Fill(dr[np + e]), li = V::Fill(di[np + e]);
        const int r = rows[e];
        T* const to = (r < np ? y : ring) + static_cast<int64_t>(r) * 2 * W;
        Fma(li, yi, Fnma(lr, yr, V::Load(to))).Store(to);
        Fnma(li, yr, Fnma(lr, yi, V::Load(to + W))).Store(to + W);
      }
      const V pr = V::Fill(dr[k]), pi = V::Fill(di[k]);
      Fnma(pi, yi, pr * yr).Store(yk);
      Fma(pi, yr, pr * yi).Store(yk + W);
    }
    for (int64_t i = 0; i < nb; i++) {
      T* const to = x + static_cast<int64_t>(at[i]) * 2 * W;
      (V::Load(to) + V::Load(near + i * 2 * W)).Store(to);
      (V::Load(to + W) + V::Load(near + i * 2 * W + W)).Store(to + W);
    }
  }

  __attribute__((noinline)) static void BoxBackward(const helm_class& c, const helm_box& box, const int32_t* lists,
                                                    const T* factor, T* x, T* near) {
    const int np = c.pivots, nb = c.ring;
    const int32_t* const start = lists + c.column_start;
    const int32_t* const rows = lists + c.rows;
    const int32_t* const at = lists + box.ring;
    const T* const dr = factor + box.factor;
    const T* const di = dr + Padded(np + c.entries);
    T* const y = x + static_cast<int64_t>(box.first) * 2 * W;
    for (int64_t i = 0; i < nb; i++) {
      const T* const from = x + static_cast<int64_t>(at[i]) * 2 * W;
      V::Load(from).Store(near + i * 2 * W);
      V::Load(from + W).Store(near + i * 2 * W + W);
    }
    const T* const ring = near - static_cast<int64_t>(np) * 2 * W;
    for (int k = np - 1; k >= 0; k--) {
      T* const yk = y + static_cast<int64_t>(k) * 2 * W;
      // Eight independent sums: even and odd entries apart, products of each kind apart.
      V a[2], b[2], c2[2], d[2];
      for (int h = 0; h < 2; h++) a[h] = b[h] = c2[h] = d[h] = V::Fill(0);
      const int e1 = start[k + 1];
      int e = start[k];
      const auto take = [&](int entry, int h) __attribute__((always_inline)) {
        const V lr = V::Fill(dr[np + entry]), li = V::Fill(di[np + entry]);
        const int r = rows[entry];
        const T* const from = (r < np ? y : ring) + static_cast<int64_t>(r) * 2 * W;
        const V xr = V::Load(from), xi = V::Load(from + W);
        a[h] = Fma(lr, xr, a[h]);
        b[h] = Fma(li, xi, b[h]);
        c2[h] = Fma(lr, xi, c2[h]);
        d[h] = Fma(li, xr, d[h]);
      };
      for (; e + 2 <= e1; e += 2) {
        take(e, 0);
        take(e + 1, 1);
      }
      if (e < e1) take(e, 0);
      (V::Load(yk) - ((a[0] + a[1]) - (b[0] + b[1]))).Store(yk);
      (V::Load(yk + W) - ((c2[0] + c2[1]) + (d[0] + d[1]))).Store(yk + W);
    }
  }

  // Adds to the right-hand sides what makes solutions of S' ones of S: see helm_bumps. Sums over the rows of one box or
  // front are in T, the rest in double.
  static void Correct(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                      const helm_bumps& bumps, T* x, uint8_t* active) {
    static constexpr int most = HELM_MOST_BUMPS;
    double re[most][W] = {}, im[most][W] = {};
    const T* const z = static_cast<const T*>(bumps.z);
    for (int unit = 0; unit < plan.box_count + plan.front_count; unit++) {
      if (!active[unit]) continue;
      const bool box = unit < plan.box_count;
      const int64_t first = box ? boxes[unit].first : fronts[unit - plan.box_count].first;
      const int64_t end = first + (box ? classes[boxes[unit].shape].pivots : fronts[unit - plan.box_count].p);
      for (int j = 0; j < bumps.count; j++) {
        V sr = V::Fill(0), si = V::Fill(0);
        const int64_t lanes = bumps.lanes[j];
        for (int64_t i = first; i < end; i++) {
          const T* const zi = z + bumps.at[j] + i * 2 * lanes;
          const V p = V::Fill(zi[0]), q = V::Fill(zi[lanes]);
          const V br = V::Load(x + i * 2 * W), bi = V::Load(x + i * 2 * W + W);
          sr = Fnma(q, bi, Fma(p, br, sr));
          si = Fma(q, br, Fma(p, bi, si));
        }
        alignas(64) T all[2 * W];
        sr.Store(all);
        si.Store(all + W);
        for (int l = 0; l < W; l++)
          re[j][l] += static_cast<double>(all[l]), im[j][l] += static_cast<double>(all[W + l]);
      }
    }
    for (int j = 0; j < bumps.count; j++) {
      const double* const c = bumps.inverse + 2 * static_cast<int64_t>(j) * bumps.count;
      double sr[W] = {}, si[W] = {};
      for (int k = 0; k < bumps.count; k++)
        for (int l = 0; l < W; l++) {
          sr[l] = std::fma(-c[2 * k + 1], im[k][l], std::fma(c[2 * k], re[k][l], sr[l]));
          si[l] = std::fma(c[2 * k + 1], re[k][l], std::fma(c[2 * k], im[k][l], si[l]));
        }
      T* const row = x + static_cast<int64_t>(bumps.row[j]) * 2 * W;
      for (int l = 0; l < W; l++) {
        row[l] += static_cast<T>(sr[l]);
        row[W + l] += static_cast<T>(si[l]);
      }
      active[bumps.owner[j]] = 1;
    }
  }

  // All of it, for the rows of x. active: one byte per box, then per front; 0: all right-hand sides are zero there.
  // wanted: likewise; 0: nobody reads the solution there.
  static void Run(const helm_plan& plan, const helm_front* fronts, const helm_class* classes, const helm_box* boxes,
                  const int32_t* lists, const T* factor, T* x, T* near, uint8_t* active, uint8_t* wanted,
                  const helm_bumps* bumps) {
    if (bumps->count > 0) Correct(plan, fronts, classes, boxes, *bumps, x, active);
    if (plan.front_count == 0) {
      if (active[0]) BoxForward(classes[0], boxes[0], lists, factor, x, near);
      if (wanted[0]) BoxBackward(classes[0], boxes[0], lists, factor, x, near);
      return;
    }
    for (int f = 0; f < plan.front_count; f++) {
      uint8_t* const a = active + plan.box_count + f;
      for (const helm_child& c : fronts[f].child) {
        const uint8_t reached = active[(c.box ? 0 : plan.box_count) + c.index];
        if (c.box && reached) BoxForward(classes[boxes[c.index].shape], boxes[c.index], lists, factor, x, near);
        *a |= reached;
        wanted[plan.box_count + f] |= wanted[(c.box ? 0 : plan.box_count) + c.index];
      }
      if (*a) FrontForward(fronts[f], lists, factor, x);
    }
    for (int f = plan.front_count - 1; f >= 0; f--) {
      if (!wanted[plan.box_count + f]) continue;
      FrontBackward(fronts[f], lists, factor, x, near);
      for (const helm_child& c : fronts[f].child)
        if (c.box && wanted[c.index])
          BoxBackward(classes[boxes[c.index].shape], boxes[c.index], lists, factor, x, near);
    }
  }
};
