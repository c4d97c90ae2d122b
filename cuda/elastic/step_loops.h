// One row of a half step of the scheme of elastic.h: velocities from stresses, or stresses from velocities. A row is done in
// up to three pieces, the left and the right absorbing layer and what lies between, so that nothing asks a node where it lies.

// A forward step; one that keeps what the materials multiply; one of the tangent, driven by the materials' directions times
// that; one of the transpose, which adds to the gradients.
enum Mode { kPlain, kKeep, kDriven, kTransposed };

// What a row of velocities reads and writes; every pointer is that of column 0.
template <class T>
struct VelocityRow {
  const T *xx, *xz;        // what is differenced along the row
  const T *zx[4], *zz[4];  // and across it: sxz of rows j-2..j+1, szz of rows j-1..j+2
  T *vx, *vz;
  const T *bx, *bz;
  T *mx[2], *mz[2];          // memory, along x shifted so that [column] is right: of vx, of vz
  const T *b, *a, *bh, *ah;  // the layers' coefficients along x, at points and at half points
  T zb, za, zbh, zah;        // and along z
  T* kept[2];                // D s + f of vx and vz
  const T* along[2];         // of the tangent: directions of bx, bz
  T* gradient[2];            // of the transpose
};

// The same of a row of stresses.
template <class T>
struct StressRow {
  const T *vx, *vz;        // what is differenced along the row
  const T *zx[4], *zz[4];  // and across it: vx of rows j-1..j+2, vz of rows j-2..j+1
  T *xx, *szz, *xz;
  const T *both, *lam, *mu;  // lam + 2 mu, lam, mu, times beta
  T *mx[2], *mz[2];          // memory: of vx_x and vz_x, of vz_z and vx_z
  const T *b, *a, *bh, *ah;
  T zb, za, zbh, zah;
  T* kept[3];  // vx_x, vz_z, vx_z + vz_x
  const T* along[3];
  T* gradient[3];
};

// The difference one half point ahead of, or behind, the window's numbers.
template <int R, class T>
WAVEPRIOR_INLINE Lanes<T> Ahead(const Window<T>& w, Lanes<T> centre) {
  if constexpr (R == 1) {
    return w.template ToRight<1>() - centre;
  } else {
    return Difference<R>(w.template ToRight<1>() - centre, w.template ToRight<2>() - w.template ToLeft<1>());
  }
}
template <int R, class T>
WAVEPRIOR_INLINE Lanes<T> Behind(const Window<T>& w, Lanes<T> centre) {
  if constexpr (R == 1) {
    return centre - w.template ToLeft<1>();
  } else {
    return Difference<R>(centre - w.template ToLeft<1>(), w.template ToRight<1>() - w.template ToLeft<2>());
  }
}
// The difference across rows z[0..3], between z[1] and z[2].
template <int R, class T>
WAVEPRIOR_INLINE Lanes<T> Across(const T* const* z, int64_t i) {
  typedef Lanes<T> V;
  const V near = V::Load(z[2] + i) - V::Load(z[1] + i);
  if constexpr (R == 1) {
    return near;
  } else {
    return Difference<R>(near, V::Load(z[3] + i) - V::Load(z[0] + i));
  }
}

// d + psi of a layer; psi becomes new.
template <class T>
WAVEPRIOR_INLINE Lanes<T> Layer(Lanes<T> b, Lanes<T> a, Lanes<T> d, T* psi) {
  const Lanes<T> next = Remember(b, Lanes<T>::Load(psi), a, d);
  next.Store(psi);
  return d + next;
}

// g += x y.
template <class T>
WAVEPRIOR_INLINE void Grow(T* g, Lanes<T> x, Lanes<T> y) {
  Fma(x, y, Lanes<T>::Load(g)).Store(g);
}

