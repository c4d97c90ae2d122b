// A step of the scheme of elastic.h for all rows of a shot. Velocities and stresses go down the grid together, the stresses R
// rows behind: a row's old stresses are gone only when no velocity needs them, and its numbers come from memory once.
//
// A state is the five fields; then the memory of the layers left and right (rows, 4, layered columns) and of those above and
// below (layered rows, 4, wide). One of the transpose has phi there, and t' after it: rows of the left piece with 16 numbers
// on either side, then of the right one with 16 (rows, 4, layered + 64), and (layered rows, 4, wide).

template <class T, int R>
class Scheme {
 public:
  typedef T Real;
  typedef Lanes<T> V;

  Scheme(const Job<T>& job, int64_t model)
      : s_(*job.shape),
        stride_(s_.Stride()),
        field_(s_.Field()),
        compact_(s_.Compact()),
        layered_(s_.Layered()),
        memory_(kParts * field_),
        memory_z_(memory_ + 4 * s_.rows * layered_),
        through_(memory_z_ + 4 * (s_.Above() + s_.Below()) * s_.wide),
        through_z_(through_ + 4 * s_.rows * (layered_ + 64)),
        materials_(job.materials + model * kParts * compact_),
        along_x_(job.profile),
        along_z_(job.profile + 4 * s_.wide) {}

  // What the shape must say; the workspace was made from that.
  bool Sound() const {
    const int64_t edge = s_.lead + s_.left;
    return s_.halo == R && s_.rows >= s_.Above() + s_.Below() && s_.rows > R && s_.wide % 16 == 0 && s_.lead >= 0 &&
           s_.wide >= s_.lead + s_.cols && s_.cols > 0 && s_.left_end % 16 == 0 && s_.right_begin % 16 == 0 &&
           s_.left_end <= s_.right_begin && s_.right_begin <= s_.wide && (!s_.left || s_.left_end >= edge + R || s_.left_end == s_.wide) &&
           (!s_.right || s_.right_begin <= s_.lead + s_.cols - s_.right - 1 - R || s_.left_end == s_.wide) &&
           s_.state == through_ && s_.adjoint == through_z_ + 4 * (s_.Above() + s_.Below()) * s_.wide;
  }

  // Step of the forward equation with the impulse f. kept (5, rows, wide), unless null, becomes what the materials multiply.
  template <class F>
  void Step(T* state, T* kept, const F& f) const {
    if (kept) {
      Sweep<kKeep>(state, kept, nullptr, nullptr, f);
    } else {
      Sweep<kPlain>(state, nullptr, nullptr, nullptr, f);
    }
  }

  // Step of the tangent along directions (5, rows, wide) of the materials, with what Step kept.
  void Tangent(T* state, const T* kept, const T* along) const {
    Sweep<kDriven>(state, const_cast<T*>(kept), along, nullptr, [](int64_t, T*) {});
  }

  // Step of the transpose with the cotangents w; gradient (5, rows, wide) grows.
  template <class F>
  void Transposed(T* state, const T* kept, T* gradient, const F& w) const {
    Sweep<kTransposed>(state, const_cast<T*>(kept), nullptr, gradient, w);
  }

  const T* Buoyancy() const { return materials_; }

 private:
  // impulse(j, state) acts on row j after its velocities are new; on rows + R, at the end, on stresses.
  template <Mode M, class F>
  void Sweep(T* state, T* kept, const T* along, T* gradient, const F& impulse) const {
    if (s_.free_surface) {
      for (int64_t k = 1; k < R; k++) Image(state, kZZ, -k, k, T(-1));
      for (int64_t k = 1; k <= R; k++) Image(state, kXZ, -k, k - 1, T(-1));
    }
    for (int64_t j = 0; j < s_.rows + R; j++) {
      if (j < s_.rows) {
        VelocityRow<T> r = Velocity<M>(state, j);
        for (int k = 0; k < 2; k++) {
          const int64_t at = k * compact_ + j * s_.wide;
          r.kept[k] = kept + at;
          r.along[k] = along + at;
          r.gradient[k] = gradient + at;
        }
        InPieces<M>(state, j, r);
        impulse(j, state);
        if constexpr (M == kTransposed) Spread(state, j, 0, kVX, kVZ, kVX, kVZ);
      }
      const int64_t k = j - R;
      if (k < 0) continue;
      if (s_.free_surface && k == 0) {
        for (int64_t i = 1; i < R; i++) Image(state, kVX, -i, i, T(1));
        for (int64_t i = 1; i <= R; i++) Image(state, kVZ, -i, i - 1, T(1));
      }
      StressRow<T> r = Stress<M>(state, k);
      for (int e = 0; e < 3; e++) {
        const int64_t at = (2 + e) * compact_ + k * s_.wide;
        r.kept[e] = kept + at;
        r.along[e] = along + at;
        r.gradient[e] = gradient + at;
      }
      InPieces<M>(state, k, r);
      if (s_.free_surface && k == 0) memset(At(state, kZZ, 0), 0, static_cast<size_t>(s_.wide) * sizeof(T));
      if constexpr (M == kTransposed) Spread(state, k, 2, kXX, kXZ, kZZ, kXZ);
    }
    impulse(s_.rows + R, state);
  }

