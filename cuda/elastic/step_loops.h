// One or two rows of a half step of the scheme of elastic.h: velocities from stresses, or stresses from velocities. Two share
// what is differenced along z. Only the vectors at the ends of a row lie in layers; the branch on that is foreseen.

constexpr int kRemembered = 5;  // memories of a row along x, and along z; forward steps use four

// A forward step; one that keeps its velocities, for the transpose; one that keeps what the materials multiply, for the tangent, which is
// driven by the materials' directions times that; one of the transpose, which adds to the gradients.
enum Mode { kPlain, kVelocities, kAll, kDriven, kTransposed };

// What all rows of a shot have alike: distances between numbers, and the layers along x.
template <class T>
struct Grid {
  int64_t rows, wide, stride, field, compact;
  int64_t layered, left_end, right_begin;  // what lies before left_end or from right_begin on has layers
  const T* along_x;                        // (4, wide): b and a at half points and at points

  WAVEPRIOR_INLINE bool Layer(int64_t i) const { return i < left_end || (i >= right_begin && i < wide); }
};

// What rows read and write; every pointer is that of column 0 of the first one.
template <class T>
struct Rows {
  T* fields;           // vx of the row; the other fields are g.field apart, rows g.stride
  const T* materials;  // bx, bz or lam + 2 mu, lam, mu, g.compact apart; rows g.wide
  T *mx,
      *mz;  // two memories each, along x (of the layers' columns) and z: g.layered and g.wide apart; rows kRemembered of these
  const T* along_z;        // b and a at half points, b and a at points, g.rows apart
  bool layered;            // of the transpose: above or below there is a layer
  const T *px[5], *pz[5];  // and near such rows: phi along z of what is differenced there, from row -2 or -1 on,
  T ax[5], az[5];          // and what it is multiplied by
  T* kept;        // of the tangent D s + f of vx and vz, or vx_x, vz_z, vx_z + vz_x, g.wide apart, rows 5 of these;
                  // of the transpose the step's vx and vz, rows 2 of these
  bool stream;    // past the caches
  const T* soon;  // of the transpose: what was kept of rows that come soon
  const T* v;     // of what gathers: velocities, rows 2 g.wide apart,
  const T *vx[5], *vz[5];  // and near the grid's edge those of vx from row -1 on and of vz from row -2 on
  const T* drive;          // of the transpose, or null: forces on vx and vz, g.wide apart; rows 2 of these
  const T* along;          // of the tangent: directions of the materials, g.compact apart
  T* gradient;             // of the transpose, g.compact apart
};

// A vector of a row between those before and after it, that may be other numbers than memory's.
template <class T>
class Turned : public Shifted<T> {
 public:
  typedef Lanes<T> V;
  // The next vector is a row's first.
  WAVEPRIOR_INLINE void Begin() {
    Next(V::Fill(0));
    Shifted<T>::Move();
    Next(V::Fill(0));
    Shifted<T>::Move();
  }
  // Move makes the next vector the one in the middle.
  WAVEPRIOR_INLINE void Next(V next) { centre_ = Shifted<T>::Next(next); }
  WAVEPRIOR_INLINE V Centre() const { return centre_; }

 private:
  V centre_;
};

// The neighbours of a row's numbers along x: Start at the row's beginning, At(p) and Move for each vector in turn.
#if WAVEPRIOR_V4
template <class T>
class Beside : public Turned<T> {
 public:
  typedef Lanes<T> V;
  WAVEPRIOR_INLINE void Start(const T* p) {
    Turned<T>::Next(V::Load(p - V::kCount));
    Turned<T>::Move();
    Turned<T>::Next(V::Load(p));
    Turned<T>::Move();
  }
  WAVEPRIOR_INLINE V At(const T* p) {
    Turned<T>::Next(V::Load(p + V::kCount));
    return Turned<T>::Centre();
  }
};
#else
template <class T>
class Beside {
 public:
  typedef Lanes<T> V;
  WAVEPRIOR_INLINE void Start(const T*) {}
  WAVEPRIOR_INLINE V At(const T* p) {
    p_ = p;
    return V::Load(p);
  }
  WAVEPRIOR_INLINE void Move() {}
  template <int K>
  WAVEPRIOR_INLINE V ToLeft() const {
    return V::Loose(p_ - K);
  }
  template <int K>
  WAVEPRIOR_INLINE V ToRight() const {
    return V::Loose(p_ + K);
  }

