// A dense front: block LDL^T of its pivot columns and the update matrix that goes to its parent.
//
// Equation    F = [F11 F21^T; F21 F22], S = F22 - L21 Delta L21^T with L11 Delta L11^T = F11, L21 = F21 L11^-T Delta^-1.
//             Delta is block diagonal in tiles of 16 pivots; each tile is inverted by Gauss-Jordan with partial pivoting.
// Layout      F and S: columns of `rows` real parts, then `rows` imaginary parts, lower triangle. Pivot columns (p) have
//             16 ceil(p/16) + 16 ceil(b/16) rows, boundary columns and S the last 16 ceil(b/16) of them.
//             L and U = L Delta: panels of VL rows; in a panel, column by column, VL real parts, then VL imaginary ones.
//             So a panel serves as left operand (vectors of rows) and as right operand (broadcasts) alike.
//             The factor of a front: tiles of Delta^-1 (16 x 16 each), L11 below its tiles (tile row t: 16 rows, 16 t
//             columns), L21.
// Order       Every entry is its old value minus one sum over k in increasing order, whatever VL: equal bits.
// Stability   no pivots from outside a tile. What is nearly singular there is bumped: see helm_report.
// Assumptions padded rows are exact zeros.
// Test        TestSolve, TestSameBits in factor_test.go.

// Largest entry of an inverse tile that goes without a bump; the typical diagonal entry of the matrix is about 1.
template <class T>
constexpr T Limit() {
  return sizeof(T) == 4 ? T(HELM_LIMIT) : T(1e6);
}

// Notes a bump; false where there is no room for it.
static inline bool Bump(helm_report* report, int64_t row) {
  if (report->bump_count == HELM_MOST_BUMPS) {
    report->bump_count++;
    return false;
  }
  if (report->bump_count > HELM_MOST_BUMPS) return false;
  report->bump[report->bump_count++] = static_cast<int32_t>(row);
  return true;
}

// One product's accumulators: VL rows by NR columns.
template <class T, int VL, int NR>
struct Product {
  typedef Lanes<T, VL> V;
  V re[NR], im[NR];

  // sum over k of a(row, k) u(column, k); a: panel, u: panel of the right operand, at its first column's lane.
  __attribute__((always_inline)) inline void Sum(const T* a, const T* u, int64_t depth) {
    for (int j = 0; j < NR; j++) re[j] = im[j] = V::Fill(0);
    for (int64_t k = 0; k < depth; k++, a += 2 * VL, u += 2 * VL) {
      const V ar = V::Load(a), ai = V::Load(a + VL);
#pragma GCC unroll 16
      for (int j = 0; j < NR; j++) {
        const V ur = V::Fill(u[j]), ui = V::Fill(u[VL + j]);
        re[j] = Fma(ar, ur, re[j]);
        im[j] = Fma(ar, ui, im[j]);
        re[j] = Fnma(ai, ui, re[j]);
        im[j] = Fma(ai, ur, im[j]);
      }
    }
  }
};

template <class T, int VL>
struct Front {
  typedef Lanes<T, VL> V;
  static constexpr int NR = VL < 8 ? VL : (HELM_REGISTERS >= 32 ? 8 : 4);
  static constexpr int TB = 16;  // width of a tile

  // in - L U^T for `columns` <= NR columns of VL rows; in: columns of F, out: columns of S or F (stride in T).
  __attribute__((noinline)) static void Subtract(const T* a, const T* u, int64_t depth, const T* in, int64_t in_rows,
                                                 T* out, int64_t out_rows, int64_t out_imag, int columns) {
    Product<T, VL, NR> c;
    c.Sum(a, u, depth);
    if (columns == NR) {
#pragma GCC unroll 16
      for (int j = 0; j < NR; j++) {
        (V::Load(in + 2 * j * in_rows) - c.re[j]).Store(out + j * out_rows);
        (V::Load(in + (2 * j + 1) * in_rows) - c.im[j]).Store(out + j * out_rows + out_imag);
      }
    } else {
#pragma GCC unroll 16
      for (int j = 0; j < NR; j++) {
        if (j >= columns) break;
        (V::Load(in + 2 * j * in_rows) - c.re[j]).Store(out + j * out_rows);
        (V::Load(in + (2 * j + 1) * in_rows) - c.im[j]).Store(out + j * out_rows + out_imag);
      }
    }
  }