// Columns from..to-1 (multiples of 16); X: with the layers left and right, Z: with those above and below.
template <class T, int R, Mode M, bool X, bool Z>
WAVEPRIOR_INLINE void Velocities(const VelocityRow<T>& r, int64_t from, int64_t to) {
  typedef Lanes<T> V;
  if (from == to) return;
  Window<T> xx(r.xx + from), xz(r.xz + from);
  for (int64_t i = from; i < to; i += V::kCount) {
    V dx = Ahead<R>(xx, xx.Next()), dz = Across<R, T>(r.zx, i);
    V ex = Behind<R>(xz, xz.Next()), ez = Across<R, T>(r.zz, i);
    if constexpr (X) {
      dx = Layer(V::Load(r.bh + i), V::Load(r.ah + i), dx, r.mx[0] + i);
      ex = Layer(V::Load(r.b + i), V::Load(r.a + i), ex, r.mx[1] + i);
    }
    if constexpr (Z) {
      dz = Layer(V::Fill(r.zb), V::Fill(r.za), dz, r.mz[0] + i);
      ez = Layer(V::Fill(r.zbh), V::Fill(r.zah), ez, r.mz[1] + i);
    }
    const V fx = dx + dz, fz = ex + ez;
    V vx = Fma(V::Load(r.bx + i), fx, V::Load(r.vx + i)), vz = Fma(V::Load(r.bz + i), fz, V::Load(r.vz + i));
    if constexpr (M == kKeep) {
      fx.Store(r.kept[0] + i);
      fz.Store(r.kept[1] + i);
    }
    if constexpr (M == kDriven) {
      vx = Fma(V::Load(r.along[0] + i), V::Load(r.kept[0] + i), vx);
      vz = Fma(V::Load(r.along[1] + i), V::Load(r.kept[1] + i), vz);
    }
    if constexpr (M == kTransposed) {
      Grow(r.gradient[0] + i, vx, V::Load(r.kept[0] + i));
      Grow(r.gradient[1] + i, vz, V::Load(r.kept[1] + i));
    }
    vx.Store(r.vx + i);
    vz.Store(r.vz + i);
    xx.Move();
    xz.Move();
  }
}

template <class T, int R, Mode M, bool X, bool Z>
WAVEPRIOR_INLINE void Stresses(const StressRow<T>& r, int64_t from, int64_t to) {
  typedef Lanes<T> V;
  if (from == to) return;
  Window<T> vx(r.vx + from), vz(r.vz + from);
  for (int64_t i = from; i < to; i += V::kCount) {
    V exx = Behind<R>(vx, vx.Next()), ezz = Across<R, T>(r.zz, i);
    V exz = Ahead<R>(vz, vz.Next()), ezx = Across<R, T>(r.zx, i);
    if constexpr (X) {
      exx = Layer(V::Load(r.b + i), V::Load(r.a + i), exx, r.mx[0] + i);
      exz = Layer(V::Load(r.bh + i), V::Load(r.ah + i), exz, r.mx[1] + i);
    }
    if constexpr (Z) {
      ezz = Layer(V::Fill(r.zb), V::Fill(r.za), ezz, r.mz[0] + i);
      ezx = Layer(V::Fill(r.zbh), V::Fill(r.zah), ezx, r.mz[1] + i);
    }
    const V both = V::Load(r.both + i), lam = V::Load(r.lam + i), shear = exz + ezx;
    const V xx = V::Load(r.xx + i), zz = V::Load(r.szz + i), xz = V::Load(r.xz + i);
    if constexpr (M == kTransposed) {
      const V kxx = V::Load(r.kept[0] + i), kzz = V::Load(r.kept[1] + i);
      Fma(zz, kzz, Fma(xx, kxx, V::Load(r.gradient[0] + i))).Store(r.gradient[0] + i);
      Fma(zz, kxx, Fma(xx, kzz, V::Load(r.gradient[1] + i))).Store(r.gradient[1] + i);
      Grow(r.gradient[2] + i, xz, V::Load(r.kept[2] + i));
    }
    V new_xx = Fma(lam, ezz, Fma(both, exx, xx)), new_zz = Fma(lam, exx, Fma(both, ezz, zz));
    V new_xz = Fma(V::Load(r.mu + i), shear, xz);
    if constexpr (M == kKeep) {
      exx.Store(r.kept[0] + i);
      ezz.Store(r.kept[1] + i);
      shear.Store(r.kept[2] + i);
    }
    if constexpr (M == kDriven) {
      const V kxx = V::Load(r.kept[0] + i), kzz = V::Load(r.kept[1] + i);
      const V dboth = V::Load(r.along[0] + i), dlam = V::Load(r.along[1] + i);
      new_xx = Fma(dlam, kzz, Fma(dboth, kxx, new_xx));
      new_zz = Fma(dlam, kxx, Fma(dboth, kzz, new_zz));
      new_xz = Fma(V::Load(r.along[2] + i), V::Load(r.kept[2] + i), new_xz);
    }
    new_xx.Store(r.xx + i);
    new_zz.Store(r.szz + i);
    new_xz.Store(r.xz + i);
    vx.Move();
    vz.Move();
  }
}
