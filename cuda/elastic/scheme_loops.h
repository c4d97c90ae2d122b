// Steps of the scheme of elastic.h for all rows of a shot. Velocities and stresses go down the grid together, two rows at a
// time, the stresses two rows behind: a row's old stresses are gone only when no velocity needs them. A few steps are under way
// together, each four rows behind the one before, so that what several steps read and write comes from a far cache once. Every
// number is made from the same numbers as without.
//
// A state is the five fields; then the memory of the layers left and right (rows, 5, layered columns) and of those above and
// below (layered rows, 5, wide), of which a forward run uses four. The transpose has phi there: of vx, vz, sxx and sxz along x, and
// of vx, vz, szz and sxz along z, which it differences; and of szz along x and sxx along z, with which it gathers.

constexpr int kTogether = 12;       // steps under way at most
constexpr int64_t kNear = 5 << 18;  // bytes that stay in the second cache,
constexpr int64_t kSoon = 4 << 20;  // and bytes that the third does not lose before they are read again
constexpr int64_t kBehind = 2;      // pairs of rows that one is behind the one before
constexpr int64_t kAhead = 8;       // rows from those whose stresses are made to those that are asked for
enum When { kMoved, kStressed };    // after a row's velocities are new, after its stresses are

// What one step has besides the state.
template <class T>
struct Pass {
  T* kept = nullptr;          // its velocities (rows, 2, wide), or of the tangent (rows, 5, wide)
  bool stream = false;        // past the caches
  const T* along = nullptr;   // (5, rows, wide)
  T* gradient = nullptr;      // (5, rows, wide)
  bool gathers = false;       // whether the transpose gathers here, of this step and, unless null,
  const T* before = nullptr;  // of the one before it, whose velocities these are
  int64_t ahead = 0;          // what it asks for: its own rows so far ahead, and beyond the last the first rows of
  const T* later = nullptr;   // a step that comes when it is through
  const T* drive = nullptr;   // what acts on the velocities of rows two by two (2, 2, wide)
};

template <class T, int R>
class Scheme {
 public:
  typedef Lanes<T> V;