 private:
  const T* p_;
};
#endif

// The difference one half point ahead of, or behind, the numbers of centre, w their neighbours.
template <int R, class W, class V>
WAVEPRIOR_INLINE V Ahead(const W& w, V centre) {
  if constexpr (R == 1) {
    return w.template ToRight<1>() - centre;
  } else {
    return Difference<R>(w.template ToRight<1>() - centre, w.template ToRight<2>() - w.template ToLeft<1>());
  }
}
template <int R, class W, class V>
WAVEPRIOR_INLINE V Behind(const W& w, V centre) {
  if constexpr (R == 1) {
    return centre - w.template ToLeft<1>();
  } else {
    return Difference<R>(centre - w.template ToLeft<1>(), w.template ToRight<1>() - w.template ToLeft<2>());
  }
}
// The difference along z between rows z[1] and z[2].
template <int R, class V>
WAVEPRIOR_INLINE V Across(const V* z) {
  if constexpr (R == 1) {
    return z[2] - z[1];
  } else {
    return Difference<R>(z[2] - z[1], z[3] - z[0]);
  }
}
// Rows of a vector at p, 1 - R rows from z[1 + from] on, except those that centre[0..N-1] has, which are z[at..].
template <int R, int N, int AT, class T>
WAVEPRIOR_INLINE void Column(const T* p, int64_t stride, const Lanes<T>* centre, Lanes<T>* z) {
#pragma GCC unroll 8
  for (int k = 2 - R; k < N + R + 1; k++)
    z[k] = centre && k >= AT && k < AT + N ? centre[k - AT] : Lanes<T>::Load(p + (k - AT) * stride);
}

// d + psi of a layer; psi becomes new.
template <class T>
WAVEPRIOR_INLINE Lanes<T> Layer(Lanes<T> b, Lanes<T> a, Lanes<T> d, T* psi) {
  const Lanes<T> next = Remember(b, Lanes<T>::Load(psi), a, d);
  next.Store(psi);
  return d + next;
}

template <class T>
WAVEPRIOR_INLINE void Put(Lanes<T> x, T* to, bool stream) {
  if (stream) {
    x.Stream(to);
  } else {
    x.Store(to);
  }
}

// N rows of velocities of a forward step or a tangent's; Z: with the layers above and below.
template <class T, int R, Mode M, int N, bool Z>
__attribute__((noinline)) void Velocities(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide, layered = g.layered;
  T* v = r.fields;
  const T *xx = v + 2 * field, *zz = v + 3 * field, *xz = v + 4 * field, *b = r.materials, *along = r.along,
          *c = g.along_x;
  T *kept = r.kept, *mx = r.mx, *mz = r.mz;
  Beside<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Start(xx + k * stride);
    wz[k].Start(xz + k * stride);
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    V dx[N], ex[N], s[N], x[N + 3], z[N + 3];
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      s[k] = wz[k].At(xz + k * stride);
      dx[k] = Ahead<R>(wx[k], wx[k].At(xx + k * stride));
      ex[k] = Behind<R>(wz[k], s[k]);
    }
    Column<R, N, 2>(xz, stride, s, x);
    Column<R, N, 1>(zz, stride, static_cast<V*>(nullptr), z);
    if (g.Layer(i)) {
      const V bh = V::Load(c), ah = V::Load(c + wide), bp = V::Load(c + 2 * wide), ap = V::Load(c + 3 * wide);
#pragma GCC unroll 2
      for (int k = 0; k < N; k++) {
        dx[k] = Layer(bh, ah, dx[k], mx + kRemembered * k * layered);
        ex[k] = Layer(bp, ap, ex[k], mx + (kRemembered * k + 1) * layered);
      }
      mx += V::kCount;
    }
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      V dz = Across<R>(x + k), ez = Across<R>(z + k);
      if constexpr (Z) {
        const T* const l = r.along_z + k;
        dz = Layer(V::Fill(l[2 * g.rows]), V::Fill(l[3 * g.rows]), dz, mz + kRemembered * k * wide);
        ez = Layer(V::Fill(l[0]), V::Fill(l[g.rows]), ez, mz + (kRemembered * k + 1) * wide);
      }
      const V fx = dx[k] + dz, fz = ex[k] + ez;
      T* const to = v + k * stride;
      V vx = Fma(V::Load(b + k * wide), fx, V::Load(to));
      V vz = Fma(V::Load(b + k * wide + compact), fz, V::Load(to + field));
      if constexpr (M == kAll) {
        fx.Store(kept + kParts * k * wide);
        fz.Store(kept + (kParts * k + 1) * wide);
      }
      if constexpr (M == kDriven) {
        vx = Fma(V::Load(along + k * wide), V::Load(kept + kParts * k * wide), vx);
        vz = Fma(V::Load(along + k * wide + compact), V::Load(kept + (kParts * k + 1) * wide), vz);
      }
      vx.Store(to);
      vz.Store(to + field);
      wx[k].Move();
      wz[k].Move();
    }
    v += V::kCount;
    xx += V::kCount;
    zz += V::kCount;
    xz += V::kCount;
    b += V::kCount;
    c += V::kCount;
    mz += V::kCount;
    kept += V::kCount;
    along += V::kCount;
  }
}

