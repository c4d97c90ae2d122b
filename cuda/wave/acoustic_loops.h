// The loops of acoustic_cpu.cc: a step of the scheme of acoustic.h, in blocks of rows of one kind, each in up to three pieces:
// the left and the right absorbing layer and what lies between, so that nothing asks a node where it lies.

constexpr int64_t kNear = 512 << 10;  // bytes of the fields and C: more do not stay in a near cache from step to step

// What a step reads and writes; every pointer is that of row 0, column 0.
template <class T>
struct Pass {
  const T* p;         // the field now
  T* q;               // the field before, becomes the one after
  T *psi_x, *zeta_x;  // of the layers left and right, (rows, layered columns)
  T *psi_z, *zeta_z;  // of the layers above and below, (layered rows, wide)
  T* keep;            // forward: becomes L, unless null
  bool stay;          // in the caches
  const T* l;         // transpose: what was kept
  T* g;               // the gradient
  T* spread;          // rows of s along z
};

// What the recursions along z have in one row.
template <class T>
struct Depth {
  T *psi, *zeta;
  const T* psi_before;        // of the row above
  T bh, ah, ah_before, b, a;  // coefficients: at half points, the row above's, at points
};

// Advance of vectors: 2 p is exact, so 2 p - before is the same in one operation.
template <class T>
WAVEPRIOR_INLINE Lanes<T> Advance(Lanes<T> p, Lanes<T> before, Lanes<T> c, Lanes<T> l) {
  return Fma(c, l, Fms(Lanes<T>::Fill(2), p, before));
}

// sum + weights of the neighbours at distance K..R along x.
template <class T, int R, int K = 1, class W>
WAVEPRIOR_INLINE Lanes<T> AlongX(const W& w, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = w.template ToLeft<K>() + w.template ToRight<K>();
    return AlongX<T, R, K + 1>(w, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
  }
}

// The same along z; rows j - R..j + R are at z[0..2 R].
template <class T, int R, int K = 1>
WAVEPRIOR_INLINE Lanes<T> AlongZ(const T* const* z, int64_t i, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = Lanes<T>::Load(z[R - K] + i) + Lanes<T>::Load(z[R + K] + i);
    return AlongZ<T, R, K + 1>(z, i, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
  }
}

