// The loops of philox_cpu.cc, compiled for each instruction set.

// Normals of rows: dst, stride, chains (null: first + row), first, key, step, draw, width, rows, panel. Unit u is panel
// u%panels of row u/panels.
template <class T>
int philox_normals(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dst = a.Pointer<T>();
  const int64_t stride = a.Int();
  const int32_t* const chains = a.Pointer<const int32_t>();
  const int64_t first = a.Int(), key = a.Int(), step = a.Int(), draw = a.Int(), width = a.Int();
  a.Int();
  const int64_t panel = a.Int(), panels = (width + panel - 1) / panel;
  for (int64_t u = lo; u < hi; u++) {
    const int64_t row = u / panels, begin = u % panels * panel, end = begin + panel < width ? begin + panel : width;
    const waveprior::PhiloxRow source(key, step, chains ? chains[row] : first + row, draw);
    T* const to = dst + row * stride;
#pragma omp simd
    for (int64_t k = begin / 2; k < end / 2; k++) {
      const waveprior::PhiloxPair x = source.Pair(k);
      to[2 * k] = static_cast<T>(x.x0);
      to[2 * k + 1] = static_cast<T>(x.x1);
    }
    if (end % 2 != 0) to[end - 1] = static_cast<T>(source.Pair(end / 2).x0);
  }
  return waveprior::kOk;
}
