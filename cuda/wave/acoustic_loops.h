// The loops of acoustic_cpu.cc: a whole step of the scheme of acoustic.h, row by row, each row in up to three pieces: the
// left and the right absorbing layer and what lies between, so that nothing asks a node where it lies.

enum Mode { kPlain, kKeep, kDriven };  // a forward step; one that keeps L; one of the tangent, driven by dC (L + f)

// What the piece of a row reads and writes; every pointer is that of column 0.
template <class T>
struct Row {
  const T* p;                // the field now
  T* q;                      // the field before, becomes the one after
  const T* c;                // C
  const T* x;                // what is differentiated along the row: p, or the transpose's s
  const T* z[9];             // and across it, rows j-4..j+4 at z[0..8]
  T *psi_x, *zeta_x;         // of the layers left and right, so that [column] is right (shifted)
  const T *bh, *ah, *b, *a;  // coefficients along x: at half points, at points
  T *psi_z, *zeta_z;         // of the layers above and below
  const T* psi_z_before;     // of the row above
  T zbh, zah, zah_before, zb, za;
  T* keep;          // L
  const T *dc, *l;  // of the tangent, and of the transpose: the kept L
  T* g;             // the gradient
};

// sum + weights of the neighbours at distance K..R along x.
template <class T, int R, int K = 1>
WAVEPRIOR_INLINE Lanes<T> AlongX(const Window<T>& w, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = w.template ToLeft<K>() + w.template ToRight<K>();
    return AlongX<T, R, K + 1>(w, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
  }
}

template <class T, int R, int K = 1>
WAVEPRIOR_INLINE Lanes<T> AlongZ(const Row<T>& r, int64_t i, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = Lanes<T>::Load(r.z[4 - K] + i) + Lanes<T>::Load(r.z[4 + K] + i);
    return AlongZ<T, R, K + 1>(r, i, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
  }
}

template <class T, int R, int K = 1>
WAVEPRIOR_INLINE Lanes<T> AlongBoth(const Window<T>& w, const Row<T>& r, int64_t i, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = (w.template ToLeft<K>() + w.template ToRight<K>()) +
                          (Lanes<T>::Load(r.z[4 - K] + i) + Lanes<T>::Load(r.z[4 + K] + i));
    return AlongBoth<T, R, K + 1>(w, r, i, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
  }
}

// Columns from..to-1 (multiples of 16) of a forward row; X: with the layers left and right, Z: with those above and below.
template <class T, int R, Mode M, bool X, bool Z>
WAVEPRIOR_INLINE void ForwardPiece(const Row<T>& r, int64_t from, int64_t to) {
  typedef Lanes<T> V;
  const V w0 = V::Fill(T(Second<R>::kWeight[0]));
  Window<T> w(r.p + from);
  V psi_before = V::Fill(0);
  for (int64_t i = from; i < to; i += V::kCount) {
    const V p = w.Next();
    V l;
    if constexpr (!X && !Z) {
      l = AlongBoth<T, R>(w, r, i, (w0 + w0) * p);
    } else {
      V lx = AlongX<T, R>(w, w0 * p), lz = AlongZ<T, R>(r, i, w0 * p);
      if constexpr (X) {
        const V psi = Remember(V::Load(r.bh + i), V::Load(r.psi_x + i), V::Load(r.ah + i), w.template ToRight<1>() - p);
        psi.Store(r.psi_x + i);
        V zeta = V::Load(r.zeta_x + i);
        lx = Stretched(lx, psi, Left<1>(psi, psi_before), V::Load(r.b + i), V::Load(r.a + i), &zeta);
        zeta.Store(r.zeta_x + i);
        psi_before = psi;
      }
      if constexpr (Z) {
        const V psi = Remember(V::Fill(r.zbh), V::Load(r.psi_z + i), V::Fill(r.zah), V::Load(r.z[5] + i) - p);
        psi.Store(r.psi_z + i);
        V zeta = V::Load(r.zeta_z + i);
        lz = Stretched(lz, psi, V::Load(r.psi_z_before + i), V::Fill(r.zb), V::Fill(r.za), &zeta);
        zeta.Store(r.zeta_z + i);
      }
      l = lx + lz;
    }
    if constexpr (M == kKeep) l.Store(r.keep + i);
    V next = Advance(p, V::Load(r.q + i), V::Load(r.c + i), l);
    if constexpr (M == kDriven) next = Fma(V::Load(r.dc + i), V::Load(r.l + i), next);
    next.Store(r.q + i);
    w.Move();
  }
}

