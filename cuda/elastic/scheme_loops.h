// Steps of the scheme of elastic.h for all rows of a shot. Velocities and stresses go down the grid together, two rows at a
// time, the stresses two rows behind: a row's old stresses are gone only when no velocity needs them. A few steps are under way
// together, each four rows behind the one before, so that what several steps read and write comes from a far cache once. Every
// number is made from the same numbers as without.
//
// A state is the five fields; then the memory of the layers left and right (rows, 4, layered columns) and of those above and
// below (layered rows, 4, wide). One of the transpose has phi there, and t' along z after it (layered rows, 4, wide).

constexpr int kTogether = 12;              // steps under way at most
constexpr int64_t kNear = 5 << 18;         // bytes that stay near
constexpr int64_t kBehind = 2;             // pairs of rows that one is behind the one before
constexpr int64_t kAhead = 4;              // rows between the use of what was kept and its being asked for
enum When { kBefore, kMoved, kStressed };  // before a row's velocities are new, after that, after its stresses are

// What one step has besides the state.
template <class T>
struct Pass {
  T* kept;           // (rows, 5, wide)
  int64_t together;  // the slot's next
  bool stream;       // past the caches, except for rows
  int64_t lo, hi;    // lo..hi-1
  const T* along;    // (5, rows, wide)
  T* gradient;       // (5, rows, wide)
};

template <class T, int R>
class Scheme {
 public:
  typedef Lanes<T> V;

  Scheme(const Job<T>& job, int64_t model)
      : s_(*job.shape),
        grid_{s_.rows,      s_.wide,     s_.Stride(),    s_.Field(), s_.Compact(),
              s_.Layered(), s_.left_end, s_.right_begin, job.profile},
        memory_(kParts * s_.Field()),
        memory_z_(memory_ + 4 * s_.rows * s_.Layered()),
        through_(memory_z_ + 4 * (s_.Above() + s_.Below()) * s_.wide),
        materials_(job.materials + model * kParts * s_.Compact()),
        along_z_(job.profile + 4 * s_.wide) {}

  // What the shape must say; the workspace was made from that.
  bool Sound() const {
    const int64_t edge = s_.lead + s_.left;
    return s_.halo == R && s_.rows >= s_.Above() + s_.Below() && s_.rows > R && s_.wide % 16 == 0 && s_.lead >= 0 &&
           s_.wide >= s_.lead + s_.cols && s_.cols > 0 && s_.left_end % 16 == 0 && s_.right_begin % 16 == 0 &&
           s_.left_end <= s_.right_begin && s_.right_begin <= s_.wide &&
           (!s_.left || s_.left_end >= edge + R || s_.left_end == s_.wide) &&
           (!s_.right || s_.right_begin <= s_.lead + s_.cols - s_.right - 1 - R || s_.left_end == s_.wide) &&
           s_.state == through_ && s_.adjoint == through_ + 4 * (s_.Above() + s_.Below()) * s_.wide;
  }

  // How many steps go together: as many as have what they work on, four rows each, in a near cache, and one where that holds a
  // whole state. A row of the transpose has the gradients and what was kept besides.
  int64_t Together() const { return Together(s_.state, 2 * kParts + 2); }
  int64_t TogetherBack() const { return Together(s_.adjoint + kParts * grid_.compact, 4 * kParts); }

  const T* Buoyancy() const { return materials_; }

