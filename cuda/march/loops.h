// How the CPU loops of a batch go through units, phases and nodes. Included by files of loops before the scheme's own.

// The arguments are read in the order of the members: so braces do it.
template <class T>
static inline waveprior::march::ForwardCall<T> ForwardOf(waveprior::Args* a) {
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
static inline waveprior::march::BackCall<T> BackOf(waveprior::Args* a) {
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
static inline void EachNode(const waveprior::march::Grid& g, const F& f) {
  for (int32_t j = 0; j < g.rows; j++)
    for (int32_t i = 0; i < g.cols; i++) f(j, i);
}

// Row `row` of a shot's data, from what lies from `origin` of its state on.
template <class T>
static inline void RecordRow(const waveprior::march::Grid& g, const waveprior::march::ForwardUnit<T>& u, int32_t origin,
                             int64_t row) {
  if (!u.data) return;
  for (int32_t c = 0; c < g.components * g.receivers; c++)
    u.data.Set(g.Datum(u.number, row, c), u.record(g, u.state, origin, c));
}

// Phases first..last-1 of a forward unit, as grid.h says under Launch.
template <class T, class Phase, class Rows>
static inline void March(const waveprior::march::ForwardCall<T>& c, int64_t blocks, const Phase& phase,
                         const Rows& record) {
  if (blocks > 1 && c.first > 0) record(c.first - 1);
  for (int64_t n = c.first; n < c.last; n++) {
    phase(n);
    if (blocks == 1) record(n);
  }
}