// The same of a row of the transpose. zeta_x is done already: x is the row of s along x.
template <class T, int R, bool X, bool Z>
WAVEPRIOR_INLINE void AdjointPiece(const Row<T>& r, int64_t from, int64_t to) {
  typedef Lanes<T> V;
  const V w0 = V::Fill(T(Second<R>::kWeight[0]));
  Window<T> w(r.x + from);
  V flux_before = V::Fill(0);
  for (int64_t i = from; i < to; i += V::kCount) {
    const V s = w.Next();
    const V y = X ? V::Load(r.p + i) : s;
    V l;
    if constexpr (!X && !Z) {
      l = AlongBoth<T, R>(w, r, i, (w0 + w0) * y);
    } else {
      const V sz = Z ? V::Load(r.z[4] + i) : y;
      V lx = AlongX<T, R>(w, w0 * s), lz = AlongZ<T, R>(r, i, w0 * sz);
      if constexpr (X) {
        const V psi = Gather(V::Load(r.bh + i), V::Load(r.psi_x + i), s, w.template ToRight<1>());
        psi.Store(r.psi_x + i);
        const V flux = V::Load(r.ah + i) * psi;
        lx = lx + (Left<1>(flux, flux_before) - flux);
        flux_before = flux;
      }
      if constexpr (Z) {
        const V psi = Gather(V::Fill(r.zbh), V::Load(r.psi_z + i), sz, V::Load(r.z[5] + i));
        psi.Store(r.psi_z + i);
        lz = lz + (V::Fill(r.zah_before) * V::Load(r.psi_z_before + i) - V::Fill(r.zah) * psi);
      }
      l = lx + lz;
    }
    const V next = Advance(y, V::Load(r.q + i), V::Load(r.c + i), l);
    next.Store(r.q + i);
    Fma(next, V::Load(r.l + i), V::Load(r.g + i)).Store(r.g + i);
    w.Move();
  }
}

// The scheme for Shots. A state is two fields, the later one in turn, then psi and zeta of the layers left and right (rows,
// layered columns), then those of the layers above and below (layered rows, wide).
template <class T, int R>
class Acoustic {
 public:
  typedef T Real;
  typedef Lanes<T> V;

  Acoustic(const waveprior::Job<T>& job, int64_t model, T* scratch)
      : s_(*job.shape),
        stride_(s_.Stride()),
        c_(job.courant + model * s_.Compact()),
        along_x_(job.profile),
        along_z_(job.profile + 4 * s_.wide),
        zeros_(scratch),
        s_row_(scratch + s_.wide + 16),
        s_rows_(s_row_ + s_.wide + 16) {
    const int64_t rounded_left = (s_.left + R + 15) / 16 * 16, rounded_right = (s_.cols - s_.right - R) / 16 * 16;
    left_ = s_.left ? rounded_left : 0;
    right_ = s_.right ? (rounded_right > 0 ? rounded_right : 0) : s_.wide;
    if (left_ >= right_ || left_ > s_.wide) left_ = right_ = s_.wide;
    layered_ = left_ + s_.wide - right_;
    above_ = s_.top ? s_.top + 1 : 0;
    below_ = s_.bottom ? s_.bottom + 1 : 0;
  }

  // What the shape must say; the workspace was made from that.
  bool Sound() const {
    return s_.halo == R && s_.rows >= above_ + below_ && s_.rows > R && s_.cols > 0 && s_.wide % 16 == 0 &&
           s_.wide >= s_.cols && s_.state == State() && s_.kept == s_.Compact() && s_.scratch == Scratch();
  }
  int64_t Scratch() const { return 2 * (s_.wide + 16) + (s_.top + s_.bottom) * s_.wide; }
  int64_t State() const { return 2 * s_.Field() + 2 * s_.rows * layered_ + 2 * (above_ + below_) * s_.wide; }

  // The field after step n (before it, for n - 1), (0, 0).
  T* After(T* state, int64_t n) const { return state + ((n + 1) & 1) * s_.Field() + s_.Origin(); }

  static constexpr int64_t kEarlier = 0;
  void Earlier(const T*, int64_t, T*) const {}