  T* At(T* state, int64_t part, int64_t j) const { return state + part * field_ + s_.Origin() + j * stride_; }
  void Image(T* state, int64_t part, int64_t to, int64_t from, T sign) const {
    T *const a = At(state, part, to), *const b = At(state, part, from);
    for (int64_t i = 0; i < s_.wide; i++) a[i] = sign * b[i];
  }
  bool Layered(int64_t j) const { return j < s_.Above() || (j >= s_.rows - s_.Below() && j < s_.rows); }
  // The number of row j among those with a layer above or below.
  int64_t Rank(int64_t j) const { return j < s_.Above() ? j : s_.Above() + j - (s_.rows - s_.Below()); }
  T* Memory(T* state, int64_t j, int64_t kind) const { return state + memory_ + (4 * j + kind) * layered_; }
  T* MemoryZ(T* state, int64_t j, int64_t kind) const { return state + memory_z_ + (4 * Rank(j) + kind) * s_.wide; }
  // Column 0 of t' along x of the left piece; that of the right piece is further by Skip.
  T* ThroughX(T* state, int64_t j, int64_t kind) const {
    return state + through_ + (4 * j + kind) * (layered_ + 64) + 16;
  }
  int64_t Skip() const { return s_.left_end + 32 - s_.right_begin; }
  T* ThroughZ(T* state, int64_t j, int64_t kind) const { return state + through_z_ + (4 * Rank(j) + kind) * s_.wide; }
  // Row j of a field as the transpose differences it along z.
  const T* Across(T* state, int64_t part, int64_t j, int64_t kind) const {
    return j >= 0 && Layered(j) ? ThroughZ(state, j, kind) : At(state, part, j);
  }

  template <class Row>
  void Coefficients(Row* r, int64_t j) const {
    r->bh = along_x_;
    r->ah = along_x_ + s_.wide;
    r->b = along_x_ + 2 * s_.wide;
    r->a = along_x_ + 3 * s_.wide;
    r->zbh = along_z_[j];
    r->zah = along_z_[s_.rows + j];
    r->zb = along_z_[2 * s_.rows + j];
    r->za = along_z_[3 * s_.rows + j];
  }

  template <Mode M>
  VelocityRow<T> Velocity(T* state, int64_t j) const {
    VelocityRow<T> r;
    Coefficients(&r, j);
    r.vx = At(state, kVX, j);
    r.vz = At(state, kVZ, j);
    r.xx = At(state, kXX, j);
    r.xz = At(state, kXZ, j);
    r.bx = materials_ + j * s_.wide;
    r.bz = r.bx + compact_;
    for (int k = 0; k < 4; k++) {
      r.zx[k] = M == kTransposed ? Across(state, kXZ, j + k - 2, 3) : r.xz + (k - 2) * stride_;
      r.zz[k] = M == kTransposed ? Across(state, kZZ, j + k - 1, 2) : At(state, kZZ, j + k - 1);
    }
    for (int k = 0; k < 2; k++) {
      r.mx[k] = Memory(state, j, k);
      r.mz[k] = Layered(j) ? MemoryZ(state, j, k) : nullptr;
    }
    return r;
  }
  template <Mode M>
  StressRow<T> Stress(T* state, int64_t j) const {
    StressRow<T> r;
    Coefficients(&r, j);
    r.xx = At(state, kXX, j);
    r.szz = At(state, kZZ, j);
    r.xz = At(state, kXZ, j);
    r.vx = At(state, kVX, j);
    r.vz = At(state, kVZ, j);
    r.both = materials_ + kXX * compact_ + j * s_.wide;
    r.lam = r.both + compact_;
    r.mu = r.lam + compact_;
    for (int k = 0; k < 4; k++) {
      r.zx[k] = M == kTransposed ? Across(state, kVX, j + k - 1, 0) : r.vx + (k - 1) * stride_;
      r.zz[k] = M == kTransposed ? Across(state, kVZ, j + k - 2, 1) : r.vz + (k - 2) * stride_;
    }
    for (int k = 0; k < 2; k++) {
      r.mx[k] = Memory(state, j, 2 + k);
      r.mz[k] = Layered(j) ? MemoryZ(state, j, 2 + k) : nullptr;
    }
    return r;
  }

