// The loops of points_cpu.cc, compiled for each instruction set. Unit u is elements u block to (u + 1) block - 1.

template <class F>
static inline int EachPoint(const F& f, int64_t n, int64_t block, int64_t lo, int64_t hi) {
  const int64_t end = hi * block < n ? hi * block : n;
  for (int64_t i = lo * block; i < end; i++) f(i);
  return waveprior::kOk;
}

// diagonal, models, which, operators, model_count, systems, frequencies, nz, nx, cells, block.
template <class T>
int helm_diagonals(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  helm::Complex<T>* const diagonal = next.Pointer<helm::Complex<T>>();
  const T* const models = next.Pointer<const T>();
  const int32_t* const which = next.Pointer<const int32_t>();
  const helm::Complex<double>* const operators = next.Pointer<const helm::Complex<double>>();
  const int64_t model_count = next.Int();
  const int64_t systems = next.Int();
  const int64_t frequencies = next.Int();
  const int64_t nz = next.Int();
  const int64_t nx = next.Int();
  const int64_t cells = next.Int();
  const int64_t block = next.Int();
  const helm::Padding grid{nz, nx, cells};
  const int64_t n = systems * (grid.Height() + 2) * (grid.Width() + 2);
  const helm::PointDiagonals<T> f{{diagonal, n},
                                  {models, model_count * nz * nx},
                                  {which, 2 * systems},
                                  {operators, frequencies * 4 * grid.Nodes()},
                                  grid};
  return EachPoint(f, n, block, lo, hi);
}

// x, place, systems, nodes, count, block.
template <class T>
int helm_source(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  helm::Complex<T>* const x = next.Pointer<helm::Complex<T>>();
  const int32_t* const place = next.Pointer<const int32_t>();
  const int64_t systems = next.Int();
  const int64_t nodes = next.Int();
  const int64_t count = next.Int();
  const int64_t block = next.Int();
  const int64_t n = systems * nodes * count;
  const helm::PointSource<T> f{{x, n}, {place, nodes}, nodes, count};
  return EachPoint(f, n, block, lo, hi);
}

// x, place, w, systems, nodes, count, receivers, block.
template <class T>
int helm_receive(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  helm::Complex<T>* const x = next.Pointer<helm::Complex<T>>();
  const int32_t* const place = next.Pointer<const int32_t>();
  const helm::Complex<T>* const w = next.Pointer<const helm::Complex<T>>();
  const int64_t systems = next.Int();
  const int64_t nodes = next.Int();
  const int64_t count = next.Int();
  const int64_t receivers = next.Int();
  const int64_t block = next.Int();
  const int64_t n = systems * nodes * count;
  const helm::PointReceive<T> f{{x, n}, {place, nodes}, {w, systems * count * receivers}, nodes, count, receivers};
  return EachPoint(f, n, block, lo, hi);
}

// x, u, dm, which, node, operators, sets, systems, frequencies, nz, nx, cells, directions, shots, own, block.
template <class T>
int helm_tangent(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  helm::Complex<T>* const x = next.Pointer<helm::Complex<T>>();
  const helm::Complex<T>* const u = next.Pointer<const helm::Complex<T>>();
  const T* const dm = next.Pointer<const T>();
  const int32_t* const which = next.Pointer<const int32_t>();
  const int32_t* const node = next.Pointer<const int32_t>();
  const helm::Complex<double>* const operators = next.Pointer<const helm::Complex<double>>();
  const int64_t sets = next.Int();
  const int64_t systems = next.Int();
  const int64_t frequencies = next.Int();
  const int64_t nz = next.Int();
  const int64_t nx = next.Int();
  const int64_t cells = next.Int();
  const int64_t directions = next.Int();
  const int64_t shots = next.Int();
  const int64_t own = next.Int();
  const int64_t block = next.Int();
  const helm::Padding grid{nz, nx, cells};
  const int64_t all = systems * grid.Nodes() * shots, n = all * directions;
  const helm::PointTangent<T> f{{x, n},
                                {u, all},
                                {dm, sets * directions * nz * nx},
                                {which, 2 * systems},
                                {node, grid.Nodes()},
                                {operators, frequencies * 4 * grid.Nodes()},
                                grid,
                                directions,
                                shots,
                                own};
  return EachPoint(f, n, block, lo, hi);
}