  // Step n of the forward equation, source included. keep, unless null, becomes L + f.
  void Step(T* state, int64_t n, const Impulse<T>& source, T* keep) const {
    if (keep) {
      Forward<kKeep>(state, n, keep, nullptr);
    } else {
      Forward<kPlain>(state, n, nullptr, nullptr);
    }
    T* const p = After(state, n);
    source.Each([&](int64_t node, int64_t place, T f) {
      p[place] = waveprior::Fma(c_[node], f, p[place]);
      if (keep) keep[node] += f;
    });
  }

  // Step n of the tangent along dc, with what Step kept.
  void Tangent(T* state, int64_t n, const Impulse<T>&, const T* kept, const T* dc, const T*) const {
    Forward<kDriven>(state, n, const_cast<T*>(kept), dc);
  }

  // Step i of the transpose (i counts from the last step on) with the cotangent w of step steps-1-i and what that kept; g
  // (rows, wide) grows.
  void Transposed(T* state, int64_t i, const Impulse<T>&, const Impulse<T>& w, const T* kept, T* g) const {
    Adjoint(state, i, kept, g);
    T* const y = After(state, i);
    w.Each([&](int64_t node, int64_t place, T value) {
      const T more = c_[node] * value;
      y[place] += more;
      g[node] = waveprior::Fma(more, kept[node], g[node]);
    });
  }

  // There is no gradient but g.
  double Last(const T*) const { return 0; }

 private:
  template <Mode M>
  void Forward(T* state, int64_t n, T* keep, const T* dc) const {
    Begin(state, n);
    for (int64_t j = 0; j < s_.rows; j++) {
      Row<T> r = Of(state, n, j);
      r.x = r.p;
      for (int k = -R; k <= R; k++) r.z[4 + k] = r.p + k * stride_;
      r.keep = keep + j * s_.wide;
      r.l = r.keep;
      r.dc = dc + j * s_.wide;
      if (Layered(j)) {
        ForwardPiece<T, R, M, true, true>(LeftOf(r), 0, left_);
        ForwardPiece<T, R, M, false, true>(r, left_, right_);
        ForwardPiece<T, R, M, true, true>(RightOf(r), right_, s_.wide);
      } else {
        ForwardPiece<T, R, M, true, false>(LeftOf(r), 0, left_);
        ForwardPiece<T, R, M, false, false>(r, left_, right_);
        ForwardPiece<T, R, M, true, false>(RightOf(r), right_, s_.wide);
      }
    }
  }

  void Adjoint(T* state, int64_t i, const T* l, T* g) const {
    Begin(state, i);
    for (int64_t j = 0; j < s_.top; j++) SpreadRow(state, i, j);
    for (int64_t j = s_.rows - s_.bottom; j < s_.rows; j++) SpreadRow(state, i, j);
    for (int64_t j = 0; j < s_.rows; j++) {
      Row<T> r = Of(state, i, j);
      for (int k = -R; k <= R; k++) r.z[4 + k] = AcrossZ(r.p, j, k);
      r.l = l + j * s_.wide;
      r.g = g + j * s_.wide;
      r.x = r.p;
      if (layered_) SpreadPieces(r);
      Row<T> x = r;
      x.x = s_row_;
      if (Layered(j)) {
        AdjointPiece<T, R, true, true>(LeftOf(x), 0, left_);
        AdjointPiece<T, R, false, true>(r, left_, right_);
        AdjointPiece<T, R, true, true>(RightOf(x), right_, s_.wide);
      } else {
        AdjointPiece<T, R, true, false>(LeftOf(x), 0, left_);
        AdjointPiece<T, R, false, false>(r, left_, right_);
        AdjointPiece<T, R, true, false>(RightOf(x), right_, s_.wide);
      }
    }
  }

  // What lies above a free surface: the field, odd about row 0.
  void Begin(T* state, int64_t n) const {
    if (!s_.free_surface) return;
    T* const p = After(state, n - 1);
    for (int k = 1; k <= R; k++)
      for (int64_t i = 0; i < s_.wide; i++) p[-k * stride_ + i] = -p[k * stride_ + i];
  }
  bool Layered(int64_t j) const { return j < above_ || j >= s_.rows - below_; }
  // The number of row j among those with a layer above or below.
  int64_t Rank(int64_t j) const { return j < above_ ? j : above_ + j - (s_.rows - below_); }

