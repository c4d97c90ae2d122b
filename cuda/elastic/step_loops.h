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
  T *mx, *mz;  // two memories each, along x (of the layers' columns) and z: g.layered and g.wide apart; rows kRemembered of these
  const T* along_z;        // b and a at half points, b and a at points, g.rows apart
  bool layered;            // of the transpose: above or below there is a layer
  const T *px[5], *pz[5];  // and near such rows: phi along z of what is differenced there, from row -2 or -1 on,
  T ax[5], az[5];          // and what it is multiplied by
  T* kept;                 // of the tangent D s + f of vx and vz, or vx_x, vz_z, vx_z + vz_x, g.wide apart, rows 5 of these;
                           // of the transpose the step's vx and vz, rows 2 of these
  bool stream;             // past the caches
  const T *ahead[2];       // of the transpose: what will be kept of some rows further on, of this step and the one before it
  const T *vx[5], *vz[5];  // velocities from row -1 or -2 on
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

// t' of the transpose; phi moves on.
template <class T>
WAVEPRIOR_INLINE Lanes<T> Spread(Lanes<T> t, Lanes<T> b, Lanes<T> a, T* phi) {
  Lanes<T> m = Lanes<T>::Load(phi);
  t = Through(t, b, a, &m);
  m.Store(phi);
  return t;
}
// The same along z: phi of row k moves on by the numbers of a field at points of z and of one at half points, and where these are
// differenced t' is made of it.
template <class T>
WAVEPRIOR_INLINE void Deepen(const Grid<T>& g, const Rows<T>& r, int k, int64_t i, Lanes<T> whole, Lanes<T> half) {
  typedef Lanes<T> V;
  T* const phi = r.mz + kRemembered * k * g.wide + i;
  const T* const b = r.along_z + k;
  Fma(V::Fill(b[2 * g.rows]), V::Load(phi), whole).Store(phi);
  Fma(V::Fill(b[0]), V::Load(phi + g.wide), half).Store(phi + g.wide);
}
template <bool Z, class T>
WAVEPRIOR_INLINE Lanes<T> Turn(Lanes<T> t, T a, const T* phi) {
  if constexpr (Z) {
    return Fma(Lanes<T>::Fill(a), Lanes<T>::Load(phi), t);
  } else {
    return t;
  }
}

// The vectors at column i of rows of two fields, with their layers along x, enter their windows.
template <int N, class T>
WAVEPRIOR_INLINE void Enter(const Grid<T>& g, const T* f0, const T* f1, int64_t i, const T* c0, const T* c1, T** phi,
                            Turned<T>* w0, Turned<T>* w1) {
  typedef Lanes<T> V;
  V t0[N], t1[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    t0[k] = V::Load(f0 + i + k * g.stride);
    t1[k] = V::Load(f1 + i + k * g.stride);
  }
  if (g.Layer(i)) {
    const V b0 = V::Load(c0 + i), a0 = V::Load(c0 + i + g.wide), b1 = V::Load(c1 + i), a1 = V::Load(c1 + i + g.wide);
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      t0[k] = Spread(t0[k], b0, a0, *phi + kRemembered * k * g.layered);
      t1[k] = Spread(t1[k], b1, a1, *phi + (kRemembered * k + 1) * g.layered);
    }
    *phi += V::kCount;
  }
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    w0[k].Next(t0[k]);
    w1[k].Next(t1[k]);
  }
}

template <class T>
WAVEPRIOR_INLINE void Put(Lanes<T> x, T* to, bool stream) {
  if (stream) {
    x.Stream(to);
  } else {
    x.Store(to);
  }
}

// Asks memory for the line at p.
template <class T>
WAVEPRIOR_INLINE void Ask(const T* p) {
  _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1);
}

