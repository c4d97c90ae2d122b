// The loops of sponge_cpu.cc. A state is two fields, the later one in turn, each with two nodes of its other side around it,
// and (rows, wide) numbers of the gradient with respect to the damping.

constexpr int64_t kAhead = 8;  // rows from what is used to what is asked for

template <class T>
class Sponge {
 public:
  typedef T Real;
  typedef Lanes<T> V;
  static constexpr int64_t kEarlier = 1;

  Sponge(const waveprior::Job<T>& job, int64_t model, T*)
      : s_(*job.shape),
        stride_(s_.Stride()),
        c_(job.courant + model * s_.Compact()),
        profile_(job.profile),
        damping_(job.extra[model]),
        stream_(s_.segment * s_.kept * static_cast<int64_t>(sizeof(T)) > kInCache) {}

  bool Sound() const {
    return s_.halo == 2 && s_.rows >= 4 && s_.cols >= 4 && s_.wide % 16 == 0 && s_.wide >= s_.cols &&
           s_.free_surface == 0 && s_.state == 2 * s_.Field() + s_.Compact() && s_.kept == s_.Field() &&
           s_.scratch == 0;
  }

  T* After(T* state, int64_t n) const { return state + ((n + 1) & 1) * s_.Field() + s_.Origin(); }

  // Periodic: a step is one block, and the next one waits for it.
  int64_t Blocks() const { return 1; }
  int64_t Together() const { return 1; }
  waveprior::Range Rows(int64_t) const { return {0, s_.rows}; }

  // What is kept of step n is the field before it.
  void Earlier(T* state, int64_t n, T* keep) const { Copy(keep, After(state, n)); }

  void Step(T* state, int64_t n, int64_t, const Impulse<T>& source, T* keep) const {
    if (!keep) {
      Sweep(state, n);
    } else if (stream_) {
      SweepAndKeep<true>(state, n, keep);
    } else {
      SweepAndKeep<false>(state, n, keep);
    }
    Inject(state, n, source, c_);
    Wrap(After(state, n));
  }

  void Tangent(T* state, int64_t n, int64_t, const Impulse<T>& source, const T* kept, const T* dc,
               const T* ddamping) const {
    Sweep(state, n);
    T* const out = After(state, n);
    const V dk = V::Fill(*ddamping);
    for (int64_t j = 0; j < s_.rows; j++)
      CompareRow(kept, j, [&](int64_t place, int64_t node, V l, V change) {
        const V damped = Fma(dk * V::Load(profile_ + node), change, V::Load(out + place));
        Fma(V::Load(dc + node), l, damped).Store(out + place);
      });
    Inject(state, n, source, dc);
    Wrap(out);
  }

  // Two steps are compared with what was kept at a time, where a segment has them: the gradients then come and go once for
  // both. A row is compared when the sweep and the receivers have just made it. Per node the order of all additions is that
  // of one step at a time.
  void Transposed(T* state, int64_t i, int64_t, const Impulse<T>& source, const Impulse<T>& w, const T* kept,
                  T* g) const {
    T* const y = After(state, i);
    const int64_t at = i % s_.segment;  // all segments but the first one, which is the last here, have as many steps
    const bool second = at % 2 == 1, first = !second && at + 1 < s_.segment && i + 1 < s_.steps;
    Impulse<T> late = source;  // of the step before this one in the transpose, behind it in time
    late.value++;
    for (int64_t j = 0; j < s_.rows; j++) {
      SweepRow(state, i, j, [](int64_t, V) {});
      InjectRows(y, {j, j + 1}, w, c_);
      if (first) continue;
      if (second && (j < source.span.from || j >= source.span.to)) {
        ComparePair(kept, j, After(state, i - 1), y, g, state + 2 * s_.Field());
        continue;
      }
      if (second) CompareOne(kept + s_.kept, j, After(state, i - 1), late, g, state + 2 * s_.Field());
      CompareOne(kept, j, y, source, g, state + 2 * s_.Field());
    }
    Wrap(y);
  }

