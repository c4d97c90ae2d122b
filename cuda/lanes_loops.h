// A vector of this instruction set as a type with + - *, Fma, and the neighbours of a row's numbers. Included by files of
// loops, inside v3 and v4.
#if WAVEPRIOR_V4
constexpr int kBytes = 64;
#else
constexpr int kBytes = 32;
#endif

template <class T>
struct Lanes;

#if WAVEPRIOR_V4
#define WAVEPRIOR_LANES(T, R, S) WAVEPRIOR_LANES_OF(T, R, S, _mm512)
#else
#define WAVEPRIOR_LANES(T, R, S) WAVEPRIOR_LANES_OF(T, R, S, _mm256)
#endif
#define WAVEPRIOR_LANES_OF(T, R, S, P)                                                                         \
  template <>                                                                                                  \
  struct Lanes<T> {                                                                                            \
    static constexpr int kCount = kBytes / static_cast<int>(sizeof(T));                                        \
    R v;                                                                                                       \
    static WAVEPRIOR_INLINE Lanes Load(const T* p) { return {P##_load_##S(p)}; }                               \
    static WAVEPRIOR_INLINE Lanes Loose(const T* p) { return {P##_loadu_##S(p)}; }                             \
    static WAVEPRIOR_INLINE Lanes Fill(T x) { return {P##_set1_##S(x)}; }                                      \
    WAVEPRIOR_INLINE void Store(T* p) const { P##_store_##S(p, v); }                                           \
    /* Past the caches. _mm_sfence before another thread has the memory. */                                    \
    WAVEPRIOR_INLINE void Stream(T* p) const { P##_stream_##S(p, v); }                                         \
  };                                                                                                           \
  WAVEPRIOR_INLINE Lanes<T> operator+(Lanes<T> a, Lanes<T> b) { return {P##_add_##S(a.v, b.v)}; }              \
  WAVEPRIOR_INLINE Lanes<T> operator-(Lanes<T> a, Lanes<T> b) { return {P##_sub_##S(a.v, b.v)}; }              \
  WAVEPRIOR_INLINE Lanes<T> operator*(Lanes<T> a, Lanes<T> b) { return {P##_mul_##S(a.v, b.v)}; }              \
  WAVEPRIOR_INLINE Lanes<T> Fma(Lanes<T> a, Lanes<T> b, Lanes<T> c) { return {P##_fmadd_##S(a.v, b.v, c.v)}; } \
  /* a b - c */                                                                                                \
  WAVEPRIOR_INLINE Lanes<T> Fms(Lanes<T> a, Lanes<T> b, Lanes<T> c) { return {P##_fmsub_##S(a.v, b.v, c.v)}; }
#if WAVEPRIOR_V4
WAVEPRIOR_LANES(float, __m512, ps)
WAVEPRIOR_LANES(double, __m512d, pd)
#else
WAVEPRIOR_LANES(float, __m256, ps)
WAVEPRIOR_LANES(double, __m256d, pd)
#endif
#undef WAVEPRIOR_LANES
#undef WAVEPRIOR_LANES_OF

// The last K numbers of before and the first of x: what lies K to the left of each number of x.
#if WAVEPRIOR_V4
template <int K>
WAVEPRIOR_INLINE Lanes<float> Left(Lanes<float> x, Lanes<float> before) {
  return {_mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(x.v), _mm512_castps_si512(before.v), 16 - K))};
}
template <int K>
WAVEPRIOR_INLINE Lanes<double> Left(Lanes<double> x, Lanes<double> before) {
  return {_mm512_castsi512_pd(_mm512_alignr_epi64(_mm512_castpd_si512(x.v), _mm512_castpd_si512(before.v), 8 - K))};
}
template <int K>
WAVEPRIOR_INLINE Lanes<float> Right(Lanes<float> x, Lanes<float> after) {
  return {_mm512_castsi512_ps(_mm512_alignr_epi32(_mm512_castps_si512(after.v), _mm512_castps_si512(x.v), K))};
}
template <int K>
WAVEPRIOR_INLINE Lanes<double> Right(Lanes<double> x, Lanes<double> after) {
  return {_mm512_castsi512_pd(_mm512_alignr_epi64(_mm512_castpd_si512(after.v), _mm512_castpd_si512(x.v), K))};
}
#else
// Of four or eight numbers: x and before meet in the middle of across.
template <int K>
WAVEPRIOR_INLINE Lanes<float> Left(Lanes<float> x, Lanes<float> before) {
  const __m256 across = _mm256_permute2f128_ps(before.v, x.v, 0x21);
  return {_mm256_castsi256_ps(_mm256_alignr_epi8(_mm256_castps_si256(x.v), _mm256_castps_si256(across), 16 - 4 * K))};
}
template <int K>
WAVEPRIOR_INLINE Lanes<float> Right(Lanes<float> x, Lanes<float> after) {
  const __m256 across = _mm256_permute2f128_ps(x.v, after.v, 0x21);
  return {_mm256_castsi256_ps(_mm256_alignr_epi8(_mm256_castps_si256(across), _mm256_castps_si256(x.v), 4 * K))};
}
// The upper half of every pair of low and the lower half of that of high.
WAVEPRIOR_INLINE __m256d Middle(__m256d low, __m256d high) { return _mm256_shuffle_pd(low, high, 5); }
template <int K>
WAVEPRIOR_INLINE Lanes<double> Left(Lanes<double> x, Lanes<double> before) {
  const __m256d across = _mm256_permute2f128_pd(before.v, x.v, 0x21);
  return {K == 1 ? Middle(across, x.v) : K == 2 ? across : K == 3 ? Middle(before.v, across) : before.v};
}
template <int K>
WAVEPRIOR_INLINE Lanes<double> Right(Lanes<double> x, Lanes<double> after) {
  const __m256d across = _mm256_permute2f128_pd(x.v, after.v, 0x21);
  return {K == 1 ? Middle(x.v, across) : K == 2 ? across : K == 3 ? Middle(across, after.v) : after.v};
}
#endif

// A vector of a row between those before and after it: its neighbours by shifts in registers.
template <class T>
class Shifted {
 public:
  typedef Lanes<T> V;
  Shifted() = default;
  WAVEPRIOR_INLINE Shifted(V before, V centre) : before_(before), centre_(centre), after_(centre) {}
  // The vector; after is the next one, which Move makes the one in the middle.
  WAVEPRIOR_INLINE V Next(V after) {
    after_ = after;
    return centre_;
  }
  WAVEPRIOR_INLINE void Move() {
    before_ = centre_;
    centre_ = after_;
  }
  template <int K>
  WAVEPRIOR_INLINE V ToLeft() const {
    return Left<K>(centre_, before_);
  }
  template <int K>
  WAVEPRIOR_INLINE V ToRight() const {
    return Right<K>(centre_, after_);
  }

 private:
  V before_, centre_, after_;
};

// Asks memory for the line at p, which is to lie in the second cache when it is used. Processors drop what is asked for while as many
// lines are under way as they can follow: where it counts it is asked for again, nearer to its use.
template <class T>
WAVEPRIOR_INLINE void Ask(const T* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}

#if WAVEPRIOR_V4
// The numbers from p on of a row, aligned, and their neighbours by shifts: an unaligned load of 64 bytes costs two.
template <class T>
class Window : public Shifted<T> {
 public:
  typedef Lanes<T> V;
  explicit WAVEPRIOR_INLINE Window(const T* p) : Shifted<T>(V::Load(p - V::kCount), V::Load(p)), next_(p) {}
  WAVEPRIOR_INLINE V Next() {
    next_ += V::kCount;
    return Shifted<T>::Next(V::Load(next_));
  }

 private:
  const T* next_;
};
#else
// The same with unaligned loads, which are cheap at 32 bytes.
template <class T>
class Window {
 public:
  typedef Lanes<T> V;
  explicit WAVEPRIOR_INLINE Window(const T* p) : p_(p) {}
  WAVEPRIOR_INLINE V Next() { return V::Load(p_); }
  WAVEPRIOR_INLINE void Move() { p_ += V::kCount; }
  template <int K>
  WAVEPRIOR_INLINE V ToLeft() const {
    return V::Loose(p_ - K);
  }
  template <int K>
  WAVEPRIOR_INLINE V ToRight() const {
    return V::Loose(p_ + K);
  }

 private:
  const T* p_;
};
#endif