// g += x y.
template <class T>
WAVEPRIOR_INLINE void Grow(T* g, Lanes<T> x, Lanes<T> y) {
  Fma(x, y, Lanes<T>::Load(g)).Store(g);
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
      if constexpr (M == kVelocities) {
        Put(vx, kept + 2 * k * wide, r.stream);
        Put(vz, kept + (2 * k + 1) * wide, r.stream);
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

// The same rows of the transpose; Z: near the layers above and below.
template <class T, int R, int N, bool Z, bool Driven>
__attribute__((noinline)) void VelocitiesBack(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide;
  T* v = r.fields;
  const T *xx = v + 2 * field, *zz = v + 3 * field, *xz = v + 4 * field, *b = r.materials, *kept = r.kept,
          *c = g.along_x, *drive = r.drive, *soon = r.ahead[0], *sooner = r.ahead[1];
  T *gradient = r.gradient, *mx = r.mx;
  Turned<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Begin();
    wz[k].Begin();
  }
  Enter<N>(g, xx, xz, 0, c + 2 * wide, c, &mx, wx, wz);
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Move();
    wz[k].Move();
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    Enter<N>(g, xx, xz, i + V::kCount, c + 2 * wide, c, &mx, wx, wz);
    V x[N + 3], z[N + 3];
#pragma GCC unroll 8
    for (int k = 2 - R; k < N + R + 1; k++) {
      x[k] = Turn<Z>(V::Load(xz + i + (k - 2) * stride), r.ax[k], r.px[k] + i);
      z[k] = Turn<Z>(V::Load(zz + i + (k - 1) * stride), r.az[k], r.pz[k] + i);
    }
    if (soon) {
#pragma GCC unroll 2
      for (int k = 0; k < 2 * N; k++) {
        Ask(soon + i + k * wide);
        Ask(sooner + i + k * wide);
      }
    }
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      V fx = Ahead<R>(wx[k], wx[k].Centre()) + Across<R>(x + k);
      V fz = Behind<R>(wz[k], wz[k].Centre()) + Across<R>(z + k);
      if constexpr (Driven) {
        fx = fx + V::Load(drive + 2 * k * wide + i);
        fz = fz + V::Load(drive + (2 * k + 1) * wide + i);
      }
      T* const to = v + k * stride;
      const V vx = Fma(V::Load(b + k * wide), fx, V::Load(to));
      const V vz = Fma(V::Load(b + k * wide + compact), fz, V::Load(to + field));
      Grow(gradient + k * wide, fx, V::Load(kept + 2 * k * wide));
      Grow(gradient + k * wide + compact, fz, V::Load(kept + (2 * k + 1) * wide));
      vx.Store(to);
      vz.Store(to + field);
      if (Z && r.layered) Deepen(g, r, k, i, vx, vz);
      wx[k].Move();
      wz[k].Move();
    }
    v += V::kCount;
    b += V::kCount;
    kept += V::kCount;
    gradient += V::kCount;
  }
}

template <class T, int R, int N, bool Z>
__attribute__((noinline)) void StressesBack(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide;
  const T *vx = r.fields, *vz = vx + field, *m = r.materials, *c = g.along_x;
  T *s = r.fields + 2 * field, *mx = r.mx;
  Turned<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Begin();
    wz[k].Begin();
  }
  Enter<N>(g, vx, vz, 0, c, c + 2 * wide, &mx, wx, wz);
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Move();
    wz[k].Move();
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    Enter<N>(g, vx, vz, i + V::kCount, c, c + 2 * wide, &mx, wx, wz);
    V x[N + 3], z[N + 3];
#pragma GCC unroll 8
    for (int k = 2 - R; k < N + R + 1; k++) {
      x[k] = Turn<Z>(V::Load(vx + i + (k - 1) * stride), r.ax[k], r.px[k] + i);
      z[k] = Turn<Z>(V::Load(vz + i + (k - 2) * stride), r.az[k], r.pz[k] + i);
    }
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      const V exx = Behind<R>(wx[k], wx[k].Centre()), exz = Ahead<R>(wz[k], wz[k].Centre());
      const V ezx = Across<R>(x + k), ezz = Across<R>(z + k);
      T* const to = s + k * stride;
      const T* const at = m + k * wide;
      const V xx = V::Load(to), zz = V::Load(to + field), xz = V::Load(to + 2 * field);
      const V both = V::Load(at), lam = V::Load(at + compact);
      const V new_zz = Fma(lam, exx, Fma(both, ezz, zz)), new_xz = Fma(V::Load(at + 2 * compact), exz + ezx, xz);
      Fma(lam, ezz, Fma(both, exx, xx)).Store(to);
      new_zz.Store(to + field);
      new_xz.Store(to + 2 * field);
      if (Z && r.layered) Deepen(g, r, k, i, new_zz, new_xz);
      wx[k].Move();
      wz[k].Move();
    }
    s += V::kCount;
    m += V::kCount;
  }
}