  // The gradient with respect to the damping, from the state after the last step of the transpose.
  double Last(const T* state) const {
    const T* const g2 = state + 2 * s_.Field();
    double sum = 0;
    for (int64_t j = 0; j < s_.rows; j++)
      for (int64_t i = 0; i < s_.cols; i++) {
        const int64_t node = j * s_.wide + i;
        if (profile_[node] != 0) sum += double(g2[node]) * double(profile_[node]) / double(c_[node]);
      }
    return sum;
  }

 private:
  // c2 S1 + c3 S2 at place..
  WAVEPRIOR_INLINE V Sum(const Window<T>& w, const T* p) const {
    const V s1 =
        SpongeFour(w.template ToLeft<1>(), w.template ToRight<1>(), V::Load(p - stride_), V::Load(p + stride_));
    const V s2 =
        SpongeFour(w.template ToLeft<2>(), w.template ToRight<2>(), V::Load(p - 2 * stride_), V::Load(p + 2 * stride_));
    return SpongeSum(V::Fill(T(4.0 / 3)), s1, V::Fill(T(-1.0 / 12)), s2);
  }

  // Row j of step n without the source; f(i, p) of its vectors before it.
  template <class F>
  WAVEPRIOR_INLINE void SweepRow(T* state, int64_t n, int64_t j, const F& f) const {
    const V one = V::Fill(1), two = V::Fill(2), minus_five = V::Fill(-5), k = V::Fill(damping_);
    const T* const p = After(state, n - 1) + j * stride_;
    T* const q = After(state, n) + j * stride_;
    const int64_t node = j * s_.wide;
    Window<T> w(p);
    for (int64_t i = 0; i < s_.wide; i += V::kCount) {
      const V now = w.Next();
      f(i, now);
      SpongeAdvance(now, V::Load(q + i), V::Load(c_ + node + i), k * V::Load(profile_ + node + i), Sum(w, p + i), one,
                    two, minus_five)
          .Store(q + i);
      w.Move();
    }
  }

  void Sweep(T* state, int64_t n) const {
    for (int64_t j = 0; j < s_.rows; j++) SweepRow(state, n, j, [](int64_t, V) {});
  }

  // The same, and a copy of the field before it with what lies around it. Stream: past the caches.
  template <bool Stream>
  void SweepAndKeep(T* state, int64_t n, T* keep) const {
    const auto put = [](V x, T * to) __attribute__((always_inline)) {
      if constexpr (Stream) {
        x.Stream(to);
      } else {
        x.Store(to);
      }
    };
    const T* const p = After(state, n - 1);
    T* const to = keep + s_.Origin();
    const auto around = [&](int64_t from, int64_t end) {
      for (int64_t i = from; i < end; i += V::kCount) put(V::Load(p + i), to + i);
    };
    around(-s_.Origin(), 0);
    for (int64_t j = 0; j < s_.rows; j++) {
      SweepRow(
          state, n, j, [&](int64_t i, V now) __attribute__((always_inline)) { put(now, to + j * stride_ + i); });
      around(j * stride_ + s_.wide, (j + 1) * stride_);
    }
    around(s_.rows * stride_, s_.Field() - s_.Origin());
  }

  // Row j of both gradients from y of a step, what is kept of it and its source.
  void CompareOne(const T* kept, int64_t j, const T* y, const Impulse<T>& source, T* g, T* g2) const {
    CompareRow(kept, j, [&](int64_t place, int64_t node, V l, V change) {
      const V lambda = V::Load(y + place);
      Fma(lambda, l, V::Load(g + node)).Store(g + node);
      Fma(lambda, change, V::Load(g2 + node)).Store(g2 + node);
    });
    source.Within({j, j + 1}, s_.wide,
                  [&](int64_t node, int64_t place, T f) { g[node] = waveprior::Fma(y[place], f, g[node]); });
  }