  Scheme(const Job<T>& job, int64_t model)
      : s_(*job.shape),
        grid_{s_.rows,      s_.wide,     s_.Stride(),    s_.Field(), s_.Compact(),
              s_.Layered(), s_.left_end, s_.right_begin, job.profile},
        above_(s_.Above()),
        below_(s_.rows - s_.Below()),
        memory_(kParts * s_.Field()),
        memory_z_(memory_ + kRemembered * s_.rows * s_.Layered()),
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
           s_.state == memory_z_ + kRemembered * (s_.Above() + s_.Below()) * s_.wide;
  }

  // How many steps go together: as many as have what they work on, four rows each, in a near cache, and of a forward run one
  // where that holds a whole state. A row of the transpose has the gradients and kept velocities besides: an even number of
  // steps, and more of them than a near cache holds, as what counts there is to read a far one less often.
  int64_t Together() const {
    return s_.state * static_cast<int64_t>(sizeof(T)) <= kNear ? 1 : Within(kNear, 2 * kParts + 2);
  }
  int64_t TogetherBack() const { return Within(kSoon, 4 * kParts) & ~int64_t{1}; }

  const T* Buoyancy() const { return materials_; }

  // Steps 0..steps-1, at most kTogether: passes[k] is step k's, act(k, j, when) is what acts on row j of the state then; of the
  // transpose act(k, j, end) returns what acts on the velocities of rows j..end-1, or null.
  template <Mode M, class F>
  WAVEPRIOR_INLINE void Sweep(T* state, int64_t steps, Pass<T>* passes, const F& act) const {
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
        Pass<T>& p = passes[k];
        if constexpr (M == kTransposed) p.drive = act(k, j, end);
        if (j < end) Velocity<M>(state, j, end, p);
        if constexpr (M != kTransposed)
          for (int64_t i = j; i < end; i++) act(k, i, kMoved);
        if (!pair) continue;
        if (s_.free_surface && pair == 1) {
          for (int64_t i = 1; i < R; i++) Image(state, kVX, -i, i, T(1));
          for (int64_t i = 1; i <= R; i++) Image(state, kVZ, -i, i - 1, T(1));
        }
        const int64_t stop = j < rows ? j : rows;
        if (M == kTransposed && p.gathers) Gathered<false>(state, j - 2, stop, p, p.kept);
        Stress<M>(state, j - 2, stop, p);
        if (M == kTransposed && p.before) Gathered<true>(state, j - 2, stop, p, p.before);
        if constexpr (M != kTransposed)
          for (int64_t i = j - 2; i < stop; i++) act(k, i, kStressed);
      }
  }

 private:
  int64_t Within(int64_t bytes, int64_t arrays) const {
    const int64_t step = 2 * kBehind * arrays * s_.wide * static_cast<int64_t>(sizeof(T));
    return step * kTogether <= bytes ? kTogether : bytes / step > 2 ? bytes / step : 2;
  }
  T* At(T* state, int64_t part, int64_t j) const { return state + part * grid_.field + s_.Origin() + j * grid_.stride; }
  void Image(T* state, int64_t part, int64_t to, int64_t from, T sign) const {
    T *const a = At(state, part, to), *const b = At(state, part, from);
    for (int64_t i = 0; i < s_.wide; i++) a[i] = sign * b[i];
  }
  bool Layered(int64_t j) const { return j < above_ || (j >= below_ && j < grid_.rows); }
  // The number of row j among those with a layer above or below.
  int64_t Rank(int64_t j) const { return j < above_ ? j : above_ + j - below_; }
  T* MemoryZ(T* state, int64_t j, int64_t kind) const {
    return state + memory_z_ + (kRemembered * Rank(j) + kind) * s_.wide;
  }
  // Whether rows j - R..j + R have no layer above or below.
  bool Between(int64_t j) const { return (!above_ || j >= above_ + R) && (below_ == grid_.rows || j + R < below_); }

  // What rows from j on of the velocities (part 0) or stresses (part kXX) have; kind is the first of their memories.
  template <Mode M>
  WAVEPRIOR_INLINE Rows<T> Of(T* state, int64_t j, int64_t part, int64_t kind, const Pass<T>& pass) const {
    Rows<T> r;
    const int64_t at = part * grid_.compact + j * s_.wide;
    r.fields = At(state, kVX, j);
    r.materials = materials_ + at;
    r.mx = state + memory_ + (kRemembered * j + kind) * grid_.layered;
    r.mz = MemoryZ(state, j, part ? 2 : 0);
    r.layered = Layered(j);
    r.along_z = along_z_ + j;
    r.kept = pass.kept + (M == kAll || M == kDriven ? kParts * j + part : 2 * j) * s_.wide;
    r.stream = pass.stream;
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
    Rows<T> r = Of<M>(state, j, 0, M == kTransposed ? 2 : 0, pass);
    if constexpr (M == kTransposed) {
      r.drive = pass.drive ? pass.drive + 2 * (j & 1) * s_.wide : nullptr;
      if (Between(j)) {
        VelocityBack<N, false>(r);
      } else {
        for (int k = 0; k < N + 3; k++) {
          Phi(state, kXZ, j + k - 2, 3, &r.px[k], &r.ax[k]);
          Phi(state, kZZ, j + k - 1, 2, &r.pz[k], &r.az[k]);
        }
        VelocityBack<N, true>(r);
      }
    } else if (Layered(j)) {
      Velocities<T, R, M, N, true>(grid_, r);
    } else {
      Velocities<T, R, M, N, false>(grid_, r);
    }
  }
  template <int N, bool Z>
  WAVEPRIOR_INLINE void VelocityBack(const Rows<T>& r) const {
    if (r.drive) {
      VelocitiesBack<T, R, N, Z, true>(grid_, r);
    } else {
      VelocitiesBack<T, R, N, Z, false>(grid_, r);
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
  }
  template <Mode M, int N>
  WAVEPRIOR_INLINE void StressRows(T* state, int64_t j, const Pass<T>& pass) const {
    Rows<T> r = Of<M>(state, j, kXX, M == kTransposed ? 0 : 2, pass);
    if constexpr (M == kTransposed) {
      const int64_t soon = j + pass.ahead;
      const int64_t over = soon - s_.rows - s_.rows % 2;  // rows come in pairs
      r.soon = soon < s_.rows ? pass.kept + 2 * soon * s_.wide : pass.later + 2 * over * s_.wide;
      if (Between(j)) {
        StressesBack<T, R, N, false>(grid_, r);
      } else {
        for (int k = 0; k < N + 3; k++) {
          Phi(state, kVX, j + k - 1, 0, &r.px[k], &r.ax[k]);
          Phi(state, kVZ, j + k - 2, 1, &r.pz[k], &r.az[k]);
        }
        StressesBack<T, R, N, true>(grid_, r);
      }
    } else if (Layered(j)) {
      Stresses<T, R, M, N, true>(grid_, r);
    } else {
      Stresses<T, R, M, N, false>(grid_, r);
    }
  }
  // What rows j..end-1 give to the gradients; Next: of the step that comes next, whose velocities v are.
  template <bool Next>
  WAVEPRIOR_INLINE void Gathered(T* state, int64_t j, int64_t end, const Pass<T>& pass, const T* v) const {
    if (end - j == 2 && Layered(j) == Layered(j + 1)) return GatherRows<2, Next>(state, j, pass, v);
    for (; j < end; j++) GatherRows<1, Next>(state, j, pass, v);
  }
  template <int N, bool Next>
  WAVEPRIOR_INLINE void GatherRows(T* state, int64_t j, const Pass<T>& pass, const T* v) const {
    Rows<T> r = Of<kTransposed>(state, j, kXX, 0, pass);
    r.v = v + 2 * j * s_.wide;
    if (Layered(j)) {
      GatherBeside<N, true, Next>(state, j, v, &r);
    } else {
      GatherBeside<N, false, Next>(state, j, v, &r);
    }
  }
  template <int N, bool Z, bool Next>
  WAVEPRIOR_INLINE void GatherBeside(T* state, int64_t j, const T* v, Rows<T>* r) const {
    if (j >= R && j + N + R <= s_.rows) return Gather<T, R, N, Z, Next, false>(grid_, *r);
    for (int k = 0; k < N + 3; k++) {
      r->vx[k] = Velocity(state, v, kVX, j + k - 1);
      r->vz[k] = Velocity(state, v, kVZ, j + k - 2);
    }
    Gather<T, R, N, Z, Next, true>(grid_, *r);
  }
  // Row j of a step's vx or vz, beyond the grid as the scheme has it.
  const T* Velocity(T* state, const T* kept, int64_t part, int64_t j) const {
    if (s_.free_surface && j < 0) j = part == kVX ? -j : -1 - j;
    return j >= 0 && j < s_.rows ? kept + (2 * j + part) * s_.wide : At(state, part, s_.rows);
  }
  // Whether rows j and j + 1 are of one kind.
  template <Mode M>
  bool Alike(int64_t j) const {
    return Layered(j) == Layered(j + 1) && (M != kTransposed || Between(j) == Between(j + 1));
  }

  // Of row j of a field that the transpose differences along z: phi of its layer there, and what that is multiplied by. Where
  // there is none, any numbers and 0. Kinds 1 and 3 lie at half points.
  WAVEPRIOR_INLINE void Phi(T* state, int64_t part, int64_t j, int64_t kind, const T** phi, T* a) const {
    const bool layer = j >= 0 && Layered(j);
    *phi = layer ? MemoryZ(state, j, kind) : At(state, part, j);
    *a = layer ? along_z_[(kind & 1 ? 1 : 3) * s_.rows + j] : T(0);
  }

  const Shape& s_;
  const Grid<T> grid_;
  const int64_t above_, below_;      // rows below above_ and from below_ on have layers above and below
  const int64_t memory_, memory_z_;  // where these begin in a state
  const T* const materials_;         // (5, rows, wide)
  const T* const along_z_;           // (4, rows)
};