  Row<T> Of(T* state, int64_t n, int64_t j) const {
    Row<T> r{};
    r.p = After(state, n - 1) + j * stride_;
    r.q = After(state, n) + j * stride_;
    r.c = c_ + j * s_.wide;
    r.bh = along_x_;
    r.ah = r.bh + s_.wide;
    r.b = r.ah + s_.wide;
    r.a = r.b + s_.wide;
    T* const x = state + 2 * s_.Field();
    r.psi_x = x + j * layered_;
    r.zeta_x = x + (s_.rows + j) * layered_;
    if (Layered(j)) {
      T* const z = x + 2 * s_.rows * layered_;
      const int64_t rank = Rank(j), all = above_ + below_;
      r.psi_z = z + rank * s_.wide;
      r.zeta_z = z + (all + rank) * s_.wide;
      const bool outermost = j == 0 || j == s_.rows - below_;
      r.psi_z_before = outermost ? zeros_ : r.psi_z - s_.wide;
      r.zbh = along_z_[j];
      r.zah = along_z_[s_.rows + j];
      r.zah_before = j ? along_z_[s_.rows + j - 1] : T(0);
      r.zb = along_z_[2 * s_.rows + j];
      r.za = along_z_[3 * s_.rows + j];
    }
    return r;
  }
  Row<T> LeftOf(const Row<T>& r) const { return r; }
  Row<T> RightOf(Row<T> r) const {
    r.psi_x += left_ - right_;
    r.zeta_x += left_ - right_;
    return r;
  }

  T* SpreadAt(int64_t j) const { return s_rows_ + (j < s_.top ? j : s_.top + j - (s_.rows - s_.bottom)) * s_.wide; }
  const T* AcrossZ(const T* p, int64_t j, int64_t k) const {
    const int64_t at = j + k;
    const bool layer = (at >= 0 && at < s_.top) || (at >= s_.rows - s_.bottom && at < s_.rows);
    return layer ? SpreadAt(at) : p + k * stride_;
  }
  // s along z of a row of the layers above and below.
  void SpreadRow(T* state, int64_t i, int64_t j) const {
    const Row<T> r = Of(state, i, j);
    T* const to = SpreadAt(j);
    for (int64_t x = 0; x < s_.wide; x += V::kCount) {
      V zeta = V::Load(r.zeta_z + x);
      Spread(V::Load(r.p + x), V::Fill(r.zb), V::Fill(r.za), &zeta).Store(to + x);
      zeta.Store(r.zeta_z + x);
    }
  }
  // s along x of the layers left and right of a row, and the 16 numbers beside them, into s_row_.
  void SpreadPieces(const Row<T>& r) const {
    SpreadPiece(LeftOf(r), 0, left_);
    SpreadPiece(RightOf(r), right_, s_.wide);
    if (left_ < right_) {
      for (int64_t x = 0; x < 16; x += V::kCount) {
        V::Load(r.p + left_ + x).Store(s_row_ + left_ + x);
        if (right_ > left_ + 16) V::Load(r.p + right_ - 16 + x).Store(s_row_ + right_ - 16 + x);
      }
    }
  }
  void SpreadPiece(const Row<T>& r, int64_t from, int64_t to) const {
    for (int64_t x = from; x < to; x += V::kCount) {
      V zeta = V::Load(r.zeta_x + x);
      Spread(V::Load(r.p + x), V::Load(r.b + x), V::Load(r.a + x), &zeta).Store(s_row_ + x);
      zeta.Store(r.zeta_x + x);
    }
  }

  const waveprior::Shape& s_;
  const int64_t stride_;
  const T* const c_;
  const T* const along_x_;  // (4, wide)
  const T* const along_z_;  // (4, rows)
  T* const zeros_;          // (wide + 16) of scratch, 0
  T* const s_row_;          // a row of s along x, 16 zeros before and after it
  T* const s_rows_;         // rows of s along z
  int64_t left_, right_;    // the pieces end and begin here
  int64_t layered_, above_, below_;
};

template <class T>
int wave_acoustic(const uint64_t* args, int64_t lo, int64_t hi) {
  const waveprior::Job<T> job(args);
  switch (job.shape->halo) {
    case 1:
      return Shots<Acoustic<T, 1>>(job, lo, hi);
    case 2:
      return Shots<Acoustic<T, 2>>(job, lo, hi);
    case 3:
      return Shots<Acoustic<T, 3>>(job, lo, hi);
    case 4:
      return Shots<Acoustic<T, 4>>(job, lo, hi);
  }
  return waveprior::kBadArgument;
}
