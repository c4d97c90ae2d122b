// One shot, all its steps: forward, tangent, transpose. The states are those of scheme_loops.h.
//
// What the transpose needs is kept for `segment` steps at a time. Where that is all steps, it is kept as the wave goes. Else
// the states between segments are, and each segment is done again from there, last to first: the same operations on the same
// numbers, so the same bits, at the cost of one more forward run.

constexpr int64_t kInCache = 8 << 20;  // bytes of what is kept: more go past the caches

template <class T, int R>
class Shot {
 public:
  Shot(const Job<T>& job, int64_t unit, T* slot)
      : job_(job),
        s_(*job.shape),
        unit_(unit),
        model_(unit / s_.shots),
        shot_(unit % s_.shots),
        segments_(s_.segment > 0 ? (s_.steps + s_.segment - 1) / s_.segment : 1),
        slot_(slot),
        stream_(s_.segment * 2 * s_.Compact() * static_cast<int64_t>(sizeof(T)) > kInCache),
        scheme_(job, model_) {
    const Entries<T>& source = job.sources;
    for (int64_t e = source.start[shot_]; e < source.start[shot_ + 1]; e++) {
      const int64_t row = RowOf(source.node[e]);
      first_ = Least(first_, row);
      last_ = row < last_ ? last_ : row + 1;
    }
  }

  int Run() {
    const bool linear = job_.tangent || job_.gradient;
    const int64_t many = linear ? job_.many : 0, segments = segments_;
    T* const state = slot_;
    T* const others = state + s_.state;
    T* const checkpoints = others + many * s_.state;
    kept_ = checkpoints + (job_.gradient ? (segments - 1) * s_.state : 0);
    per_step_ = (job_.gradient ? 2 : kParts) * s_.Compact();
    drive_ = kept_ + (linear ? s_.segment * per_step_ : 0);
    T* const residual = drive_ + (job_.gradient ? 4 * s_.wide : 0);
    T* const end = residual + (job_.gradient && job_.observed ? 2 * PerShot() : 0);
    if (!scheme_.Sound() || s_.segment < 1 || (job_.gradient && s_.segment % 2 && s_.segment < s_.steps) ||
        s_.steps % s_.each || end > slot_ + s_.slot)
      return waveprior::kBadArgument;
    memset(slot_, 0, static_cast<size_t>(checkpoints - slot_) * sizeof(T));
    if (!linear) {
      Forward<kPlain>(state, 0, s_.steps, true);
      return waveprior::kOk;
    }
    for (int64_t k = 0; job_.tangent && k < segments; k++) {
      const int64_t lo = First(k), hi = First(k + 1);
      Forward<kAll>(state, lo, hi, true);
      for (int64_t d = 0; d < many; d++) Tangent(others + d * s_.state, lo, hi, d);
    }
    if (!job_.gradient) return waveprior::kOk;
    for (int64_t k = 0; k < segments; k++) {
      if (k) memcpy(checkpoints + (k - 1) * s_.state, state, static_cast<size_t>(s_.state) * sizeof(T));
      if (k < segments - 1) {
        Forward<kPlain>(state, First(k), First(k + 1), true);
      } else {
        Forward<kVelocities>(state, First(k), First(k + 1), true);
      }
    }
    for (int64_t c = 0; job_.observed && c < 2; c++) {
      const T *const d = Of(job_.data, model_, c), *const o = Of(job_.observed, job_.which[model_], c);
      for (int64_t i = 0; i < PerShot(); i++) residual[c * PerShot() + i] = d[i] - o[i];
    }
    for (int64_t d = 0; d < many; d++) memset(Gradient(d), 0, static_cast<size_t>(kParts * s_.Compact()) * sizeof(T));
    for (int64_t k = segments - 1; k >= 0; k--) {
      const int64_t lo = First(k), hi = First(k + 1);
      if (k < segments - 1) {
        if (k) {
          memcpy(state, checkpoints + (k - 1) * s_.state, static_cast<size_t>(s_.state) * sizeof(T));
        } else {
          memset(state, 0, static_cast<size_t>(s_.state) * sizeof(T));
        }
        Forward<kVelocities>(state, lo, hi, false);
      }
      for (int64_t d = 0; d < many; d++) {
        const int64_t set = (job_.sets == 1 ? 0 : model_) * many + d;
        const T* const wx = job_.observed ? residual : Of(job_.cotangent, set, 0);
        const T* const wz = job_.observed ? residual + PerShot() : Of(job_.cotangent, set, 1);
        Transposed(others + d * s_.state, lo, hi, d, wx, wz);
      }
    }
    return waveprior::kOk;
  }

