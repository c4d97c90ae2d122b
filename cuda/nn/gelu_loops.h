// The loops of gelu_cpu.cc, compiled for each instruction set. Unit u is elements u*block to (u+1)*block-1.

// y = gelu(x): y, x, n, block.
template <class T>
int nn_gelu(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const y = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const int64_t n = a.Int(), block = a.Int();
  const int64_t end = hi * block < n ? hi * block : n;
#pragma omp simd
  for (int64_t i = lo * block; i < end; i++) y[i] = waveprior::Gelu(x[i]);
  return waveprior::kOk;
}

// dx = dy gelu'(x): dx, dy, x, n, block. dx may be dy.
template <class T>
int nn_gelu_backward(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dx = a.Pointer<T>();
  const T* const dy = a.Pointer<const T>();
  const T* const x = a.Pointer<const T>();
  const int64_t n = a.Int(), block = a.Int();
  const int64_t end = hi * block < n ? hi * block : n;
#pragma omp simd
  for (int64_t i = lo * block; i < end; i++) dx[i] = dy[i] * waveprior::GeluSlope(x[i]);
  return waveprior::kOk;
}

// y = Phi(x): y, x, n, block.
template <class T>
int nn_phi(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const y = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const int64_t n = a.Int(), block = a.Int();
  const int64_t end = hi * block < n ? hi * block : n;
#pragma omp simd
  for (int64_t i = lo * block; i < end; i++) y[i] = waveprior::Normal(x[i]).distribution;
  return waveprior::kOk;
}