  // A row in its pieces. The transpose's layers are in what it differences.
  template <Mode M>
  void InPieces(T* state, int64_t j, const VelocityRow<T>& r) const {
    if constexpr (M == kTransposed) {
      const T *const xx = ThroughX(state, j, 2), *const xz = ThroughX(state, j, 3);
      VelocityRow<T> side = r;
      side.xx = xx;
      side.xz = xz;
      Velocities<T, R, M, false, false>(side, 0, s_.left_end);
      Velocities<T, R, M, false, false>(r, s_.left_end, s_.right_begin);
      side.xx = xx + Skip();
      side.xz = xz + Skip();
      Velocities<T, R, M, false, false>(side, s_.right_begin, s_.wide);
    } else if (Layered(j)) {
      Velocities<T, R, M, true, true>(r, 0, s_.left_end);
      Velocities<T, R, M, false, true>(r, s_.left_end, s_.right_begin);
      Velocities<T, R, M, true, true>(ToRight(r), s_.right_begin, s_.wide);
    } else {
      Velocities<T, R, M, true, false>(r, 0, s_.left_end);
      Velocities<T, R, M, false, false>(r, s_.left_end, s_.right_begin);
      Velocities<T, R, M, true, false>(ToRight(r), s_.right_begin, s_.wide);
    }
  }
  template <Mode M>
  void InPieces(T* state, int64_t j, const StressRow<T>& r) const {
    if constexpr (M == kTransposed) {
      const T *const vx = ThroughX(state, j, 0), *const vz = ThroughX(state, j, 1);
      StressRow<T> side = r;
      side.vx = vx;
      side.vz = vz;
      Stresses<T, R, M, false, false>(side, 0, s_.left_end);
      Stresses<T, R, M, false, false>(r, s_.left_end, s_.right_begin);
      side.vx = vx + Skip();
      side.vz = vz + Skip();
      Stresses<T, R, M, false, false>(side, s_.right_begin, s_.wide);
    } else if (Layered(j)) {
      Stresses<T, R, M, true, true>(r, 0, s_.left_end);
      Stresses<T, R, M, false, true>(r, s_.left_end, s_.right_begin);
      Stresses<T, R, M, true, true>(ToRight(r), s_.right_begin, s_.wide);
    } else {
      Stresses<T, R, M, true, false>(r, 0, s_.left_end);
      Stresses<T, R, M, false, false>(r, s_.left_end, s_.right_begin);
      Stresses<T, R, M, true, false>(ToRight(r), s_.right_begin, s_.wide);
    }
  }
  template <class Row>
  Row ToRight(Row r) const {
    for (int k = 0; k < 2; k++) r.mx[k] += s_.left_end - s_.right_begin;
    return r;
  }

  // Row j of what the transpose differences: along x the fields x0 (kind, at half points for velocities) and x1 (kind + 1),
  // along z z0 and z1.
  void Spread(T* state, int64_t j, int64_t kind, int64_t x0, int64_t x1, int64_t z0, int64_t z1) const {
    // vx and sxz lie at half points of x; vz and sxz at half points of z. The layer is that of the difference taken there.
    const T *const half = along_x_, *const whole = along_x_ + 2 * s_.wide;
    if (layered_) {
      SpreadRow(state, j, kind, At(state, x0, j), kind ? whole : half);
      SpreadRow(state, j, kind + 1, At(state, x1, j), kind ? half : whole);
    }
    if (!Layered(j)) return;
    for (int k = 0; k < 2; k++) {
      const T* const c = along_z_ + (k ? 0 : 2 * s_.rows) + j;
      const V b = V::Fill(c[0]), a = V::Fill(c[s_.rows]);
      const T* const from = At(state, k ? z1 : z0, j);
      T *const phi = MemoryZ(state, j, kind + k), *const to = ThroughZ(state, j, kind + k);
      for (int64_t i = 0; i < s_.wide; i += V::kCount) {
        V m = V::Load(phi + i);
        Through(V::Load(from + i), b, a, &m).Store(to + i);
        m.Store(phi + i);
      }
    }
  }
  void SpreadRow(T* state, int64_t j, int64_t kind, const T* from, const T* b) const {
    T *const phi = Memory(state, j, kind), *const to = ThroughX(state, j, kind);
    SpreadPiece(from, b, phi, to, 0, s_.left_end);
    SpreadPiece(from, b, phi + s_.left_end - s_.right_begin, to + Skip(), s_.right_begin, s_.wide);
    if (s_.left_end) Copy(from + s_.left_end, to + s_.left_end);
    if (s_.right_begin < s_.wide) Copy(from + s_.right_begin - 16, to + Skip() + s_.right_begin - 16);
  }
  void SpreadPiece(const T* from, const T* b, T* phi, T* to, int64_t lo, int64_t hi) const {
    for (int64_t i = lo; i < hi; i += V::kCount) {
      V m = V::Load(phi + i);
      Through(V::Load(from + i), V::Load(b + i), V::Load(b + s_.wide + i), &m).Store(to + i);
      m.Store(phi + i);
    }
  }
  static void Copy(const T* from, T* to) {
    for (int64_t i = 0; i < 16; i += V::kCount) V::Load(from + i).Store(to + i);
  }

  const Shape& s_;
  const int64_t stride_, field_, compact_, layered_;
  const int64_t memory_, memory_z_, through_, through_z_;  // where these begin in a state
  const T* const materials_;                               // (5, rows, wide)
  const T* const along_x_;                                 // (4, wide)
  const T* const along_z_;                                 // (4, rows)
};
