// The loops of model_cpu.cc: PointCourant and PointFold of model.h, which have the arguments. Unit: an item.

template <class T>
int wave_courant(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&waveprior::wave::PointCourant<T>::Of>(args);
  for (int64_t u = lo; u < hi; u++)
    for (int64_t j = 0; j < f.grid.rows; j++)
      for (int64_t i = 0; i < f.grid.wide; i++) f(u, j, i);
  return waveprior::kOk;
}

template <class T>
int wave_fold(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&waveprior::wave::PointFold<T>::Of>(args);
  for (int64_t u = lo; u < hi; u++)
    for (int64_t iz = 0; iz < f.grid.nz; iz++)
      for (int64_t ix = 0; ix < f.grid.nx; ix++) f(u, iz, ix);
  return waveprior::kOk;
}
