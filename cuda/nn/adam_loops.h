// The loop of adam_cpu.cc, compiled for each instruction set.

// Reads squares (double: |g|^2; null: no clipping), limit, beta1, beta2, rest1, rest2, step, root, epsilon, follow. False
// where |g| is not finite: then nothing may be written.
template <class T>
inline bool ReadAdam(waveprior::Args& a, waveprior::AdamStep<T>& s) {
  const double* const squares = a.Pointer<const double>();
  const double limit = a.Real<double>();
  s.clip = waveprior::ClipFactor<T>(squares != nullptr, squares ? *squares : 0, limit);
  if (s.clip < 0) return false;
  s.beta1 = a.Real<T>();
  s.beta2 = a.Real<T>();
  s.rest1 = a.Real<T>();
  s.rest2 = a.Real<T>();
  s.step = a.Real<T>();
  s.root = a.Real<T>();
  s.epsilon = a.Real<T>();
  s.follow = a.Real<T>();
  return true;
}

// One step for n parameters; average may be null.
template <class T>
WAVEPRIOR_INLINE void AdamRange(T* w, const T* g, T* m, T* v, T* average, int64_t n,
                                const waveprior::AdamStep<T>& step) {
  const waveprior::AdamStep<T> adam = step;  // a constant: the loops keep it in registers
  if (average) {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
      T mi = m[i], vi = v[i];
      const T wi = adam.Next(w[i], g[i], mi, vi);
      m[i] = mi;
      v[i] = vi;
      w[i] = wi;
      average[i] = adam.Average(average[i], wi);
    }
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
      T mi = m[i], vi = v[i];
      w[i] = adam.Next(w[i], g[i], mi, vi);
      m[i] = mi;
      v[i] = vi;
    }
  }
}

// One step for n parameters: w, g, m, v, average (null: none), the arguments of ReadAdam, n, block. Unit u is parameters
// u*block to (u+1)*block-1.
template <class T>
int nn_adam(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const w = a.Pointer<T>();
  const T* const g = a.Pointer<const T>();
  T* const m = a.Pointer<T>();
  T* const v = a.Pointer<T>();
  T* const average = a.Pointer<T>();
  waveprior::AdamStep<T> s;
  if (!ReadAdam(a, s)) return waveprior::kOk;
  const int64_t n = a.Int(), block = a.Int(), first = lo * block, last = hi * block < n ? hi * block : n;
  AdamRange(w + first, g + first, m + first, v + first, average ? average + first : nullptr, last - first, s);
  return waveprior::kOk;
}
