// The loops of model_cpu.cc: from velocities to padded courant numbers, and the transpose of the padding.

// The node of the grid that row j or column i of the padded one copies.
WAVEPRIOR_INLINE int64_t Inside(int64_t at, int64_t before, int64_t n) {
  const int64_t k = at - before;
  return k < 0 ? 0 : k >= n ? n - 1 : k;
}

// out (items, rows, wide) = (v dt/h)^2, or along dv 2 v dv (dt/h)^2: shape, out, v (models, nz, nx), dv (sets, many, nz, nx)
// or null, many, sets, dt, h. Rounded as the OpenFWI data
// sets' generator in float32. Unit u is item u: model u, or direction u % many of model u / many.
template <class T>
int wave_courant(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::Shape& s = *a.Pointer<const waveprior::Shape>();
  T* const out_all = a.Pointer<T>();
  const T* const v_all = a.Pointer<const T>();
  const T* const dv_all = a.Pointer<const T>();
  const int64_t many = a.Int(), sets = a.Int();
  const T dt = a.Real<T>(), h = a.Real<T>();
  const int64_t nz = s.rows - s.top - s.bottom, nx = s.cols - s.left - s.right;
  for (int64_t u = lo; u < hi; u++) {
    const T* const v = v_all + (dv_all ? u / many : u) * nz * nx;
    const T* const dv = dv_all ? dv_all + (sets == 1 ? u % many : u) * nz * nx : nullptr;
    T* const out = out_all + u * s.Compact();
    for (int64_t j = 0; j < s.rows; j++) {
      const int64_t from = Inside(j, s.top, nz) * nx;
      const bool still = s.free_surface && j == 0;
      for (int64_t i = 0; i < s.wide; i++) {
        T c = 0;
        if (i < s.cols && !still) {
          const int64_t k = from + Inside(i, s.left, nx);
          const T r = v[k] * dt / h;
          c = dv ? 2 * r * (dv[k] * dt / h) : r * r;
        }
        out[j * s.wide + i] = c;
      }
    }
  }
  return waveprior::kOk;
}

// out (models, many, nz, nx), float64: the sum over shots, in their order, of g (models, shots, many, rows, wide), each padded
// node added to the one that it copies: shape, out, g, many. Unit u is direction u % many of model u / many.
template <class T>
int wave_fold(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  const waveprior::Shape& s = *a.Pointer<const waveprior::Shape>();
  double* const out_all = a.Pointer<double>();
  const T* const g_all = a.Pointer<const T>();
  const int64_t many = a.Int();
  const int64_t nz = s.rows - s.top - s.bottom, nx = s.cols - s.left - s.right;
  for (int64_t u = lo; u < hi; u++) {
    double* const out = out_all + u * nz * nx;
    for (int64_t k = 0; k < nz * nx; k++) out[k] = 0;
    for (int64_t shot = 0; shot < s.shots; shot++) {
      const T* const g = g_all + ((u / many * s.shots + shot) * many + u % many) * s.Compact();
      for (int64_t j = 0; j < s.rows; j++) {
        double* const to = out + Inside(j, s.top, nz) * nx;
        const T* const row = g + j * s.wide;
        for (int64_t i = 0; i < s.left; i++) to[0] += double(row[i]);
        for (int64_t i = 0; i < nx; i++) to[i] += double(row[s.left + i]);
        for (int64_t i = s.left + nx; i < s.cols; i++) to[nx - 1] += double(row[i]);
      }
    }
  }
  return waveprior::kOk;
}
