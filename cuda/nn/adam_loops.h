// The loop of adam_cpu.cc, compiled for each instruction set.

// One step for n parameters: w, g, m, v, average (null: none), squares (double: |g|^2; null: no clipping), limit, beta1,
// beta2, rest1, rest2, step, root, epsilon, follow, n, block. Unit u is parameters u*block to (u+1)*block-1. Where |g| is
// not finite nothing is written.
template <class T>
int nn_adam(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const w = a.Pointer<T>();
  const T* const g = a.Pointer<const T>();
  T* const m = a.Pointer<T>();
  T* const v = a.Pointer<T>();
  T* const average = a.Pointer<T>();
  const double* const squares = a.Pointer<const double>();
  const double limit = a.Real<double>();
  T clip = 1;
  if (squares) {
    const double norm = __builtin_sqrt(*squares);
    if (!(norm <= 1.7e308)) return waveprior::kOk;
    const double c = limit / (norm + 1e-6);
    clip = c < 1 ? static_cast<T>(c) : T(1);
  }
  const T beta1 = a.Real<T>(), beta2 = a.Real<T>(), rest1 = a.Real<T>(), rest2 = a.Real<T>(), step = a.Real<T>(),
          root = a.Real<T>(), epsilon = a.Real<T>(), follow = a.Real<T>();
  const int64_t n = a.Int(), block = a.Int();
  const waveprior::AdamStep<T> adam{w, g, m, v, average, clip, beta1, beta2, rest1, rest2, step, root, epsilon, follow};
  const int64_t end = hi * block < n ? hi * block : n;
  if (average) {
#pragma omp simd
    for (int64_t i = lo * block; i < end; i++) {
      const T wi = adam.Next(i);
      w[i] = wi;
      average[i] = waveprior::Fma(follow, wi - average[i], average[i]);
    }
  } else {
#pragma omp simd
    for (int64_t i = lo * block; i < end; i++) w[i] = adam.Next(i);
  }
  return waveprior::kOk;
}