  // Row j of both gradients from y1 of step n + 1 and then y2 of step n, of which this is kept; no source acts there.
  void ComparePair(const T* kept, int64_t j, const T* y1, const T* y2, T* g, T* g2) const {
    const V five = V::Fill(5);
    const T *const p2 = kept + s_.Origin() + j * stride_, *const p1 = p2 + s_.Field(), *const p3 = p2 - s_.Field();
    const int64_t soon = Soon(j, 2);
    y1 += j * stride_;
    y2 += j * stride_;
    g += j * s_.wide;
    g2 += j * s_.wide;
    Window<T> w1(p1), w2(p2);
    for (int64_t i = 0; i < s_.wide; i += V::kCount) {
      const V now1 = w1.Next(), now2 = w2.Next(), lambda1 = V::Load(y1 + i), lambda2 = V::Load(y2 + i);
      Ask(p2 + i + soon);
      Ask(p3 + i + soon);
      const V l1 = Sum(w1, p1 + i) - five * now1, l2 = Sum(w2, p2 + i) - five * now2;
      Fma(lambda2, l2, Fma(lambda1, l1, V::Load(g + i))).Store(g + i);
      Fma(lambda2, V::Load(p3 + i) - now2, Fma(lambda1, now2 - now1, V::Load(g2 + i))).Store(g2 + i);
      w1.Move();
      w2.Move();
    }
  }

  // From row j of a field of which the like were kept past the caches, to what will be needed soon: some rows below, or the
  // first ones of the field so many steps before.
  int64_t Soon(int64_t j, int64_t steps) const {
    return j + kAhead < s_.rows ? kAhead * stride_ : (kAhead - s_.rows) * stride_ - steps * s_.Field();
  }

  // f(place, node, S - 5 p, p(n-1) - p(n)) of row j of what is kept of step n.
  template <class F>
  WAVEPRIOR_INLINE void CompareRow(const T* kept, int64_t j, const F& f) const {
    const V five = V::Fill(5);
    const T* const p = kept + s_.Origin() + j * stride_;
    const T* const before = p - s_.Field();
    const T* const soon = before + Soon(j, 1);
    Window<T> w(p);
    for (int64_t i = 0; i < s_.wide; i += V::kCount) {
      const V now = w.Next();
      Ask(soon + i);
      f(j * stride_ + i, j * s_.wide + i, Sum(w, p + i) - five * now, V::Load(before + i) - now);
      w.Move();
    }
  }

  void Inject(T* state, int64_t n, const Impulse<T>& source, const T* c) const {
    InjectRows(After(state, n), Rows(0), source, c);
  }
  void InjectRows(T* p, waveprior::Range rows, const Impulse<T>& source, const T* c) const {
    source.Within(rows, s_.wide, [&](int64_t node, int64_t place, T f) { p[place] += c[node] * f; });
  }

  // Puts the two nodes of the other side around a field, and nothing beyond the last column's.
  void Wrap(T* p) const {
    for (int64_t j = 0; j < s_.rows; j++) {
      T* const row = p + j * stride_;
      for (int64_t i = s_.cols; i < s_.wide; i++) row[i] = 0;
      for (int k = 0; k < 2; k++) {
        row[s_.cols + k] = row[k];
        row[k - 2] = row[s_.cols + k - 2];
      }
    }
    const size_t bytes = static_cast<size_t>(s_.wide) * sizeof(T);
    for (int k = 0; k < 2; k++) {
      memcpy(p + (s_.rows + k) * stride_, p + k * stride_, bytes);
      memcpy(p + (k - 2) * stride_, p + (s_.rows + k - 2) * stride_, bytes);
    }
  }

  void Copy(T* to, const T* p) const { memcpy(to, p - s_.Origin(), static_cast<size_t>(s_.Field()) * sizeof(T)); }

  const waveprior::Shape& s_;
  const int64_t stride_;
  const T* const c_;
  const T* const profile_;  // (rows, wide)
  const T damping_;         // dt kappa0
  const bool stream_;       // what a segment keeps is more than caches hold
};

template <class T>
int wave_sponge(const uint64_t* args, int64_t lo, int64_t hi) {
  return Shots<Sponge<T>>(waveprior::Job<T>(args), lo, hi);
}
