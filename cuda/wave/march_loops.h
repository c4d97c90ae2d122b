// How the CPU loops of a batch go through units, steps and nodes. Included by files of loops before the scheme's own.

// The arguments are read in the order of the members: so braces do it.
template <class T>
static inline waveprior::wave::ForwardCall<T> ForwardOf(waveprior::Args* a) {
  return {a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<T>(),
          a->Pointer<T>(),
          a->Pointer<T>(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int()};
}

template <class T>
static inline waveprior::wave::BackCall<T> BackOf(waveprior::Args* a) {
  return {a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const int32_t>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const T>(),
          a->Pointer<const int64_t>(),
          a->Pointer<const T>(),
          a->Pointer<T>(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int(),
          a->Int()};
}

template <class F>
static inline void EachNode(const waveprior::wave::Grid& g, const F& f) {
  for (int32_t j = 0; j < g.rows; j++)
    for (int32_t i = 0; i < g.cols; i++) f(j, i);
}

// Steps first..last-1 of a forward unit, as batch.h says under Launch.
template <class T, int Earlier, class Step>
static inline void March(const waveprior::wave::Grid& g, const waveprior::wave::ForwardCall<T>& c,
                         const waveprior::wave::ForwardUnit<T, Earlier>& u, int64_t blocks, const Step& step) {
  const auto record = [&](int64_t n) {
    if (!u.data) return;
    for (int32_t r = 0; r < g.receivers; r++) u.data.Set(n * g.receivers + r, u.record(g, u.state, n + 1, r));
  };
  if (blocks > 1 && c.first > 0) record(c.first - 1);
  for (int64_t n = c.first; n < c.last; n++) {
    step(n);
    if (blocks == 1) record(n);
  }
}
