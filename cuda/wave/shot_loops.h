// One shot of a scheme, all its steps: forward, tangent, transpose. Included by files of loops before the scheme's own.
//
// A Scheme<T> has: Real; Sound() (the shape is right), Scratch(), State() (numbers); After(state, n), the field after step
// n; Blocks, Rows, Together, Step, Tangent, Transposed, Last as in Acoustic; and kEarlier, 1 where what is kept of step n is of
// use for step n + 1, too, with Earlier(state, n, keep) that fills what would have been kept of step n - 1.
//
// Blocking in time: a few steps are under way together, each a block of rows behind the one before, so that what several steps
// read and write comes from a far cache once. Every number is made from the same numbers as without.
//
// Fields for the transpose are kept for `segment` steps at a time. Where that is all steps, they are kept as the wave goes.
// Else the states between segments are, and each segment is done again from there, last to first: the same operations on
// the same numbers, so the same bits, at the cost of one more forward run.

constexpr int kTogether = 4;           // steps under way; config.go has it, too
constexpr int64_t kInCache = 8 << 20;  // bytes of kept fields: more go past the caches

// What points put into a field at one step: values times weights.
template <class T>
struct Impulse {
  waveprior::Points<T> points;
  const T* value;  // of point first..last-1
  int64_t first, last;
  waveprior::Range span;  // the rows of their nodes

  // f of the nodes in some rows, which have wide numbers each.
  template <class F>
  WAVEPRIOR_INLINE void Within(waveprior::Range rows, int64_t wide, const F& f) const {
    if (rows.from >= span.to || span.from >= rows.to) return;
    const int64_t lo = rows.from * wide, hi = rows.to * wide;
    for (int64_t k = first; k < last; k++)
      for (int64_t e = points.start[k]; e < points.start[k + 1]; e++)
        if (points.node[2 * e] >= lo && points.node[2 * e] < hi)
          f(points.node[2 * e], points.node[2 * e + 1], points.weight[e] * value[k - first]);
  }
};

// The rows that some points have nodes in: from the first to behind the last.
template <class T>
WAVEPRIOR_INLINE waveprior::Range Span(const waveprior::Points<T>& points, int64_t first, int64_t last, int64_t wide) {
  waveprior::Range rows = {INT64_MAX, 0};
  for (int64_t e = points.start[first]; e < points.start[last]; e++) {
    const int64_t row = points.node[2 * e] / wide;
    if (row < rows.from) rows.from = row;
    if (row >= rows.to) rows.to = row + 1;
  }
  return rows;
}

template <class S>
class Shot {
 public:
  typedef typename S::Real T;

  Shot(const waveprior::Job<T>& job, int64_t unit, T* slot)
      : job_(job),
        s_(*job.shape),
        unit_(unit),
        model_(unit / s_.shots),
        shot_(unit % s_.shots),
        segments_(s_.segment > 0 ? (s_.steps + s_.segment - 1) / s_.segment : 1),
        shot_rows_(Span(job.sources, shot_, shot_ + 1, s_.wide)),
        receiver_rows_(Span(job.receivers, 0, s_.receivers, s_.wide)),
        slot_(slot),
        scheme_(job, model_, slot_) {}

  int Run() {
    const bool linear = job_.tangent || job_.gradient;
    const int64_t many = linear ? job_.many : 0;
    T* const states = slot_ + s_.scratch;
    checkpoints_ = states + (1 + many) * s_.state;
    kept_ = checkpoints_ + (job_.gradient ? (segments_ - 1) * s_.state : 0);
    T* const residual = kept_ + (linear ? (s_.segment + S::kEarlier) * s_.kept : 0);
    T* const end = residual + (job_.gradient && job_.observed ? PerShot() : 0);
    if (!scheme_.Sound() || s_.segment < 1 || end > slot_ + s_.slot) return waveprior::kBadArgument;
    memset(slot_, 0, static_cast<size_t>(checkpoints_ - slot_) * sizeof(T));
    if (!linear) {
      Forward(states, 0, s_.steps, false, true);
      return waveprior::kOk;
    }
    for (int64_t k = 0; job_.tangent && k < segments_; k++) {
      const int64_t lo = First(k), hi = First(k + 1);
      Forward(states, lo, hi, true, true);
      for (int64_t d = 0; d < many; d++) Tangent(states + (1 + d) * s_.state, lo, hi, d);
    }
    if (!job_.gradient) return waveprior::kOk;
    for (int64_t k = 0; k < segments_; k++) {
      const int64_t lo = First(k), hi = First(k + 1);
      if (k) memcpy(checkpoints_ + (k - 1) * s_.state, states, static_cast<size_t>(s_.state) * sizeof(T));
      Forward(states, lo, hi, k == segments_ - 1, true);
    }
    if (job_.observed) {
      const T* const d = Of(job_.data, model_);
      const T* const o = Of(job_.observed, job_.which[model_]);
      for (int64_t i = 0; i < PerShot(); i++) residual[i] = d[i] - o[i];
    }
    for (int64_t d = 0; d < many; d++) memset(Gradient(d), 0, static_cast<size_t>(s_.Compact()) * sizeof(T));
    for (int64_t k = segments_ - 1; k >= 0; k--) {
      const int64_t lo = First(k), hi = First(k + 1);
      if (k < segments_ - 1) {
        if (k) {
          memcpy(states, checkpoints_ + (k - 1) * s_.state, static_cast<size_t>(s_.state) * sizeof(T));
        } else {
          memset(states, 0, static_cast<size_t>(s_.state) * sizeof(T));
        }
        Forward(states, lo, hi, true, false);
      }
      for (int64_t d = 0; d < many; d++)
        Transposed(states + (1 + d) * s_.state, lo, hi, d,
                   job_.observed ? residual : Of(job_.cotangent, Set() * many + d));
    }
    for (int64_t d = 0; job_.dextra_out && d < many; d++)
      job_.dextra_out[unit_ * many + d] = scheme_.Last(states + (1 + d) * s_.state);
    return waveprior::kOk;
  }

