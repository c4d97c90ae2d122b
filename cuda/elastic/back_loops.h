// One or two rows of a half step of the transpose of elastic.h, and what its stresses give to the gradients; step_loops.h has the
// forward steps.

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

// g += x y.
template <class T>
WAVEPRIOR_INLINE void Grow(T* g, Lanes<T> x, Lanes<T> y) {
  Fma(x, y, Lanes<T>::Load(g)).Store(g);
}

// N rows of velocities; Z: near the layers above and below; Driven: cotangents of data act on them.
template <class T, int R, int N, bool Z, bool Driven>
__attribute__((noinline)) void VelocitiesBack(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide;
  T* v = r.fields;
  const T *xx = v + 2 * field, *zz = v + 3 * field, *xz = v + 4 * field, *b = r.materials, *kept = r.kept,
          *c = g.along_x, *drive = r.drive;
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
  const T *vx = r.fields, *vz = vx + field, *m = r.materials, *c = g.along_x, *soon = r.soon;
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
#pragma GCC unroll 4
    for (int k = 0; k < 2 * N; k++) {
      Ask(soon + i + k * wide);
      Ask(soon + i + (k - 4) * wide);  // again what was asked for two rows ago
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

// What the stresses of N rows and velocities that were kept give to the gradients with respect to moduli: with strains that no layer
// has changed, and stresses as the layers of the transpose pass them on. Z: in the layers above and below. Next: these are the
// stresses of the step that comes next, to which phi along x has not moved on. Edge: near the grid's first or last row.
template <class T, int R, int N, bool Z, bool Next, bool Edge>
__attribute__((noinline)) void Gather(const Grid<T>& g, const Rows<T>& r) {
  typedef Lanes<T> V;
  const int64_t field = g.field, stride = g.stride, compact = g.compact, wide = g.wide, layered = g.layered;
  const T *s = r.fields + 2 * field, *c = g.along_x, *v = r.v;
  T *gradient = r.gradient, *mx = r.mx + 2 * layered;
  const auto vx = [&](int k) __attribute__((always_inline)) { return Edge ? r.vx[k + 1] : v + 2 * k * wide; };
  const auto vz = [&](int k) __attribute__((always_inline)) { return Edge ? r.vz[k + 2] : v + (2 * k + 1) * wide; };
  Turned<T> wx[N], wz[N];
#pragma GCC unroll 2
  for (int k = 0; k < N; k++) {
    wx[k].Begin();
    wz[k].Begin();
    wx[k].Next(V::Load(vx(k)));
    wz[k].Next(V::Load(vz(k)));
    wx[k].Move();
    wz[k].Move();
  }
  for (int64_t i = 0; i < wide; i += V::kCount) {
    const int64_t next = i + V::kCount;
    V x[N + 3], z[N + 3];
#pragma GCC unroll 2
    for (int k = 0; k < N; k++) {
      wx[k].Next(next < wide ? V::Load(vx(k) + next) : V::Fill(0));
      wz[k].Next(next < wide ? V::Load(vz(k) + next) : V::Fill(0));
    }
#pragma GCC unroll 8
    for (int k = 2 - R; k < N + R + 1; k++) {
      x[k] = k >= 1 && k < N + 1 ? wx[k - 1].Centre() : V::Load(vx(k - 1) + i);
      z[k] = k >= 2 && k < N + 2 ? wz[k - 2].Centre() : V::Load(vz(k - 2) + i);
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