  // Steps 0..steps-1, at most kTogether: pass(k) is step k's, act(k, j, when) is what acts on row j of the state then.
  template <Mode M, class P, class F>
  WAVEPRIOR_INLINE void Sweep(T* state, int64_t steps, const P& pass, const F& act) const {
    const int64_t rows = s_.rows, pairs = (rows + 1) / 2;
    for (int64_t turn = 0; turn < pairs + 1 + kBehind * (steps - 1); turn++)
      for (int64_t k = 0; k < steps; k++) {
        const int64_t pair = turn - kBehind * k;
        if (pair < 0 || pair > pairs) continue;
        const int64_t j = 2 * pair, end = j + 2 < rows ? j + 2 : rows;
        if (s_.free_surface && j == 0) {
          for (int64_t i = 1; i < R; i++) Image(state, kZZ, -i, i, T(-1));
          for (int64_t i = 1; i <= R; i++) Image(state, kXZ, -i, i - 1, T(-1));
        }
        const Pass<T> p = pass(k);
        if constexpr (M == kTransposed)
          for (int64_t i = j; i < end; i++) act(k, i, kBefore);
        if (j < end) Velocity<M>(state, j, end, p);
        if constexpr (M != kTransposed)
          for (int64_t i = j; i < end; i++) act(k, i, kMoved);
        if (!pair) continue;
        if (s_.free_surface && pair == 1) {
          for (int64_t i = 1; i < R; i++) Image(state, kVX, -i, i, T(1));
          for (int64_t i = 1; i <= R; i++) Image(state, kVZ, -i, i - 1, T(1));
        }
        const int64_t stop = j < rows ? j : rows;
        Stress<M>(state, j - 2, stop, p);
        if constexpr (M != kTransposed)
          for (int64_t i = j - 2; i < stop; i++) act(k, i, kStressed);
      }
  }

 private:
  int64_t Together(int64_t state, int64_t arrays) const {
    const int64_t size = static_cast<int64_t>(sizeof(T)), step = 2 * kBehind * arrays * s_.wide * size;
    if (state * size <= kNear) return 1;
    return step * kTogether <= kNear ? kTogether : kNear / step > 2 ? kNear / step : 2;
  }
  T* At(T* state, int64_t part, int64_t j) const { return state + part * grid_.field + s_.Origin() + j * grid_.stride; }
  void Image(T* state, int64_t part, int64_t to, int64_t from, T sign) const {
    T *const a = At(state, part, to), *const b = At(state, part, from);
    for (int64_t i = 0; i < s_.wide; i++) a[i] = sign * b[i];
  }
  bool Layered(int64_t j) const { return j < s_.Above() || (j >= s_.rows - s_.Below() && j < s_.rows); }
  // The number of row j among those with a layer above or below.
  int64_t Rank(int64_t j) const { return j < s_.Above() ? j : s_.Above() + j - (s_.rows - s_.Below()); }
  T* MemoryZ(T* state, int64_t j, int64_t kind) const { return state + memory_z_ + (4 * Rank(j) + kind) * s_.wide; }
  T* ThroughZ(T* state, int64_t j, int64_t kind) const { return state + through_ + (4 * Rank(j) + kind) * s_.wide; }
  // Row j of a field as the transpose differences it along z.
  const T* Across(T* state, int64_t part, int64_t j, int64_t kind) const {
    return j >= 0 && Layered(j) ? ThroughZ(state, j, kind) : At(state, part, j);
  }
  // Whether rows j - R..j + R have no layer above or below.
  bool Between(int64_t j) const {
    return (!s_.Above() || j >= s_.Above() + R) && (!s_.Below() || j + R < s_.rows - s_.Below());
  }

  // What rows from j on of the velocities (part 0) or stresses (part kXX) have; kind is the first of their memories.
  WAVEPRIOR_INLINE Rows<T> Of(T* state, int64_t j, int64_t part, int64_t kind, const Pass<T>& pass) const {
    Rows<T> r;
    const int64_t at = part * grid_.compact + j * s_.wide;
    r.fields = At(state, kVX, j);
    r.materials = materials_ + at;
    r.mx = state + memory_ + (4 * j + kind) * grid_.layered;
    r.mz = MemoryZ(state, j, kind);
    r.along_z = along_z_ + j;
    r.kept = pass.kept + (kParts * j + part) * s_.wide;
    r.soon = r.kept + kParts * s_.wide * (j + kAhead < s_.rows ? kAhead : kAhead - (1 + pass.together) * s_.rows);
    r.stream = pass.stream && (j + 1 < pass.lo || j >= pass.hi);
    r.along = pass.along + at;
    r.gradient = pass.gradient + at;
    return r;
  }