 private:
  // The first step of segment k. The first segment takes what is left over: the last one is not done again.
  int64_t First(int64_t k) const {
    const int64_t lo = s_.steps - (segments_ - k) * s_.segment;
    return lo > 0 ? lo : 0;
  }
  static int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }
  // Numbers of one component of the data of a shot.
  int64_t PerShot() const { return s_.steps / s_.each * s_.receivers; }
  template <class P>
  P* Of(P* data, int64_t item, int64_t component) const {
    return data + ((2 * item + component) * s_.shots + shot_) * PerShot();
  }
  T* Gradient(int64_t d) const { return job_.gradient + (unit_ * job_.many + d) * kParts * s_.Compact(); }
  T* Kept(int64_t n, int64_t lo) const { return kept_ + (n - lo) * per_step_; }
  // Of an entry: its row, and its place in what a step kept for a tangent (rows, 5, wide).
  int64_t RowOf(const Node& node) const { return node.at % s_.Compact() / s_.wide; }
  int64_t KeptAt(const Node& node) const {
    const int64_t part = node.at / s_.Compact(), at = node.at % s_.Compact();
    return at + ((kParts - 1) * (at / s_.wide) + part) * s_.wide;
  }

  // f(n, steps) for steps lo..hi-1 in portions of those that are under way together.
  template <class F>
  WAVEPRIOR_INLINE void Portions(int64_t lo, int64_t hi, int64_t together, const F& f) const {
    for (int64_t n = lo; n < hi; n += together) f(n, Least(together, hi - n));
  }

  template <Mode M>
  void Forward(T* state, int64_t lo, int64_t hi, bool record) const {
    Portions(lo, hi, scheme_.Together(), [&](int64_t n, int64_t steps) { Ahead<M>(state, lo, n, steps, record); });
  }
  template <Mode M>
  __attribute__((noinline)) void Ahead(T* state, int64_t lo, int64_t n, int64_t steps, bool record) const {
    const T* const b = scheme_.Buoyancy();
    const Entries<T>& source = job_.sources;
    const int64_t begin = source.start[shot_], end = source.start[shot_ + 1];
    const T* const q = job_.wavelet + shot_ * s_.steps + n;
    Recorder recorders[kTogether];
    Pass<T> passes[kTogether];
    for (int64_t k = 0; k < steps; k++) {
      recorders[k] = Recorder(*this, record ? job_.data : nullptr, model_, n + k);
      passes[k].kept = Kept(n + k, lo);
      passes[k].stream = stream_;
    }
    scheme_.template Sweep<M>(
        state, steps, passes, [&](int64_t k, int64_t j, When when) __attribute__((always_inline)) {
          if (j >= first_ && j < last_)
            for (int64_t e = begin; e < end; e++) {
              const Node& node = source.node[e];
              if (when == kMoved ? node.row != j : node.row < s_.rows || RowOf(node) != j) continue;
              const T f = source.weight[e] * q[k];
              T* const to = state + node.place;
              if (when == kStressed) {
                *to += f;
                continue;
              }
              *to = waveprior::Fma(b[node.at], f, *to);
              if (M == kAll) Kept(n + k, lo)[KeptAt(node)] += f;
            }
          if (when == kMoved) recorders[k].Row(*this, state, j);
        });
  }
  void Tangent(T* state, int64_t lo, int64_t hi, int64_t d) const {
    const int64_t set = model_ * job_.many + d;
    const T* const along = job_.directions + set * kParts * s_.Compact();
    Portions(lo, hi, scheme_.Together(), [&](int64_t n, int64_t steps) {
      Recorder recorders[kTogether];
      Pass<T> passes[kTogether];
      for (int64_t k = 0; k < steps; k++) {
        recorders[k] = Recorder(*this, job_.tangent, set, n + k);
        passes[k].kept = Kept(n + k, lo);
        passes[k].along = along;
      }
      scheme_.template Sweep<kDriven>(state, steps, passes, [&](int64_t k, int64_t j, When when) {
        if (when == kMoved) recorders[k].Row(*this, state, j);
      });
    });
  }
  void Transposed(T* state, int64_t lo, int64_t hi, int64_t d, const T* wx, const T* wz) const {
    const Entries<T>& from = job_.injected;
    const int64_t end = from.start[1], wide = s_.wide;
    T *const g = Gradient(d), *const drive = drive_;
    const int64_t together = scheme_.TogetherBack();
    memset(drive, 0, static_cast<size_t>(4 * wide) * sizeof(T));
    bool clean = true;
    Portions(0, hi - lo, together, [&](int64_t i, int64_t steps) {
      int64_t injected[kTogether], row[kTogether];
      Pass<T> passes[kTogether];
      for (int64_t k = 0; k < steps; k++) {
        const int64_t n = hi - 1 - i - k;
        Pass<T>& p = passes[k];
        injected[k] = (n + 1) % s_.each ? end : 0;
        row[k] = n / s_.each * s_.receivers;
        p.kept = Kept(n, lo);
        p.gradient = g;
        p.later = Kept(n - together < lo ? lo : n - together, lo);
        // A step that gathers reads what step n - 1 kept kBehind pairs before that step's own pass does.
        p.gathers = (i + k) % 2 == 0;
        p.ahead = p.gathers ? kAhead : kAhead + 2 * kBehind;
        if (p.gathers && n > lo) p.before = Kept(n - 1, lo);
      }
      scheme_.template Sweep<kTransposed>(state, steps, passes, [&](int64_t k, int64_t j, int64_t stop) -> const T* {
        if (!clean) memset(drive, 0, static_cast<size_t>(4 * wide) * sizeof(T));
        clean = true;
        int64_t& e = injected[k];
        while (e < end && from.node[e].row < stop) {
          const Node& node = from.node[e];
          const int64_t part = node.channel >= s_.receivers;
          const T* const w = (part ? wz : wx) + row[k] + node.channel - part * s_.receivers;
          const T* const weight = from.weight + e;
          T* const to = drive + node.at - part * s_.Compact() + (part + node.row - 2 * j) * wide;
          for (int64_t c = 0; c < node.run; c++) to[c] += weight[c] * w[c];
          e += node.run;
          clean = false;
        }
        return clean ? nullptr : drive;
      });
    });
  }

  // What a step's velocities add to a row of the data: the rows of the grid come in their order, as the entries do.
  struct Recorder {
    Recorder() {}
    // Of step n, into data (items, 2, shots, rows, receivers), unless null or no row ends with the step.
    Recorder(const Shot& shot, T* data, int64_t item, int64_t n) : end(shot.job_.injected.start[1]) {
      const Shape& s = shot.s_;
      if (!data || (n + 1) % s.each) {
        end = 0;
        return;
      }
      x = shot.Of(data, item, 0) + n / s.each * s.receivers;
      z = shot.Of(data, item, 1) + n / s.each * s.receivers;
      memset(x, 0, static_cast<size_t>(s.receivers) * sizeof(T));
      memset(z, 0, static_cast<size_t>(s.receivers) * sizeof(T));
    }
    WAVEPRIOR_INLINE void Row(const Shot& shot, const T* state, int64_t j) {
      const Entries<T>& from = shot.job_.injected;
      if (next >= end || from.node[next].row != j) return;
      const Shape& s = shot.s_;
      // A cotangent on row 0 of a free surface acts on half a cell, and has twice the weight.
      const int64_t halves = s.free_surface && !j ? s.Field() : 0;
      while (next < end && from.node[next].row == j) {
        const Node& node = from.node[next];
        const T* const weight = from.weight + next;
        const T half = node.place < halves ? T(0.5) : T(1);
        T* const d = node.channel < s.receivers ? x + node.channel : z + node.channel - s.receivers;
        for (int64_t c = 0; c < node.run; c++) d[c] = waveprior::Fma(half * weight[c], state[node.place + c], d[c]);
        next += node.run;
      }
    }
    T *x = nullptr, *z = nullptr;
    int64_t next = 0, end = 0;
  };

  const Job<T>& job_;
  const Shape& s_;
  const int64_t unit_, model_, shot_, segments_;
  T* const slot_;
  const bool stream_;                     // what a segment keeps is more than caches hold
  int64_t first_ = INT64_MAX, last_ = 0;  // rows first_..last_-1 have sources
  const Scheme<T, R> scheme_;
  T *kept_ = nullptr, *drive_ = nullptr;
  int64_t per_step_ = 0;  // numbers that a step keeps
};

template <class T, int R>
int Shots(const Job<T>& job, int64_t lo, int64_t hi) {
  const int64_t slots = job.shape->slots;
  int64_t mine = 0;
  while (mine < slots && __atomic_exchange_n(&job.busy[mine], 1, __ATOMIC_ACQUIRE)) mine++;
  if (mine == slots) return waveprior::kOutOfMemory;
  int code = waveprior::kOk;
  for (int64_t u = lo; u < hi && !code; u++) code = Shot<T, R>(job, u, job.work + mine * job.shape->slot).Run();
  _mm_sfence();  // what went past the caches lies in the slot before another thread has it
  __atomic_store_n(&job.busy[mine], 0, __ATOMIC_RELEASE);
  return code;
}
