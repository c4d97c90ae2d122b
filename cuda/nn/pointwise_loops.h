// The loops of pointwise_cpu.cc, compiled for each instruction set.

// y = a x + b z: y, x, z (null: none), a, b, n, block. Unit u is elements u*block to (u+1)*block-1.
template <class T>
int nn_axpby(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  T* const y = in.Pointer<T>();
  const T* const x = in.Pointer<const T>();
  const T* const z = in.Pointer<const T>();
  const T a = in.Real<T>(), b = in.Real<T>();
  const int64_t n = in.Int(), block = in.Int();
  const int64_t end = hi * block < n ? hi * block : n;
  const waveprior::Weighted<T> weighted{a, b};
  if (z) {
#pragma omp simd
    for (int64_t i = lo * block; i < end; i++) y[i] = weighted(x[i], z[i]);
  } else {
#pragma omp simd
    for (int64_t i = lo * block; i < end; i++) y[i] = weighted(x[i]);
  }
  return waveprior::kOk;
}

// y[i][j] = a[i] x[i][j] + b[i] z[i][j]: y, a, x, b, z, width, rows. Unit u is row u.
template <class T>
int nn_row_axpby(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  T* const y = in.Pointer<T>();
  const T* const a = in.Pointer<const T>();
  const T* const x = in.Pointer<const T>();
  const T* const b = in.Pointer<const T>();
  const T* const z = in.Pointer<const T>();
  const int64_t width = in.Int();
  for (int64_t row = lo; row < hi; row++) {
    const waveprior::Weighted<T> weighted{a[row], b[row]};
#pragma omp simd
    for (int64_t j = row * width; j < (row + 1) * width; j++) y[j] = weighted(x[j], z[j]);
  }
  return waveprior::kOk;
}

// dst[i*dstride + j] = src[i*sstride + j]: dst, dstride, src, sstride, width, rows. Unit u is row u.
template <class T>
int nn_copy_rows(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  T* const dst = in.Pointer<T>();
  const int64_t dstride = in.Int();
  const T* const src = in.Pointer<const T>();
  const int64_t sstride = in.Int(), width = in.Int();
  for (int64_t row = lo; row < hi; row++)
    memcpy(dst + row * dstride, src + row * sstride, static_cast<size_t>(width) * sizeof(T));
  return waveprior::kOk;
}

// dst[i*stride + j] = table[index[i]*width + j], NaN where index[i] is none of 0..entries-1: dst, stride, table, index,
// entries, width, rows. Unit u is row u.
template <class T>
int nn_gather_rows(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args in(args);
  T* const dst = in.Pointer<T>();
  const int64_t stride = in.Int();
  const T* const table = in.Pointer<const T>();
  const int32_t* const index = in.Pointer<const int32_t>();
  const int64_t entries = in.Int(), width = in.Int();
  for (int64_t row = lo; row < hi; row++) {
    T* const to = dst + row * stride;
    if (index[row] >= 0 && index[row] < entries) {
      memcpy(to, table + index[row] * width, static_cast<size_t>(width) * sizeof(T));
    } else {
      for (int64_t j = 0; j < width; j++) to[j] = waveprior::NotANumber<T>();
    }
  }
  return waveprior::kOk;
}
