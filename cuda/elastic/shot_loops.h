// One shot, all its steps: forward, tangent, transpose. The states are those of scheme_loops.h.
//
// What the transpose needs is kept for `segment` steps at a time. Where that is all steps, it is kept as the wave goes. Else
// the states between segments are, and each segment is done again from there, last to first: the same operations on the same
// numbers, so the same bits, at the cost of one more forward run.

template <class T, int R>
class Shot {
 public:
  Shot(const Job<T>& job, int64_t unit, T* slot)
      : job_(job),
        s_(*job.shape),
        unit_(unit),
        model_(unit / s_.shots),
        shot_(unit % s_.shots),
        slot_(slot),
        scheme_(job, model_) {}

  int Run() {
    const bool linear = job_.tangent || job_.gradient;
    const int64_t many = linear ? job_.many : 0, segments = (s_.steps + s_.segment - 1) / s_.segment;
    const int64_t per = job_.gradient ? s_.adjoint : s_.state;
    T* const state = slot_;
    T* const others = state + s_.state;
    T* const checkpoints = others + many * per;
    kept_ = checkpoints + (job_.gradient ? (segments - 1) * s_.state : 0);
    T* const residual = kept_ + (linear ? s_.segment * kParts * s_.Compact() : 0);
    T* const end = residual + (job_.gradient && job_.observed ? 2 * PerShot() : 0);
    if (!scheme_.Sound() || s_.segment < 1 || s_.steps % s_.each || end > slot_ + s_.slot) return waveprior::kBadArgument;
    memset(slot_, 0, static_cast<size_t>(checkpoints - slot_) * sizeof(T));
    if (!linear) {
      Forward(state, 0, s_.steps, false, true);
      return waveprior::kOk;
    }
    for (int64_t k = 0; job_.tangent && k < segments; k++) {
      const int64_t lo = k * s_.segment, hi = Least(lo + s_.segment, s_.steps);
      Forward(state, lo, hi, true, true);
      for (int64_t d = 0; d < many; d++) Tangent(others + d * per, lo, hi, d);
    }
    if (!job_.gradient) return waveprior::kOk;
    for (int64_t k = 0; k < segments; k++) {
      if (k) memcpy(checkpoints + (k - 1) * s_.state, state, static_cast<size_t>(s_.state) * sizeof(T));
      Forward(state, k * s_.segment, Least((k + 1) * s_.segment, s_.steps), k == segments - 1, true);
    }
    for (int64_t c = 0; job_.observed && c < 2; c++) {
      const T *const d = Of(job_.data, model_, c), *const o = Of(job_.observed, job_.which[model_], c);
      for (int64_t i = 0; i < PerShot(); i++) residual[c * PerShot() + i] = d[i] - o[i];
    }
    for (int64_t d = 0; d < many; d++) memset(Gradient(d), 0, static_cast<size_t>(kParts * s_.Compact()) * sizeof(T));
    for (int64_t k = segments - 1; k >= 0; k--) {
      const int64_t lo = k * s_.segment, hi = Least(lo + s_.segment, s_.steps);
      if (k < segments - 1) {
        if (k) {
          memcpy(state, checkpoints + (k - 1) * s_.state, static_cast<size_t>(s_.state) * sizeof(T));
        } else {
          memset(state, 0, static_cast<size_t>(s_.state) * sizeof(T));
        }
        Forward(state, lo, hi, true, false);
      }
      for (int64_t d = 0; d < many; d++) {
        const int64_t set = (job_.sets == 1 ? 0 : model_) * many + d;
        const T *const wx = job_.observed ? residual : Of(job_.cotangent, set, 0);
        const T *const wz = job_.observed ? residual + PerShot() : Of(job_.cotangent, set, 1);
        Transposed(others + d * per, lo, hi, d, wx, wz);
      }
    }
    return waveprior::kOk;
  }

