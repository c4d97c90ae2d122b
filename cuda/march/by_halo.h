// Which template runs: that of half as many nodes as the differences' order. Included by files of loops, after ../args.h.

// Returns f of the constant halo, which is one of 1 to LAST.
template <int LAST, int R = 1, class F>
static inline int ByHalo(int64_t halo, const F& f) {
  if constexpr (R > LAST) {
    return waveprior::kBadArgument;
  } else {
    return halo == R ? f(std::integral_constant<int, R>()) : ByHalo<LAST, R + 1>(halo, f);
  }
}
