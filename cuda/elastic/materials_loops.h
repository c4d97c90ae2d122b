// The loops of materials_cpu.cc: PointMaterials and PointFold of materials.h, which have the arguments. Unit: an item.

template <class T>
int elastic_materials(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&waveprior::elastic::PointMaterials<T>::Of>(args);
  for (int64_t u = lo; u < hi; u++)
    for (int64_t j = 0; j < f.grid.rows; j++)
      for (int64_t i = 0; i < f.grid.wide; i++) f(u, j, i);
  return waveprior::kOk;
}

// Each padded node once: what a node of the model gathers on a GPU is added to it in the same order.
template <class T>
int elastic_fold(const uint64_t* args, int64_t lo, int64_t hi) {
  const auto f = waveprior::CallWith<&waveprior::elastic::PointFold<T>::Of>(args);
  const int64_t n = f.grid.Model();
  for (int64_t u = lo; u < hi; u++) {
    for (int64_t k = 3 * u * n; k < 3 * (u + 1) * n; k++) f.out.Set(k, 0);
    for (int64_t j = 0; j < f.grid.rows; j++)
      for (int64_t i = 0; i < f.grid.cols; i++)
        f.Terms(u, j, i, [&](int field, int64_t k, double x) { f.out[(3 * u + field) * n + k] += x; });
  }
  return waveprior::kOk;
}