 private:
  static int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }
  // Numbers of one component of the data of a shot.
  int64_t PerShot() const { return s_.steps / s_.each * s_.receivers; }
  template <class P>
  P* Of(P* data, int64_t item, int64_t component) const {
    return data + ((2 * item + component) * s_.shots + shot_) * PerShot();
  }
  T* Gradient(int64_t d) const { return job_.gradient + (unit_ * job_.many + d) * kParts * s_.Compact(); }
  T* Kept(int64_t n, int64_t lo) const { return kept_ + (n - lo) * kParts * s_.Compact(); }

  void Forward(T* state, int64_t lo, int64_t hi, bool keep, bool record) const {
    const T* const b = scheme_.Buoyancy();
    const Entries<T>& source = job_.sources;
    for (int64_t n = lo; n < hi; n++) {
      const T q = job_.wavelet[shot_ * s_.steps + n];
      T* const kept = keep ? Kept(n, lo) : nullptr;
      int64_t e = source.start[shot_];
      const int64_t end = source.start[shot_ + 1];
      scheme_.Step(state, kept, [&](int64_t row, T* fields) {
        for (; e < end && source.node[4 * e] == row; e++) {
          T* const to = fields + source.node[4 * e + 1];
          const T f = source.weight[e] * q;
          if (row >= s_.rows) {
            *to += f;
            continue;
          }
          const int64_t node = source.node[4 * e + 2];
          *to = waveprior::Fma(b[node], f, *to);
          if (kept) kept[node] += f;
        }
      });
      if (record && job_.data && (n + 1) % s_.each == 0)
        Record(state, Of(job_.data, model_, 0), Of(job_.data, model_, 1), n / s_.each);
    }
  }
  void Tangent(T* state, int64_t lo, int64_t hi, int64_t d) const {
    const int64_t set = model_ * job_.many + d;
    for (int64_t n = lo; n < hi; n++) {
      scheme_.Tangent(state, Kept(n, lo), job_.directions + set * kParts * s_.Compact());
      if ((n + 1) % s_.each == 0) Record(state, Of(job_.tangent, set, 0), Of(job_.tangent, set, 1), n / s_.each);
    }
  }
  void Transposed(T* state, int64_t lo, int64_t hi, int64_t d, const T* wx, const T* wz) const {
    const T* const b = scheme_.Buoyancy();
    const Entries<T>& to = job_.injected;
    for (int64_t n = hi - 1; n >= lo; n--) {
      const bool recorded = (n + 1) % s_.each == 0;
      const T *const kept = Kept(n, lo), *const w[2] = {wx + n / s_.each * s_.receivers, wz + n / s_.each * s_.receivers};
      T* const g = Gradient(d);
      int64_t e = 0;
      const int64_t end = recorded ? to.start[1] : 0;
      scheme_.Transposed(state, kept, g, [&](int64_t row, T* fields) {
        for (; e < end && to.node[4 * e] == row; e++) {
          const int64_t node = to.node[4 * e + 2], channel = to.node[4 * e + 3];
          const T f = b[node] * (to.weight[e] * w[channel / s_.receivers][channel % s_.receivers]);
          fields[to.node[4 * e + 1]] += f;
          g[node] = waveprior::Fma(f, kept[node], g[node]);
        }
      });
    }
  }
  void Record(const T* state, T* vx, T* vz, int64_t row) const {
    const Channels<T>& from = job_.receivers;
    for (int64_t c = 0; c < 2 * s_.receivers; c++) {
      T sum = 0;
      for (int64_t e = from.start[c]; e < from.start[c + 1]; e++)
        sum = waveprior::Fma(from.weight[e], state[from.node[e]], sum);
      (c < s_.receivers ? vx : vz)[row * s_.receivers + c % s_.receivers] = sum;
    }
  }

  const Job<T>& job_;
  const Shape& s_;
  const int64_t unit_, model_, shot_;
  T* const slot_;
  const Scheme<T, R> scheme_;
  T* kept_ = nullptr;
};

template <class T, int R>
int Shots(const Job<T>& job, int64_t lo, int64_t hi) {
  const int64_t slots = job.shape->slots;
  int64_t mine = 0;
  while (mine < slots && __atomic_exchange_n(&job.busy[mine], 1, __ATOMIC_ACQUIRE)) mine++;
  if (mine == slots) return waveprior::kOutOfMemory;
  int code = waveprior::kOk;
  for (int64_t u = lo; u < hi && !code; u++) code = Shot<T, R>(job, u, job.work + mine * job.shape->slot).Run();
  __atomic_store_n(&job.busy[mine], 0, __ATOMIC_RELEASE);
  return code;
}
