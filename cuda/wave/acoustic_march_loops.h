// The loops of acoustic_march_cpu.cc. Unit: one of ../march/grid.h.

template <class T, int R>
static inline void ForwardUnits(waveprior::Args* a, int64_t lo, int64_t hi) {
  const waveprior::march::ForwardCall<T> c = ForwardOf<T>(a);
  const waveprior::march::Grid& g = *reinterpret_cast<const waveprior::march::Grid*>(c.grid);
  const int64_t blocks = a->Int();
  for (int64_t k = lo; k < hi; k++) {
    const waveprior::march::ForwardUnit<T> u(g, c, {g, c.shot, c.many, k}, k);
    March(
        c, blocks, [&](int64_t n) { EachNode(g, waveprior::wave::AcousticForward<T, R>(g, u, n)); },
        [&](int64_t n) { RecordRow(g, u, g.At(n + 1, 0, 0), n); });
  }
}

template <class T, int R>
static inline void BackUnits(waveprior::Args* a, int64_t lo, int64_t hi) {
  const waveprior::march::BackCall<T> c = BackOf<T>(a);
  const waveprior::march::Grid& g = *reinterpret_cast<const waveprior::march::Grid*>(c.grid);
  for (int64_t k = lo; k < hi; k++) {
    const waveprior::march::BackUnit<T> u(g, c, {g, c.shot, c.many, k}, k);
    for (int64_t n = c.first; n < c.last; n++) EachNode(g, waveprior::wave::AcousticBack<T, R>(g, u, n));
  }
}

// ForwardCall of ../march/units.h, blocks, read, written, asked, operations.
template <class T>
int wave_acoustic_march(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  return ByHalo<4>(reinterpret_cast<const waveprior::march::Grid*>(*args)->halo, [&](auto r) {
    ForwardUnits<T, r>(&a, lo, hi);
    return waveprior::kOk;
  });
}

// BackCall of ../march/units.h, blocks, read, written, asked, operations.
template <class T>
int wave_acoustic_back(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  return ByHalo<4>(reinterpret_cast<const waveprior::march::Grid*>(*args)->halo, [&](auto r) {
    BackUnits<T, r>(&a, lo, hi);
    return waveprior::kOk;
  });
}
