// The loops of model_cpu.cc.

template <class T>
static inline waveprior::wave::Padding PaddingOf(waveprior::Args* a) {
  return {a->Int(), a->Int(), a->Int(), a->Int(), a->Int(), a->Int(), a->Int(), a->Int()};
}

// out, v, dv or null, many, sets, rows, cols, wide, top, left, nz, nx, still, items, dt, h. Unit: an item.
template <class T>
int wave_courant(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const out = a.Pointer<T>();
  const T* const v = a.Pointer<const T>();
  const T* const dv = a.Pointer<const T>();
  const int64_t many = a.Int(), sets = a.Int();
  const waveprior::wave::Padding grid = PaddingOf<T>(&a);
  const int64_t items = a.Int(), models = dv ? items / many : items;
  const T dt = a.Real<T>(), h = a.Real<T>();
  const waveprior::wave::PointCourant<T> f{{out, items * grid.Compact()},
                                           {v, models * grid.Model()},
                                           {dv, sets * many * grid.Model()},
                                           grid,
                                           many,
                                           sets,
                                           dt,
                                           h};
  for (int64_t u = lo; u < hi; u++)
    for (int64_t j = 0; j < grid.rows; j++)
      for (int64_t i = 0; i < grid.wide; i++) f(u, j, i);
  return waveprior::kOk;
}

// out, g, shots, many, rows, cols, wide, top, left, nz, nx, still, items. Unit: an item.
template <class T>
int wave_fold(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  double* const out = a.Pointer<double>();
  const T* const g = a.Pointer<const T>();
  const int64_t shots = a.Int(), many = a.Int();
  const waveprior::wave::Padding grid = PaddingOf<T>(&a);
  const int64_t items = a.Int();
  const waveprior::wave::PointFold<T> f{
      {out, items * grid.Model()}, {g, items * shots * grid.Compact()}, grid, shots, many};
  for (int64_t u = lo; u < hi; u++)
    for (int64_t iz = 0; iz < grid.nz; iz++)
      for (int64_t ix = 0; ix < grid.nx; ix++) f(u, iz, ix);
  return waveprior::kOk;
}

// to, from or null, n, block. Unit: `block` numbers.
template <class T>
int wave_copy(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const to = a.Pointer<T>();
  const T* const from = a.Pointer<const T>();
  const int64_t n = a.Int(), block = a.Int();
  const waveprior::wave::PointCopy<T> f{{to, n}, {from, n}};
  for (int64_t i = lo * block; i < hi * block && i < n; i++) f(i);
  return waveprior::kOk;
}