// What stresses of the transpose and velocities give to the gradients with respect to moduli; Z: in the layers above and below. Next: the
// stresses' layers along x have not moved on to them.
template <class T, int R, int N, bool Z, bool Next>
__attribute__((noinline)) void Gather(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide, layered = g.layered;
  const T *s = r.fields + 2 * field, *c = g.along_x;
  T *gradient = r.gradient, *mx = r.mx + 2 * layered;
  Turned<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Begin();
    wz[k].Begin();
    wx[k].Next(V::Load(r.vx[k + 1]));
    wz[k].Next(V::Load(r.vz[k + 2]));
    wx[k].Move();
    wz[k].Move();
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    const int64_t next = i + V::kCount;
    V x[N + 3], z[N + 3];
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      wx[k].Next(next < wide ? V::Load(r.vx[k + 1] + next) : V::Fill(0));
      wz[k].Next(next < wide ? V::Load(r.vz[k + 2] + next) : V::Fill(0));
    }
#pragma GCC unroll 8
    for (int k = 2 - R; k < N + R + 1; k++) {
      x[k] = k >= 1 && k < N + 1 ? wx[k - 1].Centre() : V::Load(r.vx[k] + i);
      z[k] = k >= 2 && k < N + 2 ? wz[k - 2].Centre() : V::Load(r.vz[k] + i);
    }
    const bool layer = g.Layer(i);
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      const V exx = Behind<R>(wx[k], wx[k].Centre()), exz = Ahead<R>(wz[k], wz[k].Centre());
      const V ezx = Across<R>(x + k), ezz = Across<R>(z + k);
      wx[k].Move();
      wz[k].Move();
      const T* const at = s + k * stride;
      const V xx = V::Load(at), zz = V::Load(at + field), xz = V::Load(at + 2 * field);
      V xxx = xx, zzx = zz, xzx = xz, xxz = xx, zzz = zz, xzz = xz;  // as they are differenced along x, along z
      if (layer) {
        T* const phi = mx + kRemembered * k * layered;
        const V bp = V::Load(c + i + 2 * wide), ap = V::Load(c + i + 3 * wide), ah = V::Load(c + i + wide);
        V p = V::Load(phi), q = V::Load(phi + layered);
        if constexpr (Next) {
          p = Fma(bp, p, xx);
          q = Fma(V::Load(c + i), q, xz);
        }
        xxx = Fma(ap, p, xx);
        xzx = Fma(ah, q, xz);
        zzx = Spread(zz, bp, ap, phi + 2 * layered);
      }
      if (Z) {
        const T* const l = r.along_z + k;
        T* const phi = r.mz + kRemembered * k * wide + i;
        const V ap = V::Fill(l[3 * g.rows]);
        zzz = Fma(ap, V::Load(phi), zz);
        xzz = Fma(V::Fill(l[g.rows]), V::Load(phi + wide), xz);
        xxz = Spread(xx, V::Fill(l[2 * g.rows]), ap, phi + 2 * wide);
      }
      T* const grow = gradient + k * wide;
      Fma(zzz, ezz, Fma(xxx, exx, V::Load(grow))).Store(grow);
      Fma(zzx, exx, Fma(xxz, ezz, V::Load(grow + compact))).Store(grow + compact);
      Fma(xzz, ezx, Fma(xzx, exz, V::Load(grow + 2 * compact))).Store(grow + 2 * compact);
    }
    if (layer) mx += V::kCount;
    s += V::kCount;
    gradient += V::kCount;
  }
}