  // Rows j..end-1 of the velocities, one or two.
  template <Mode M>
  WAVEPRIOR_INLINE void Velocity(T* state, int64_t j, int64_t end, const Pass<T>& pass) const {
    if (end - j == 2 && Alike<M>(j)) return VelocityRows<M, 2>(state, j, pass);
    for (; j < end; j++) VelocityRows<M, 1>(state, j, pass);
  }
  template <Mode M, int N>
  WAVEPRIOR_INLINE void VelocityRows(T* state, int64_t j, const Pass<T>& pass) const {
    Rows<T> r = Of(state, j, 0, M == kTransposed ? 2 : 0, pass);
    if constexpr (M == kTransposed) {
      if (Between(j)) {
        VelocitiesBack<T, R, N, false>(grid_, r);
      } else {
        for (int k = 0; k < N + 3; k++) {
          r.zx[k] = Across(state, kXZ, j + k - 2, 3);
          r.zz[k] = Across(state, kZZ, j + k - 1, 2);
        }
        VelocitiesBack<T, R, N, true>(grid_, r);
      }
      for (int64_t i = j; i < j + N; i++)
        if (Layered(i)) SpreadZ(state, i, 0, kVX, kVZ);
    } else if (Layered(j)) {
      Velocities<T, R, M, N, true>(grid_, r);
    } else {
      Velocities<T, R, M, N, false>(grid_, r);
    }
  }
  template <Mode M>
  WAVEPRIOR_INLINE void Stress(T* state, int64_t j, int64_t end, const Pass<T>& pass) const {
    if (end - j == 2 && Alike<M>(j)) {
      StressRows<M, 2>(state, j, pass);
    } else {
      for (int64_t i = j; i < end; i++) StressRows<M, 1>(state, i, pass);
    }
    if (s_.free_surface && j == 0) memset(At(state, kZZ, 0), 0, static_cast<size_t>(s_.wide) * sizeof(T));
    if constexpr (M == kTransposed)
      for (int64_t i = j; i < end; i++)
        if (Layered(i)) SpreadZ(state, i, 2, kZZ, kXZ);
  }
  template <Mode M, int N>
  WAVEPRIOR_INLINE void StressRows(T* state, int64_t j, const Pass<T>& pass) const {
    Rows<T> r = Of(state, j, kXX, M == kTransposed ? 0 : 2, pass);
    if constexpr (M == kTransposed) {
      if (Between(j)) {
        StressesBack<T, R, N, false>(grid_, r);
      } else {
        for (int k = 0; k < N + 3; k++) {
          r.zx[k] = Across(state, kVX, j + k - 1, 0);
          r.zz[k] = Across(state, kVZ, j + k - 2, 1);
        }
        StressesBack<T, R, N, true>(grid_, r);
      }
    } else if (Layered(j)) {
      Stresses<T, R, M, N, true>(grid_, r);
    } else {
      Stresses<T, R, M, N, false>(grid_, r);
    }
  }
  // Whether rows j and j + 1 are of one kind.
  template <Mode M>
  bool Alike(int64_t j) const {
    return M == kTransposed ? Between(j) == Between(j + 1) : Layered(j) == Layered(j + 1);
  }

  // Row j of what the transpose differences along z: field z0, at points (kind), and z1, at half points.
  __attribute__((noinline)) void SpreadZ(T* state, int64_t j, int64_t kind, int64_t z0, int64_t z1) const {
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

  const Shape& s_;
  const Grid<T> grid_;
  const int64_t memory_, memory_z_, through_;  // where these begin in a state
  const T* const materials_;                   // (5, rows, wide)
  const T* const along_z_;                     // (4, rows)
};
