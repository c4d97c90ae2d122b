// Vectors of N lanes of float or double with an explicit fused multiply-add. Included once per instruction set, inside
// its namespace and under its target pragma.

template <class T, int N>
struct Lanes;

#define HELM_LANES(T, N, R, P, S)                                                                       \
  template <>                                                                                           \
  struct Lanes<T, N> {                                                                                  \
    R v;                                                                                                \
    static Lanes Load(const T* p) { return {P##_loadu_##S(p)}; }                                        \
    static Lanes Fill(T x) { return {P##_set1_##S(x)}; }                                                \
    void Store(T* p) const { P##_storeu_##S(p, v); }                                                    \
  };                                                                                                    \
  static inline Lanes<T, N> operator+(Lanes<T, N> a, Lanes<T, N> b) { return {P##_add_##S(a.v, b.v)}; } \
  static inline Lanes<T, N> operator-(Lanes<T, N> a, Lanes<T, N> b) { return {P##_sub_##S(a.v, b.v)}; } \
  static inline Lanes<T, N> operator*(Lanes<T, N> a, Lanes<T, N> b) { return {P##_mul_##S(a.v, b.v)}; } \
  static inline Lanes<T, N> operator/(Lanes<T, N> a, Lanes<T, N> b) { return {P##_div_##S(a.v, b.v)}; } \
  static inline Lanes<T, N> Max(Lanes<T, N> a, Lanes<T, N> b) { return {P##_max_##S(a.v, b.v)}; }       \
  static inline Lanes<T, N> Fma(Lanes<T, N> a, Lanes<T, N> b, Lanes<T, N> c) { /* a b + c */            \
    return {P##_fmadd_##S(a.v, b.v, c.v)};                                                              \
  }                                                                                                     \
  static inline Lanes<T, N> Fnma(Lanes<T, N> a, Lanes<T, N> b, Lanes<T, N> c) { /* c - a b */           \
    return {P##_fnmadd_##S(a.v, b.v, c.v)};                                                             \
  }

HELM_LANES(float, 4, __m128, _mm, ps)
HELM_LANES(float, 8, __m256, _mm256, ps)
HELM_LANES(double, 2, __m128d, _mm, pd)
HELM_LANES(double, 4, __m256d, _mm256, pd)
#ifdef HELM_V4
HELM_LANES(float, 16, __m512, _mm512, ps)
HELM_LANES(double, 8, __m512d, _mm512, pd)
#endif
#undef HELM_LANES

// One bit per lane where a is not at least b (NaN included).
static inline unsigned Below(Lanes<float, 8> a, Lanes<float, 8> b) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_NGE_UQ)));
}
static inline unsigned Below(Lanes<double, 4> a, Lanes<double, 4> b) {
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(a.v, b.v, _CMP_NGE_UQ)));
}
#ifdef HELM_V4
static inline unsigned Below(Lanes<float, 16> a, Lanes<float, 16> b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_NGE_UQ);
}
static inline unsigned Below(Lanes<double, 8> a, Lanes<double, 8> b) {
  return _mm512_cmp_pd_mask(a.v, b.v, _CMP_NGE_UQ);
}
#endif

// Adds n values of src to dst, n of any size.
template <class T, int N>
static inline void AddRun(T* dst, const T* src, int n) {
  typedef Lanes<T, N> V;
  int i = 0;
  for (; i + N <= n; i += N) (V::Load(dst + i) + V::Load(src + i)).Store(dst + i);
#ifdef HELM_V4
  if (i < n) {
    if constexpr (sizeof(T) == 4) {
      const __mmask16 m = static_cast<__mmask16>((1u << (n - i)) - 1);
      _mm512_mask_storeu_ps(dst + i, m,
                            _mm512_add_ps(_mm512_maskz_loadu_ps(m, dst + i), _mm512_maskz_loadu_ps(m, src + i)));
    } else {
      const __mmask8 m = static_cast<__mmask8>((1u << (n - i)) - 1);
      _mm512_mask_storeu_pd(dst + i, m,
                            _mm512_add_pd(_mm512_maskz_loadu_pd(m, dst + i), _mm512_maskz_loadu_pd(m, src + i)));
    }
  }
#else
  for (; i < n; i++) dst[i] += src[i];
#endif
}

// Transposes an N x N matrix of T in registers: v[i] lane j becomes v[j] lane i.
template <class T, int N>
static inline void Transpose(Lanes<T, N>* v) {
  typedef T Vector __attribute__((vector_size(N * sizeof(T))));
  typedef typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type Index;
  typedef Index Mask __attribute__((vector_size(N * sizeof(T))));
#pragma GCC unroll 4
  for (int s = 1; s < N; s *= 2) {
    Mask low, high;
#pragma GCC unroll 16
    for (int i = 0; i < N; i++) {
      low[i] = (i & s) ? N + (i ^ s) : i;
      high[i] = (i & s) ? N + i : (i ^ s);
    }
#pragma GCC unroll 16
    for (int i = 0; i < N; i++) {
      if (i & s) continue;
      const Vector a = (Vector)v[i].v, b = (Vector)v[i + s].v;
      v[i].v = __builtin_shuffle(a, b, low);
      v[i + s].v = __builtin_shuffle(a, b, high);
    }
  }
}