  // out panel = a panel times the symmetric tile d (TB rows, depth columns, panels).
  __attribute__((noinline)) static void Scale(const T* a, const T* d, int64_t depth, T* out) {
    for (int64_t j0 = 0; j0 < depth; j0 += NR) {
      Product<T, VL, NR> c;
      c.Sum(a, d + (j0 / VL) * depth * 2 * VL + j0 % VL, depth);
#pragma GCC unroll 16
      for (int j = 0; j < NR; j++) {
        if (j0 + j >= depth) break;
        c.re[j].Store(out + (j0 + j) * 2 * VL);
        c.im[j].Store(out + (j0 + j) * 2 * VL + VL);
      }
    }
  }

  // Inverts the n x n tile d (columns of TB real, TB imaginary parts; rows from n on zero) into panels. The diagonal entry
  // is the pivot unless another of its column is more than twice as large. Returns n, or the pivot at which it broke down.
  __attribute__((noinline)) static int Invert(T* d, int n, T* out, double* pivot) {
    int swapped[TB];
    for (int k = 0; k < n; k++) {
      T* const ck = d + k * 2 * TB;
      alignas(64) T size[TB], col[2 * TB];
      for (int i = 0; i < TB; i += VL) {
        const V re = V::Load(ck + i), im = V::Load(ck + TB + i);
        Fma(re, re, im * im).Store(size + i);
      }
      int r = k;
      T best = size[k] * 4;
      for (int i = k + 1; i < n; i++)
        if (size[i] > best) best = size[i], r = i;
      best = size[r];
      if (!(best > 0) || !(best <= std::numeric_limits<T>::max())) {
        *pivot = std::sqrt(static_cast<double>(best));
        return k;
      }
      swapped[k] = r;
      if (r != k)
        for (int j = 0; j < n; j++) {
          T* const cj = d + j * 2 * TB;
          const T re = cj[k], im = cj[TB + k];
          cj[k] = cj[r], cj[TB + k] = cj[TB + r];
          cj[r] = re, cj[TB + r] = im;
        }
      const T pr = ck[k] / best, pi = -ck[TB + k] / best;  // 1/pivot
      // Row k times 1/pivot; the other rows minus their entry of column k times that row.
      for (int i = 0; i < 2 * TB; i += VL) {
        V::Load(ck + i).Store(col + i);
        V::Fill(0).Store(ck + i);
      }
      col[k] = col[TB + k] = 0;
      ck[k] = 1;
      V ar[TB / VL], ai[TB / VL];
      for (int i = 0; i < TB / VL; i++) ar[i] = V::Load(col + i * VL), ai[i] = V::Load(col + TB + i * VL);
      for (int j = 0; j < n; j++) {
        T* const cj = d + j * 2 * TB;
        const T xr = cj[k], xi = cj[TB + k];
        const T sr = std::fma(xr, pr, -(xi * pi)), si = std::fma(xr, pi, xi * pr);
        const V vr = V::Fill(sr), vi = V::Fill(si);
        for (int i = 0; i < TB / VL; i++) {
          Fma(ai[i], vi, Fnma(ar[i], vr, V::Load(cj + i * VL))).Store(cj + i * VL);
          Fnma(ai[i], vr, Fnma(ar[i], vi, V::Load(cj + TB + i * VL))).Store(cj + TB + i * VL);
        }
        cj[k] = sr;
        cj[TB + k] = si;
      }
    }
    for (int k = n - 1; k >= 0; k--) {  // rows were exchanged: so are the inverse's columns
      if (swapped[k] == k) continue;
      T* const a = d + k * 2 * TB;
      T* const b = d + swapped[k] * 2 * TB;
      for (int i = 0; i < 2 * TB; i += VL) {
        const V x = V::Load(a + i);
        V::Load(b + i).Store(a + i);
        x.Store(b + i);
      }
    }
    for (int j = 0; j < n; j++)
      for (int i = 0; i < TB; i += VL) {
        T* const o = out + i * n * 2 + j * 2 * VL;
        V::Load(d + j * 2 * TB + i).Store(o);
        V::Load(d + j * 2 * TB + TB + i).Store(o + VL);
      }
    return n;
  }

