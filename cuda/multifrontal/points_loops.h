// The loops of points_cpu.cc, compiled for each instruction set. Unit u is elements u block to (u + 1) block - 1. Arguments:
// those of Of in points.h.

template <auto Of>
static inline int EachPoint(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<Of>(args);
  const int64_t end = hi * f.block < f.n ? hi * f.block : f.n;
  for (int64_t i = lo * f.block; i < end; i++) f(i);
  return waveprior::kOk;
}

template <class T>
int helm_diagonals(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointDiagonals<T>::Of>(args, lo, hi);
}

template <class T>
int helm_source(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointSource<T>::Of>(args, lo, hi);
}

template <class T>
int helm_receive(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointReceive<T>::Of>(args, lo, hi);
}

template <class T>
int helm_tangent(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointTangent<T>::Of>(args, lo, hi);
}

template <class T>
int helm_sample(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointSample<T>::Of>(args, lo, hi);
}

template <class T>
int helm_products(const uint64_t* args, int64_t lo, int64_t hi) {
  return EachPoint<&helm::PointProducts<T>::Of>(args, lo, hi);
}

int helm_fold_x(const uint64_t* args, int64_t lo, int64_t hi) { return EachPoint<&helm::PointFoldX::Of>(args, lo, hi); }

int helm_fold_z(const uint64_t* args, int64_t lo, int64_t hi) { return EachPoint<&helm::PointFoldZ::Of>(args, lo, hi); }