template <class T, int R, Mode M, int N, bool Z>
__attribute__((noinline)) void Stresses(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide, layered = g.layered;
  const T *vx = r.fields, *vz = vx + field, *m = r.materials, *along = r.along, *c = g.along_x;
  T *s = r.fields + 2 * field, *kept = r.kept, *mx = r.mx, *mz = r.mz;
  Beside<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Start(vx + k * stride);
    wz[k].Start(vz + k * stride);
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    V exx[N], exz[N], here_x[N], here_z[N], x[N + 3], z[N + 3];
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      here_x[k] = wx[k].At(vx + k * stride);
      here_z[k] = wz[k].At(vz + k * stride);
      exx[k] = Behind<R>(wx[k], here_x[k]);
      exz[k] = Ahead<R>(wz[k], here_z[k]);
    }
    Column<R, N, 1>(vx, stride, here_x, x);
    Column<R, N, 2>(vz, stride, here_z, z);
    if (g.Layer(i)) {
      const V bh = V::Load(c), ah = V::Load(c + wide), bp = V::Load(c + 2 * wide), ap = V::Load(c + 3 * wide);
#pragma GCC unroll 2
      for (int k = 0; k < N; k++) {
        exx[k] = Layer(bp, ap, exx[k], mx + kRemembered * k * layered);
        exz[k] = Layer(bh, ah, exz[k], mx + (kRemembered * k + 1) * layered);
      }
      mx += V::kCount;
    }
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      V ezx = Across<R>(x + k), ezz = Across<R>(z + k);
      if constexpr (Z) {
        const T* const l = r.along_z + k;
        ezz = Layer(V::Fill(l[2 * g.rows]), V::Fill(l[3 * g.rows]), ezz, mz + kRemembered * k * wide);
        ezx = Layer(V::Fill(l[0]), V::Fill(l[g.rows]), ezx, mz + (kRemembered * k + 1) * wide);
      }
      T* const to = s + k * stride;
      const T* const at = m + k * wide;
      const V both = V::Load(at), lam = V::Load(at + compact), shear = exz[k] + ezx;
      V xx = Fma(lam, ezz, Fma(both, exx[k], V::Load(to))), zz = Fma(lam, exx[k], Fma(both, ezz, V::Load(to + field)));
      V xz = Fma(V::Load(at + 2 * compact), shear, V::Load(to + 2 * field));
      T* const put = kept + kParts * k * wide;
      if constexpr (M == kVelocities) {
        Put(here_x[k], kept + 2 * k * wide, r.stream);
        Put(here_z[k], kept + (2 * k + 1) * wide, r.stream);
      }
      if constexpr (M == kAll) {
        exx[k].Store(put);
        ezz.Store(put + wide);
        shear.Store(put + 2 * wide);
      }
      if constexpr (M == kDriven) {
        const V kxx = V::Load(put), kzz = V::Load(put + wide);
        const T* const d = along + k * wide;
        const V dboth = V::Load(d), dlam = V::Load(d + compact);
        xx = Fma(dlam, kzz, Fma(dboth, kxx, xx));
        zz = Fma(dlam, kxx, Fma(dboth, kzz, zz));
        xz = Fma(V::Load(d + 2 * compact), V::Load(put + 2 * wide), xz);
      }
      xx.Store(to);
      zz.Store(to + field);
      xz.Store(to + 2 * field);
      wx[k].Move();
      wz[k].Move();
    }
    vx += V::kCount;
    vz += V::kCount;
    s += V::kCount;
    m += V::kCount;
    c += V::kCount;
    mz += V::kCount;
    kept += V::kCount;
    along += V::kCount;
  }
}