// d, x, row, which, strength, systems, frequencies, nodes, count, receivers, block.
template <class T>
int helm_sample(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  helm::Complex<T>* const d = next.Pointer<helm::Complex<T>>();
  const helm::Complex<T>* const x = next.Pointer<const helm::Complex<T>>();
  const int32_t* const row = next.Pointer<const int32_t>();
  const int32_t* const which = next.Pointer<const int32_t>();
  const double* const strength = next.Pointer<const double>();
  const int64_t systems = next.Int();
  const int64_t frequencies = next.Int();
  const int64_t nodes = next.Int();
  const int64_t count = next.Int();
  const int64_t receivers = next.Int();
  const int64_t block = next.Int();
  const int64_t n = systems * count * receivers;
  const helm::PointSample<T> f{{d, n},
                               {x, systems * nodes * count},
                               {row, receivers},
                               {which, 2 * systems},
                               {strength, frequencies},
                               nodes,
                               count,
                               receivers};
  return EachPoint(f, n, block, lo, hi);
}

// g, u, a, row, which, operators, strength, systems, frequencies, nodes, directions, shots, block.
template <class T>
int helm_products(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  double* const g = next.Pointer<double>();
  const helm::Complex<T>* const u = next.Pointer<const helm::Complex<T>>();
  const helm::Complex<T>* const a = next.Pointer<const helm::Complex<T>>();
  const int32_t* const row = next.Pointer<const int32_t>();
  const int32_t* const which = next.Pointer<const int32_t>();
  const helm::Complex<double>* const operators = next.Pointer<const helm::Complex<double>>();
  const double* const strength = next.Pointer<const double>();
  const int64_t systems = next.Int();
  const int64_t frequencies = next.Int();
  const int64_t nodes = next.Int();
  const int64_t directions = next.Int();
  const int64_t shots = next.Int();
  const int64_t block = next.Int();
  const int64_t n = systems * directions * nodes, all = systems * nodes * shots;
  const helm::PointProducts<T> f{{g, n},
                                 {u, all},
                                 {a, all * directions},
                                 {row, nodes},
                                 {which, 2 * systems},
                                 {operators, frequencies * 4 * nodes},
                                 {strength, frequencies},
                                 nodes,
                                 directions,
                                 shots};
  return EachPoint(f, n, block, lo, hi);
}

// out, in, rows, nz, nx, cells, layer, block.
int helm_fold_x(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  double* const out = next.Pointer<double>();
  const double* const in = next.Pointer<const double>();
  const int64_t rows = next.Int();
  const int64_t nz = next.Int();
  const int64_t nx = next.Int();
  const int64_t cells = next.Int();
  const int64_t layer = next.Int();
  const int64_t block = next.Int();
  const helm::Padding grid{nz, nx, cells};
  const int64_t n = rows * nx;
  const helm::PointFoldX f{{out, n}, {in, rows * grid.Width()}, grid, layer};
  return EachPoint(f, n, block, lo, hi);
}

// out, in, weight, models, directions, frequencies, nz, nx, cells, layer, more, block.
int helm_fold_z(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args next(args);
  double* const out = next.Pointer<double>();
  const double* const in = next.Pointer<const double>();
  const double* const weight = next.Pointer<const double>();
  const int64_t models = next.Int();
  const int64_t directions = next.Int();
  const int64_t frequencies = next.Int();
  const int64_t nz = next.Int();
  const int64_t nx = next.Int();
  const int64_t cells = next.Int();
  const int64_t layer = next.Int();
  const int64_t more = next.Int();
  const int64_t block = next.Int();
  const helm::Padding grid{nz, nx, cells};
  const int64_t sets = models * frequencies * directions, n = models * directions * nz * nx;
  const helm::PointFoldZ f{
      {out, n}, {in, sets * grid.Height() * nx}, {weight, sets}, grid, directions, frequencies, layer, more};
  return EachPoint(f, n, block, lo, hi);
}
