// Right-hand sides in and solutions out: between vectors of interleaved complex numbers in the grid's order and rows in
// the order of elimination, W nodes by W vectors at a time, transposed in registers.
//
// Scaling     each right-hand side is scaled by a power of two to at most 1 and back, so that single precision neither
//             overflows nor flushes to zero, whatever units and however small a residual.
// Layout      rows: see solve.h.
// Test        TestScaling, TestSameBits in factor_test.go.

// A power of two that brings the largest of `reals` numbers to [1/2, 1), within what C and T can hold.
template <class C, int N>
static double UnitScale(const C* x, int64_t reals) {
  typedef Lanes<C, N> V;
  V a = V::Fill(0), b = V::Fill(0);
  const V zero = V::Fill(0);
  int64_t i = 0;
  for (; i + 2 * N <= reals; i += 2 * N) {
    const V p = V::Load(x + i), q = V::Load(x + i + N);
    a = Max(a, Max(p, zero - p));
    b = Max(b, Max(q, zero - q));
  }
  C all[2 * N];
  a.Store(all);
  b.Store(all + N);
  double largest = 0;
  for (const C v : all) largest = v > largest ? static_cast<double>(v) : largest;
  for (; i < reals; i++) {
    const double v = std::fabs(static_cast<double>(x[i]));
    largest = v > largest ? v : largest;
  }
  if (!(largest > 0) || !(largest <= std::numeric_limits<double>::max())) return 1;
  int exponent = 0;
  std::frexp(largest, &exponent);
  const int most = sizeof(C) == 4 ? 60 : 960;
  exponent = exponent > most ? most : exponent < -most ? -most : exponent;
  return std::ldexp(1.0, -exponent);
}

template <class T, int W>
struct Panel {
  typedef Lanes<T, W> V;
  typedef T Vector __attribute__((vector_size(W * sizeof(T))));
  typedef typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type Index;
  typedef Index Mask __attribute__((vector_size(W * sizeof(T))));

  // Splits W complex numbers, scaled, into real and imaginary parts.
  static inline void Split(const T* x, double scale, V* re, V* im) {
    Mask even, odd;
    for (int i = 0; i < W; i++) even[i] = 2 * i, odd[i] = 2 * i + 1;
    const V s = V::Fill(static_cast<T>(scale));
    const Vector a = (Vector)(V::Load(x) * s).v, b = (Vector)(V::Load(x + W) * s).v;
    re->v = __builtin_shuffle(a, b, even);
    im->v = __builtin_shuffle(a, b, odd);
  }
  template <class C>
  static inline void Split(const C* x, double scale, V* re, V* im) {
    alignas(64) T t[2 * W];
    for (int i = 0; i < 2 * W; i++) t[i] = static_cast<T>(static_cast<double>(x[i]) * scale);
    Split(t, 1.0, re, im);
  }

  // The reverse. Adding zero makes -0 to 0.
  static inline void Join(V re, V im, double scale, T* x) {
    Mask low, high;
    for (int i = 0; i < W; i++) {
      low[i] = i / 2 + (i % 2) * W;
      high[i] = (i + W) / 2 + (i % 2) * W;
    }
    const V s = V::Fill(static_cast<T>(scale)), zero = V::Fill(0);
    V out;
    out.v = __builtin_shuffle((Vector)re.v, (Vector)im.v, low);
    Fma(out, s, zero).Store(x);
    out.v = __builtin_shuffle((Vector)re.v, (Vector)im.v, high);
    Fma(out, s, zero).Store(x + W);
  }
  template <class C>
  static inline void Join(V re, V im, double scale, C* x) {
    alignas(64) T t[2 * W];
    Join(re, im, 1.0, t);
    for (int i = 0; i < 2 * W; i++) x[i] = static_cast<C>(static_cast<double>(t[i]) * scale);
  }

  // Asks for the rows of W nodes from i on, which lie in no order that the processor could guess.
  static inline void Fetch(const int32_t* order, int64_t i, int64_t n, const T* rows) {
    if (i + W > n) return;
    for (int q = 0; q < W; q++) {
      const T* const row = rows + static_cast<int64_t>(order[i + q]) * 2 * W;
      for (int at = 0; at < 2 * W; at += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(row + at);
    }
  }

  // Fills rows from `lanes` vectors of n complex numbers, and marks the owners of what is not zero.
  template <class C>
  static void In(const C* x, int64_t n, int lanes, const double* scale, const int32_t* order, const int32_t* owner,
                 T* rows, uint8_t* active) {
    int64_t i = 0;
    const V zero = V::Fill(0);
    for (; i + W <= n; i += W) {
      Fetch(order, i + W, n, rows);
      V re[W], im[W], most = zero;
      for (int k = 0; k < W; k++) {
        re[k] = im[k] = zero;
        if (k >= lanes) continue;
        Split(x + 2 * (n * k + i), scale[k], &re[k], &im[k]);
        // A NaN must not count as zero: Max returns its second argument then.
        most = Max(Max(Max(re[k], zero - re[k]), Max(im[k], zero - im[k])), most);
      }
      alignas(64) T size[W];
      most.Store(size);
      Transpose<T, W>(re);
      Transpose<T, W>(im);
      for (int q = 0; q < W; q++) {
        T* const row = rows + static_cast<int64_t>(order[i + q]) * 2 * W;
        re[q].Store(row);
        im[q].Store(row + W);
        if (size[q] != 0) active[owner[i + q]] = 1;
      }
    }
    for (; i < n; i++) {
      T* const row = rows + static_cast<int64_t>(order[i]) * 2 * W;
      for (int k = 0; k < W; k++) {
        row[k] = k < lanes ? static_cast<T>(static_cast<double>(x[2 * (n * k + i)]) * scale[k]) : 0;
        row[W + k] = k < lanes ? static_cast<T>(static_cast<double>(x[2 * (n * k + i) + 1]) * scale[k]) : 0;
        if (!(row[k] == 0 && row[W + k] == 0)) active[owner[i]] = 1;
      }
    }
  }

  template <class C>
  static void Out(const T* rows, int64_t n, int lanes, const double* scale, const int32_t* order, C* x) {
    int64_t i = 0;
    for (; i + W <= n; i += W) {
      Fetch(order, i + W, n, rows);
      V re[W], im[W];
      for (int q = 0; q < W; q++) {
        const T* const row = rows + static_cast<int64_t>(order[i + q]) * 2 * W;
        re[q] = V::Load(row);
        im[q] = V::Load(row + W);
      }
      Transpose<T, W>(re);
      Transpose<T, W>(im);
      for (int k = 0; k < lanes; k++) Join(re[k], im[k], scale[k], x + 2 * (n * k + i));
    }
    for (; i < n; i++) {
      const T* const row = rows + static_cast<int64_t>(order[i]) * 2 * W;
      for (int k = 0; k < lanes; k++) {
        x[2 * (n * k + i)] = static_cast<C>(std::fma(static_cast<double>(row[k]), scale[k], 0.0));
        x[2 * (n * k + i) + 1] = static_cast<C>(std::fma(static_cast<double>(row[W + k]), scale[k], 0.0));
      }
    }
  }
};