template <class T, int R, int K = 1>
WAVEPRIOR_INLINE Lanes<T> AlongBoth(const Window<T>& w, const T* const* z, int64_t i, Lanes<T> sum) {
  if constexpr (K <= R) {
    const Lanes<T> pair = (w.template ToLeft<K>() + w.template ToRight<K>()) +
                          (Lanes<T>::Load(z[R - K] + i) + Lanes<T>::Load(z[R + K] + i));
    return AlongBoth<T, R, K + 1>(w, z, i, Fma(Lanes<T>::Fill(T(Second<R>::kWeight[K])), pair, sum));
  } else {
    return sum;
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
        stream_(s_.segment * s_.kept * static_cast<int64_t>(sizeof(T)) > kInCache),
        zeros_(scratch),
        s_rows_(scratch + s_.wide + 16) {
    const int64_t rounded_left = (s_.left + R + 15) / 16 * 16, rounded_right = (s_.cols - s_.right - R) / 16 * 16;
    left_ = s_.left ? rounded_left : 0;
    right_ = s_.right ? (rounded_right > 0 ? rounded_right : 0) : s_.wide;
    if (left_ >= right_ || left_ > s_.wide) left_ = right_ = s_.wide;
    layered_ = left_ + s_.wide - right_;
    above_ = s_.top ? s_.top + 1 : 0;
    below_ = s_.bottom ? s_.bottom + 1 : 0;
    const bool far = 3 * s_.Field() * static_cast<int64_t>(sizeof(T)) > kNear;
    block_ = far ? 8 : 16;
    together_ = far ? kTogether : 1;
    const int64_t ends[4] = {0, above_, s_.rows - below_, s_.rows};
    for (int kind = 0; kind < 3; kind++) {
      const int64_t rows = ends[kind + 1] - ends[kind], blocks = rows > block_ ? rows / block_ : 1;
      first_[kind] = ends[kind];
      blocks_[kind] = rows > 0 ? blocks : 0;
      each_[kind] = rows / blocks;
      over_[kind] = rows % blocks;
      if (rows > 0 && rows < R) together_ = 1;
    }
  }

  // What the shape must say; the workspace was made from that.
  bool Sound() const {
    return s_.halo == R && s_.rows >= above_ + below_ && s_.rows > R && s_.cols > 0 && s_.wide % 16 == 0 &&
           s_.wide >= s_.cols && s_.state == State() && s_.kept == s_.Compact() && s_.scratch == Scratch();
  }
  int64_t Scratch() const { return s_.wide + 16 + kTogether * (s_.top + s_.bottom) * s_.wide; }
  int64_t State() const { return 2 * s_.Field() + 2 * s_.rows * layered_ + 2 * (above_ + below_) * s_.wide; }

  // The field after step n (before it, for n - 1), (0, 0).
  T* After(T* state, int64_t n) const { return state + ((n + 1) & 1) * s_.Field() + s_.Origin(); }

  static constexpr int64_t kEarlier = 0;
  void Earlier(const T*, int64_t, T*) const {}

  // Blocks of rows: how many, and the rows of one. All its rows have layers above or below, or none.
  int64_t Blocks() const { return blocks_[0] + blocks_[1] + blocks_[2]; }
  waveprior::Range Rows(int64_t block) const {
    const int kind = Kind(&block);
    const auto start = [&](int64_t b) { return first_[kind] + each_[kind] * b + (b < over_[kind] ? b : over_[kind]); };
    return {start(block), start(block + 1)};
  }
  // How many steps may be under way together: block b of a step needs block b + 1 of the one before, where blocks have R rows.
  int64_t Together() const { return together_; }

  // Rows of a block of step n of the forward equation, source included. keep, unless null, becomes L + f.
  __attribute__((noinline)) void Step(T* state, int64_t n, int64_t block, const Impulse<T>& source, T* keep) const {
    const waveprior::Range rows = Rows(block);
    Pass<T> s = Of(state, n, block);
    s.keep = keep;
    if (keep && stream_)  // what changes at once stays in cache
      source.Within(rows, s_.wide, [&](int64_t, int64_t, T) { s.stay = true; });
    Forward(s, rows, block);
    source.Within(rows, s_.wide, [&](int64_t node, int64_t place, T f) {
      s.q[place] = waveprior::Fma(c_[node], f, s.q[place]);
      if (keep) keep[node] += f;
    });
  }

  // A block of step n of the tangent along dc, with what Step kept.
  __attribute__((noinline)) void Tangent(T* state, int64_t n, int64_t block, const Impulse<T>&, const T* kept,
                                         const T* dc, const T*) const {
    const waveprior::Range rows = Rows(block);
    const Pass<T> s = Of(state, n, block);
    Forward(s, rows, block);
    for (int64_t j = rows.from; j < rows.to; j++)
      for (int64_t i = 0; i < s_.wide; i += V::kCount) {
        const int64_t node = j * s_.wide + i, place = j * stride_ + i;
        Fma(V::Load(dc + node), V::Load(kept + node), V::Load(s.q + place)).Store(s.q + place);
      }
  }

  // A block of step i of the transpose (i counts from the last step on) with the cotangent w of step steps-1-i and what that
  // kept; g (rows, wide) grows.
  __attribute__((noinline)) void Transposed(T* state, int64_t i, int64_t block, const Impulse<T>&, const Impulse<T>& w,
                                            const T* kept, T* g) const {
    const waveprior::Range rows = Rows(block);
    Pass<T> s = Of(state, i, block);
    s.l = kept;
    s.g = g;
    s.spread = s_rows_ + i % kTogether * (s_.top + s_.bottom) * s_.wide;
    // s along z of the rows that no block before this one has needed.
    const int64_t end = rows.to + R < s_.rows ? rows.to + R : s_.rows;
    for (int64_t j = block ? rows.from + R : 0; j < end; j++)
      if (j < s_.top || j >= s_.rows - s_.bottom) SpreadRow(s, j);
    const int64_t lo = rows.from, hi = rows.to;
    if (Kind(&block) != 1) {
      if (left_) AdjointPiece<true, true>(s, lo, hi, 0, left_);
      if (left_ < right_) AdjointPiece<false, true>(s, lo, hi, left_, right_);
      if (right_ < s_.wide) AdjointPiece<true, true>(s, lo, hi, right_, s_.wide);
    } else {
      if (left_) AdjointPiece<true, false>(s, lo, hi, 0, left_);
      if (left_ < right_) AdjointPiece<false, false>(s, lo, hi, left_, right_);
      if (right_ < s_.wide) AdjointPiece<true, false>(s, lo, hi, right_, s_.wide);
    }
    w.Within(rows, s_.wide, [&](int64_t node, int64_t place, T value) {
      const T more = c_[node] * value;
      s.q[place] += more;
      g[node] = waveprior::Fma(more, kept[node], g[node]);
    });
  }

  // There is no gradient but g.
  double Last(const T*) const { return 0; }

 private:
  // Above (0), between (1) or below (2); block becomes its number among those.
  int Kind(int64_t* block) const {
    int kind = 0;
    while (kind < 2 && *block >= blocks_[kind]) *block -= blocks_[kind++];
    return kind;
  }

  __attribute__((noinline)) void Forward(const Pass<T>& s, waveprior::Range rows, int64_t block) const {
    const int64_t lo = rows.from, hi = rows.to;
    if (Kind(&block) != 1) {
      if (left_) ForwardPiece<true, true>(s, lo, hi, 0, left_);
      if (left_ < right_) ForwardPiece<false, true>(s, lo, hi, left_, right_);
      if (right_ < s_.wide) ForwardPiece<true, true>(s, lo, hi, right_, s_.wide);
    } else {
      if (left_) ForwardPiece<true, false>(s, lo, hi, 0, left_);
      if (left_ < right_) ForwardPiece<false, false>(s, lo, hi, left_, right_);
      if (right_ < s_.wide) ForwardPiece<true, false>(s, lo, hi, right_, s_.wide);
    }
  }

  // Rows lo..hi-1, columns from..to-1 (multiples of 16) of a forward step; X: with the layers left and right, Z: with those
  // above and below.
  template <bool X, bool Z>
  __attribute__((noinline)) void ForwardPiece(const Pass<T>& s, int64_t lo, int64_t hi, int64_t from,
                                              int64_t to) const {
    const V w0 = V::Fill(T(Second<R>::kWeight[0]));
    const int64_t shift = from ? left_ - right_ : 0;  // from a column to its place among those of the layers
    const T *const bh = along_x_, *const ah = bh + s_.wide, *const b = ah + s_.wide, *const a = b + s_.wide;
    const bool stream = stream_ && !s.stay;
    for (int64_t j = lo; j < hi; j++) {
      const T* z[2 * R + 1];
      for (int k = 0; k <= 2 * R; k++) z[k] = s.p + (j + k - R) * stride_;
      T* const q = s.q + j * stride_;
      const T* const c = c_ + j * s_.wide;
      T *const psi_x = s.psi_x + j * layered_ + shift, *const zeta_x = s.zeta_x + j * layered_ + shift;
      const Depth<T> d = Z ? At(s, j) : Depth<T>{};
      T* const keep = s.keep ? s.keep + j * s_.wide : nullptr;
      Window<T> w(z[R] + from);
      V psi_before = V::Fill(0);
      for (int64_t i = from; i < to; i += V::kCount) {
        const V p = w.Next();
        V l;
        if constexpr (!X && !Z) {
          l = AlongBoth<T, R>(w, z, i, (w0 + w0) * p);
        } else {
          V lx = AlongX<T, R>(w, w0 * p), lz = AlongZ<T, R>(z, i, w0 * p);
          if constexpr (X) {
            const V psi = Remember(V::Load(bh + i), V::Load(psi_x + i), V::Load(ah + i), w.template ToRight<1>() - p);
            psi.Store(psi_x + i);
            V zeta = V::Load(zeta_x + i);
            lx = Stretched(lx, psi, Left<1>(psi, psi_before), V::Load(b + i), V::Load(a + i), &zeta);
            zeta.Store(zeta_x + i);
            psi_before = psi;
          }
          if constexpr (Z) {
            const V psi = Remember(V::Fill(d.bh), V::Load(d.psi + i), V::Fill(d.ah), V::Load(z[R + 1] + i) - p);
            psi.Store(d.psi + i);
            V zeta = V::Load(d.zeta + i);
            lz = Stretched(lz, psi, V::Load(d.psi_before + i), V::Fill(d.b), V::Fill(d.a), &zeta);
            zeta.Store(d.zeta + i);
          }
          l = lx + lz;
        }
        if (keep) {
          if (stream) {
            l.Stream(keep + i);
          } else {
            l.Store(keep + i);
          }
        }
        Advance(p, V::Load(q + i), V::Load(c + i), l).Store(q + i);
        w.Move();
      }
    }
  }

  // The same of a step of the transpose; SpreadRow was done for the rows of the layers above and below.
  template <bool X, bool Z>
  __attribute__((noinline)) void AdjointPiece(const Pass<T>& s, int64_t lo, int64_t hi, int64_t from,
                                              int64_t to) const {
    const V w0 = V::Fill(T(Second<R>::kWeight[0]));
    const int64_t shift = from ? left_ - right_ : 0;
    const T *const bh = along_x_, *const ah = bh + s_.wide, *const b = ah + s_.wide, *const a = b + s_.wide;
    for (int64_t j = lo; j < hi; j++) {
      const T* const p = s.p + j * stride_;
      const T* z[2 * R + 1];
      const bool inside = j >= s_.top + R && j + R < s_.rows - s_.bottom;
      for (int k = 0; k <= 2 * R; k++) z[k] = inside ? p + (k - R) * stride_ : AcrossZ(s, j + k - R);
      T* const q = s.q + j * stride_;
      const T *const c = c_ + j * s_.wide, *const kept = s.l + j * s_.wide;
      // What was kept past the caches is asked for a block before its use, at last that of the step before, and again four rows
      // and one row before, but for a step's first rows.
      const T* const soon = kept + (j + block_ < s_.rows ? block_ : block_ - 2 * s_.rows) * s_.wide;
      T* const g = s.g + j * s_.wide;
      T *const psi_x = s.psi_x + j * layered_ + shift, *const zeta_x = s.zeta_x + j * layered_ + shift;
      const Depth<T> d = Z ? At(s, j) : Depth<T>{};
      V flux_before = V::Fill(0);
      // L' from s along x, in w, and y.
      const auto update = [&](const auto& w, int64_t i, V sx, V y) __attribute__((always_inline)) {
        V l;
        if constexpr (!X && !Z) {
          l = AlongBoth<T, R>(w, z, i, (w0 + w0) * y);
        } else {
          const V sz = Z ? V::Load(z[R] + i) : y;
          V lx = AlongX<T, R>(w, w0 * sx), lz = AlongZ<T, R>(z, i, w0 * sz);
          if constexpr (X) {
            const V psi = Gather(V::Load(bh + i), V::Load(psi_x + i), sx, w.template ToRight<1>());
            psi.Store(psi_x + i);
            const V flux = V::Load(ah + i) * psi;
            lx = lx + (Left<1>(flux, flux_before) - flux);
            flux_before = flux;
          }
          if constexpr (Z) {
            const V psi = Gather(V::Fill(d.bh), V::Load(d.psi + i), sz, V::Load(z[R + 1] + i));
            psi.Store(d.psi + i);
            lz = lz + (V::Fill(d.ah_before) * V::Load(d.psi_before + i) - V::Fill(d.ah) * psi);
          }
          l = lx + lz;
        }
        const V next = Advance(y, V::Load(q + i), V::Load(c + i), l);
        next.Store(q + i);
        Ask(soon + i);
        Ask(kept + i + 4 * s_.wide);
        Ask(kept + i + s_.wide);
        Fma(next, V::Load(kept + i), V::Load(g + i)).Store(g + i);
      };
      if constexpr (X) {
        const auto spread = [&](int64_t i) __attribute__((always_inline)) {
          V zeta = V::Load(zeta_x + i);
          const V sx = Spread(V::Load(p + i), V::Load(b + i), V::Load(a + i), &zeta);
          zeta.Store(zeta_x + i);
          return sx;
        };
        // Beyond the piece s is y.
        Shifted<T> w(V::Load(p + from - V::kCount), spread(from));
        for (int64_t i = from; i < to; i += V::kCount) {
          const int64_t next = i + V::kCount;
          const V sx = w.Next(next < to ? spread(next) : V::Load(p + next));
          update(w, i, sx, V::Load(p + i));
          w.Move();
        }
      } else {
        Window<T> w(p + from);
        for (int64_t i = from; i < to; i += V::kCount) {
          const V y = w.Next();
          update(w, i, y, y);
          w.Move();
        }
      }
    }
  }

  // What a block of step n works on. Before the first one what lies above a free surface becomes the field, odd about row 0.
  Pass<T> Of(T* state, int64_t n, int64_t block) const {
    Pass<T> s{};
    T* const p = After(state, n - 1);
    for (int k = 1; s_.free_surface && !block && k <= R; k++)
      for (int64_t i = 0; i < s_.wide; i++) p[-k * stride_ + i] = -p[k * stride_ + i];
    s.p = p;
    s.q = After(state, n);
    s.psi_x = state + 2 * s_.Field();
    s.zeta_x = s.psi_x + s_.rows * layered_;
    s.psi_z = s.zeta_x + s_.rows * layered_;
    s.zeta_z = s.psi_z + (above_ + below_) * s_.wide;
    return s;
  }

  Depth<T> At(const Pass<T>& s, int64_t j) const {
    Depth<T> d;
    const int64_t rank =
        j < above_ ? j : above_ + j - (s_.rows - below_);  // among the rows with a layer above or below
    d.psi = s.psi_z + rank * s_.wide;
    d.zeta = s.zeta_z + rank * s_.wide;
    d.psi_before = j == 0 || j == s_.rows - below_ ? zeros_ : d.psi - s_.wide;
    d.bh = along_z_[j];
    d.ah = along_z_[s_.rows + j];
    d.ah_before = j ? along_z_[s_.rows + j - 1] : T(0);
    d.b = along_z_[2 * s_.rows + j];
    d.a = along_z_[3 * s_.rows + j];
    return d;
  }

  // Row j of s along z: that of SpreadRow, and y where there is no layer.
  const T* AcrossZ(const Pass<T>& s, int64_t j) const {
    const bool layer = (j >= 0 && j < s_.top) || (j >= s_.rows - s_.bottom && j < s_.rows);
    return layer ? SpreadAt(s, j) : s.p + j * stride_;
  }
  T* SpreadAt(const Pass<T>& s, int64_t j) const {
    return s.spread + (j < s_.top ? j : s_.top + j - (s_.rows - s_.bottom)) * s_.wide;
  }
  __attribute__((noinline)) void SpreadRow(const Pass<T>& s, int64_t j) const {
    const Depth<T> d = At(s, j);
    const T* const p = s.p + j * stride_;
    T* const to = SpreadAt(s, j);
    for (int64_t i = 0; i < s_.wide; i += V::kCount) {
      V zeta = V::Load(d.zeta + i);
      Spread(V::Load(p + i), V::Fill(d.b), V::Fill(d.a), &zeta).Store(to + i);
      zeta.Store(d.zeta + i);
    }
  }

  const waveprior::Shape& s_;
  const int64_t stride_;
  const T* const c_;
  const T* const along_x_;  // (4, wide)
  const T* const along_z_;  // (4, rows)
  const bool stream_;       // what a segment keeps is more than caches hold
  T* const zeros_;          // (wide + 16) of scratch, 0
  T* const s_rows_;         // rows of s along z of the steps under way
  int64_t left_, right_;    // the pieces end and begin here
  int64_t layered_, above_, below_;
  int64_t block_, together_;  // about as many rows has a block; steps under way
  // The rows above, between and below: the first one, the blocks, the rows of each, and how many of them have one more.
  int64_t first_[3], blocks_[3], each_[3], over_[3];
};

template <class T>
int wave_acoustic(const uint64_t* args, int64_t lo, int64_t hi) {
  const waveprior::Job<T> job(args);
  return ByHalo<4>(job.shape->halo, [&](auto r) { return Shots<Acoustic<T, r>>(job, lo, hi); });
}
