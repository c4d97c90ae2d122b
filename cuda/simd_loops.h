// One vector of this instruction set, for the loops that the compiler does not put into registers as wanted: the tiles of
// dense products and of distances. Included by files of loops, inside v3 and v4.
#if WAVEPRIOR_V4
constexpr int kBytes = 64;
#else
constexpr int kBytes = 32;
#endif

template <class T>
struct Simd;

#if WAVEPRIOR_V4
#define WAVEPRIOR_SIMD(T, SUFFIX) WAVEPRIOR_SIMD_OF(T, SUFFIX, _mm512)
#else
#define WAVEPRIOR_SIMD(T, SUFFIX) WAVEPRIOR_SIMD_OF(T, SUFFIX, _mm256)
#endif
// Loose is the same vector where memory is aligned to a number only.
#define WAVEPRIOR_SIMD_OF(T, SUFFIX, PREFIX)                                                                  \
  template <>                                                                                                 \
  struct Simd<T> {                                                                                            \
    typedef T Value __attribute__((vector_size(kBytes)));                                                     \
    typedef T Loose __attribute__((vector_size(kBytes), aligned(sizeof(T)), may_alias));                      \
    static constexpr int kLanes = kBytes / static_cast<int>(sizeof(T));                                       \
    static WAVEPRIOR_INLINE Value Spread(T x) { return PREFIX##_set1_##SUFFIX(x); }                           \
    static WAVEPRIOR_INLINE Value Fma(Value a, Value b, Value c) { return PREFIX##_fmadd_##SUFFIX(a, b, c); } \
    static WAVEPRIOR_INLINE Value Load(const T* p) { return *reinterpret_cast<const Loose*>(p); }             \
    static WAVEPRIOR_INLINE void Store(T* p, Value v) { *reinterpret_cast<Loose*>(p) = v; }                   \
    /* Past the caches; p is aligned to kBytes. _mm_sfence before another thread reads. */                    \
    static WAVEPRIOR_INLINE void Stream(T* p, Value v) { PREFIX##_stream_##SUFFIX(p, v); }                    \
  };
WAVEPRIOR_SIMD(float, ps)
WAVEPRIOR_SIMD(double, pd)
#undef WAVEPRIOR_SIMD
#undef WAVEPRIOR_SIMD_OF