 private:
  // The first step of segment k. The first segment takes what is left over: the last one is not done again.
  int64_t First(int64_t k) const {
    const int64_t lo = s_.steps - (segments_ - k) * s_.segment;
    return lo > 0 ? lo : 0;
  }
  int64_t PerShot() const { return s_.steps * s_.receivers; }
  int64_t Set() const { return job_.sets == 1 ? 0 : model_; }
  template <class P>
  P* Of(P* data, int64_t item) const {
    return data + (item * s_.shots + shot_) * PerShot();
  }
  T* Gradient(int64_t d) const { return job_.gradient + (unit_ * job_.many + d) * s_.Compact(); }
  // What step n of the segment from lo on kept.
  T* Kept(int64_t n, int64_t lo) const { return kept_ + (n - lo + S::kEarlier) * s_.kept; }
  Impulse<T> Source(int64_t n) const {
    return {job_.sources, job_.wavelet + shot_ * s_.steps + n, shot_, shot_ + 1, shot_rows_};
  }

  // f(n, block) for steps lo..hi-1 and all blocks, in an order that Together allows.
  template <class F>
  WAVEPRIOR_INLINE void Each(int64_t lo, int64_t hi, const F& f) const {
    const int64_t blocks = scheme_.Blocks(), most = scheme_.Together();
    for (int64_t n = lo; n < hi; n += most) {
      const int64_t steps = n + most < hi ? most : hi - n;
      for (int64_t turn = 0; turn < blocks + steps - 1; turn++)
        for (int64_t k = 0; k < steps; k++)
          if (turn - k >= 0 && turn - k < blocks) f(n + k, turn - k);
    }
  }
  void Forward(T* state, int64_t lo, int64_t hi, bool keep, bool record) const {
    if (keep) scheme_.Earlier(state, lo, kept_);
    Each(lo, hi, [&](int64_t n, int64_t block) {
      scheme_.Step(state, n, block, Source(n), keep ? Kept(n, lo) : nullptr);
      if (record && job_.data) Record(scheme_.After(state, n), block, Of(job_.data, model_) + n * s_.receivers);
    });
  }
  void Tangent(T* state, int64_t lo, int64_t hi, int64_t d) const {
    const int64_t set = model_ * job_.many + d;
    Each(lo, hi, [&](int64_t n, int64_t block) {
      scheme_.Tangent(state, n, block, Source(n), Kept(n, lo), job_.dcourant + set * s_.Compact(),
                      job_.dextra ? job_.dextra + set : nullptr);
      Record(scheme_.After(state, n), block, Of(job_.tangent, model_ * job_.many + d) + n * s_.receivers);
    });
  }
  void Transposed(T* state, int64_t lo, int64_t hi, int64_t d, const T* w) const {
    Each(s_.steps - hi, s_.steps - lo, [&](int64_t i, int64_t block) {
      const int64_t n = s_.steps - 1 - i;
      scheme_.Transposed(state, i, block, Source(n),
                         {job_.receivers, w + n * s_.receivers, 0, s_.receivers, receiver_rows_}, Kept(n, lo),
                         Gradient(d));
    });
  }
  // What the receivers' nodes in the rows of a block add to a row d of the data.
  void Record(const T* p, int64_t block, T* d) const {
    const waveprior::Points<T>& at = job_.receivers;
    const waveprior::Range rows = scheme_.Rows(block);
    if (block && (rows.from >= receiver_rows_.to || receiver_rows_.from >= rows.to)) return;
    const int64_t lo = rows.from * s_.wide, hi = rows.to * s_.wide;
    for (int64_t r = 0; r < s_.receivers; r++) {
      T sum = block ? d[r] : 0;
      for (int64_t e = at.start[r]; e < at.start[r + 1]; e++)
        if (at.node[2 * e] >= lo && at.node[2 * e] < hi) sum = waveprior::Fma(at.weight[e], p[at.node[2 * e + 1]], sum);
      d[r] = sum;
    }
  }

  const waveprior::Job<T>& job_;
  const waveprior::Shape& s_;
  const int64_t unit_, model_, shot_, segments_;
  const waveprior::Range shot_rows_, receiver_rows_;
  T* const slot_;
  const S scheme_;
  T *checkpoints_ = nullptr, *kept_ = nullptr;
};

template <class S>
int Shots(const waveprior::Job<typename S::Real>& job, int64_t lo, int64_t hi) {
  const int64_t slots = job.shape->slots;
  int64_t mine = 0;
  while (mine < slots && __atomic_exchange_n(&job.busy[mine], 1, __ATOMIC_ACQUIRE)) mine++;
  if (mine == slots) return waveprior::kOutOfMemory;
  int code = waveprior::kOk;
  for (int64_t u = lo; u < hi && !code; u++) code = Shot<S>(job, u, job.work + mine * job.shape->slot).Run();
  _mm_sfence();  // what went past the caches lies in the slot before another thread has it
  __atomic_store_n(&job.busy[mine], 0, __ATOMIC_RELEASE);
  return code;
}