  // Inverts the tile; where it is singular or nearly so, adds 1 to diagonal entries until it is not, and notes their rows.
  static int InvertSafely(T* d, int n, T* out, double* pivot, int64_t row, helm_report* report) {
    alignas(64) T kept[2 * TB * TB];
    memcpy(kept, d, sizeof(T) * 2 * TB * static_cast<size_t>(n));
    for (int tries = 0; tries <= n; tries++) {
      const int done = Invert(d, n, out, pivot);
      int at = done;
      if (done == n) {
        T size = 0, largest = 0;
        for (int i = 0; i < 2 * TB * n; i++) size = std::fabs(out[i]) > size ? std::fabs(out[i]) : size;
        if (!(size > Limit<T>())) return n;
        for (int i = 0; i < n; i++) {
          const T* const o = out + (i / VL) * n * 2 * VL + i * 2 * VL + i % VL;
          const T m = std::fma(o[0], o[0], o[VL] * o[VL]);
          if (m >= largest) largest = m, at = i;
        }
      } else if (*pivot != 0) {
        return done;  // not finite
      }
      if (tries == n || !Bump(report, row + at)) return done;
      kept[at * 2 * TB + at] += 1;
      memcpy(d, kept, sizeof(T) * 2 * TB * static_cast<size_t>(n));
    }
    return n;
  }

  // Eliminates the pivots of an assembled front: fp the pivot columns, fb the boundary columns, u workspace for U.
  // Returns p, or the pivot at which it broke down.
  static int Eliminate(int p, int b, const T* fp, const T* fb, T* u, T* factor, T* s, int64_t first,
                       helm_report* report) {
    const int64_t pr = Padded(p), br = Padded(b), rows = pr + br;
    const int tiles = static_cast<int>(pr / TB);
    T* const inverse = factor;
    T* const l11 = inverse + 2 * TB * TB * static_cast<int64_t>(tiles);
    T* const l21 = l11 + static_cast<int64_t>(TB) * TB * tiles * (tiles - 1);
    const int64_t stride = 2 * VL * static_cast<int64_t>(p);  // of panels of U and of L21
    T* const u21 = u + pr * 2 * p;
    alignas(64) T d[2 * TB * TB];
    for (int t = 0; t < tiles; t++) {
      const int64_t k0 = static_cast<int64_t>(t) * TB;
      const int w = static_cast<int>(p - k0 < TB ? p - k0 : TB);
      const T* const ut = u + (k0 / VL) * stride;  // U of the tile's rows: the right operand
      const T* const lt = l11 + TB * TB * static_cast<int64_t>(t) * (t - 1);
      for (int64_t j0 = 0; j0 < w; j0 += NR) {
        const int nc = static_cast<int>(w - j0 < NR ? w - j0 : NR);
        const T* uj = ut + (j0 / VL) * stride + j0 % VL;
        for (int64_t i = 0; i < TB; i += VL)
          Subtract(lt + i * 2 * k0, uj, k0, fp + 2 * rows * (k0 + j0) + k0 + i, rows, d + j0 * 2 * TB + i, 2 * TB, TB,
                   nc);
      }
      // The tile's upper triangle was not assembled: mirror the lower one.
      for (int j = 0; j < w; j++)
        for (int i = 0; i < j; i++) {
          d[j * 2 * TB + i] = d[i * 2 * TB + j];
          d[j * 2 * TB + TB + i] = d[i * 2 * TB + TB + j];
        }
      T* const di = inverse + 2 * TB * TB * static_cast<int64_t>(t);
      const int done = InvertSafely(d, w, di, &report->pivot, first + k0, report);
      if (done < w) return static_cast<int>(k0) + done;
      for (int64_t i = k0 + TB; i < rows; i += VL) {
        const bool below = i >= pr;
        T* li;
        if (below) {
          li = l21 + (i - pr) / VL * stride;
        } else {
          const int64_t s_ = i / TB;
          li = l11 + TB * TB * s_ * (s_ - 1) + (i % TB) * 2 * s_ * TB;
        }
        T* const ui = u + i / VL * stride;
        for (int64_t j0 = 0; j0 < w; j0 += NR) {
          const int nc = static_cast<int>(w - j0 < NR ? w - j0 : NR);
          Subtract(li, ut + (j0 / VL) * stride + j0 % VL, k0, fp + 2 * rows * (k0 + j0) + i, rows,
                   ui + (k0 + j0) * 2 * VL, 2 * VL, VL, nc);
        }
        Scale(ui + k0 * 2 * VL, di, w, li + k0 * 2 * VL);
      }
    }
    for (int64_t j0 = 0; j0 < b; j0 += NR) {
      const T* uj = u21 + (j0 / VL) * stride + j0 % VL;
      for (int64_t i = j0 / VL * VL; i < b; i += VL)
        Subtract(l21 + i / VL * stride, uj, p, fb + 2 * br * j0 + i, br, s + 2 * br * j0 + i, 2 * br, br, NR);
    }
    return p;
  }
};
