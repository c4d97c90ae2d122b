// The loops of sponge_cpu.cc. A state is two fields, the later one in turn, each with two nodes of its other side around it,
// and (rows, wide) numbers of the gradient with respect to the damping.

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
        damping_(job.extra[model]) {}

  bool Sound() const {
    return s_.halo == 2 && s_.rows >= 4 && s_.cols >= 4 && s_.wide % 16 == 0 && s_.wide >= s_.cols &&
           s_.free_surface == 0 && s_.state == 2 * s_.Field() + s_.Compact() && s_.kept == s_.Field() &&
           s_.scratch == 0;
  }

  T* After(T* state, int64_t n) const { return state + ((n + 1) & 1) * s_.Field() + s_.Origin(); }

  // What is kept of step n is the field before it.
  void Earlier(T* state, int64_t n, T* keep) const { Copy(keep, After(state, n)); }

  void Step(T* state, int64_t n, const Impulse<T>& source, T* keep) const {
    if (keep) Copy(keep, After(state, n - 1));
    Sweep(state, n);
    Inject(state, n, source, c_);
    Wrap(After(state, n));
  }

  void Tangent(T* state, int64_t n, const Impulse<T>& source, const T* kept, const T* dc, const T* ddamping) const {
    Sweep(state, n);
    T* const out = After(state, n);
    const V dk = V::Fill(*ddamping);
    Compare(kept, [&](int64_t place, int64_t node, V l, V change) {
      const V damped = Fma(dk * V::Load(profile_ + node), change, V::Load(out + place));
      Fma(V::Load(dc + node), l, damped).Store(out + place);
    });
    Inject(state, n, source, dc);
    Wrap(out);
  }

  void Transposed(T* state, int64_t i, const Impulse<T>& source, const Impulse<T>& w, const T* kept, T* g) const {
    Sweep(state, i);
    Inject(state, i, w, c_);
    T* const y = After(state, i);
    Wrap(y);
    T* const g2 = state + 2 * s_.Field();
    Compare(kept, [&](int64_t place, int64_t node, V l, V change) {
      const V lambda = V::Load(y + place);
      Fma(lambda, l, V::Load(g + node)).Store(g + node);
      Fma(lambda, change, V::Load(g2 + node)).Store(g2 + node);
    });
    source.Each([&](int64_t node, int64_t place, T f) { g[node] = waveprior::Fma(y[place], f, g[node]); });
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

  void Sweep(T* state, int64_t n) const {
    const V one = V::Fill(1), two = V::Fill(2), minus_five = V::Fill(-5), k = V::Fill(damping_);
    for (int64_t j = 0; j < s_.rows; j++) {
      const T* const p = After(state, n - 1) + j * stride_;
      T* const q = After(state, n) + j * stride_;
      const int64_t node = j * s_.wide;
      Window<T> w(p);
      for (int64_t i = 0; i < s_.wide; i += V::kCount) {
        const V now = w.Next();
        SpongeAdvance(now, V::Load(q + i), V::Load(c_ + node + i), k * V::Load(profile_ + node + i), Sum(w, p + i), one,
                      two, minus_five)
            .Store(q + i);
        w.Move();
      }
    }
  }

  // f(place, node, S - 5 p, p(n-1) - p(n)) of what is kept of step n.
  template <class F>
  WAVEPRIOR_INLINE void Compare(const T* kept, const F& f) const {
    const V five = V::Fill(5);
    for (int64_t j = 0; j < s_.rows; j++) {
      const T* const p = kept + s_.Origin() + j * stride_;
      Window<T> w(p);
      for (int64_t i = 0; i < s_.wide; i += V::kCount) {
        const V now = w.Next();
        f(j * stride_ + i, j * s_.wide + i, Sum(w, p + i) - five * now, V::Load(p - s_.Field() + i) - now);
        w.Move();
      }
    }
  }

  void Inject(T* state, int64_t n, const Impulse<T>& source, const T* c) const {
    T* const p = After(state, n);
    source.Each([&](int64_t node, int64_t place, T f) { p[place] += c[node] * f; });
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
};

template <class T>
int wave_sponge(const uint64_t* args, int64_t lo, int64_t hi) {
  return Shots<Sponge<T>>(waveprior::Job<T>(args), lo, hi);
}
