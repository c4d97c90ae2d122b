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
  waveprior::AdamStep<T> s;
  s.clip = 1;
  if (squares) {
    const double norm = waveprior::Sqrt(*squares);
    if (!(norm <= 1.7e308)) return waveprior::kOk;
    const double c = limit / (norm + 1e-6);
    s.clip = c < 1 ? static_cast<T>(c) : T(1);
  }
  s.beta1 = a.Real<T>();
  s.beta2 = a.Real<T>();
  s.rest1 = a.Real<T>();
  s.rest2 = a.Real<T>();
  s.step = a.Real<T>();
  s.root = a.Real<T>();
  s.epsilon = a.Real<T>();
  s.follow = a.Real<T>();
  const int64_t n = a.Int(), block = a.Int(), last = hi * block < n ? hi * block : n;
  const waveprior::AdamStep<T> adam = s;  // a constant: the loops keep it in registers
  if (average) {
#pragma omp simd
    for (int64_t i = lo * block; i < last; i++) {
      T mi = m[i], vi = v[i];
      const T wi = adam.Next(w[i], g[i], mi, vi);
      m[i] = mi;
      v[i] = vi;
      w[i] = wi;
      average[i] = adam.Average(average[i], wi);
    }
  } else {
#pragma omp simd
    for (int64_t i = lo * block; i < last; i++) {
      T mi = m[i], vi = v[i];
      w[i] = adam.Next(w[i], g[i], mi, vi);
      m[i] = mi;
      v[i] = vi;
    }
  }
  return waveprior::kOk;
}
