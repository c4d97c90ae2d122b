// The loops of item_cpu.cc, compiled for each instruction set. item.h has the arguments.

template <class T>
int mixture_posterior(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const out_all = a.Pointer<T>();
  T* const bar_all = a.Pointer<T>();
  T* const stats = a.Pointer<T>();
  const T* const top_all = a.Pointer<const T>();
  const T* const sum_all = a.Pointer<const T>();
  const T* const bars_all = a.Pointer<const T>();
  const T* const x_all = a.Pointer<const T>();
  const T* const alpha_all = a.Pointer<const T>();
  const T* const sigma_all = a.Pointer<const T>();
  const T* const variances = a.Pointer<const T>();
  const int64_t chunks = a.Int(), d = a.Int(), lambdas = a.Int();
  for (int64_t item = lo; item < hi; item++) {
    const T* const top = top_all + item * chunks;
    const T* const sum = sum_all + item * chunks;
    T most = top[0];
    for (int64_t c = 1; c < chunks; c++) most = top[c] > most ? top[c] : most;
    const T base = waveprior::mixture::Base(most);
    T total = 0;
    // The sums of bar go into the place of one of the results.
    T* const bar = bar_all ? bar_all + item * d : out_all ? out_all + item * d : nullptr;
    if (bar) memset(bar, 0, static_cast<size_t>(d) * sizeof(T));
    for (int64_t c = 0; c < chunks; c++) {
      const T scale = waveprior::ExpNegative(top[c] - base);
      total = waveprior::Fma(scale, sum[c], total);
      const T* const part = bars_all + (item * chunks + c) * d;
      if (bar && !(scale == T(0)))
#pragma omp simd
        for (int64_t i = 0; i < d; i++) bar[i] = waveprior::Fma(scale, part[i], bar[i]);
    }
    if (stats) {
      stats[2 * item] = base;
      stats[2 * item + 1] = total;
    }
    if (bar)
#pragma omp simd
      for (int64_t i = 0; i < d; i++) bar[i] /= total;
    if (!out_all) continue;
    T* const out = out_all + item * d;
    const T* const x = x_all + item * d;
    const T alpha = alpha_all[item], sigma = sigma_all[item];
    const int64_t each = lambdas == 1 ? 0 : 1;
#pragma omp simd
    for (int64_t i = 0; i < d; i++)
      out[i] = waveprior::mixture::Denoised(alpha, sigma, variances[i * each], bar[i], x[i]);
  }
  return waveprior::kOk;
}

template <class T>
int mixture_pullback(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dx_all = a.Pointer<T>();
  const T* const y_all = a.Pointer<const T>();
  const T* const v_all = a.Pointer<const T>();
  const T* const alpha_all = a.Pointer<const T>();
  const T* const sigma_all = a.Pointer<const T>();
  const T* const variances = a.Pointer<const T>();
  const int64_t chunks = a.Int(), d = a.Int(), lambdas = a.Int();
  for (int64_t item = lo; item < hi; item++) {
    T* const dx = dx_all + item * d;
    const T* const v = v_all + item * d;
    memset(dx, 0, static_cast<size_t>(d) * sizeof(T));
    for (int64_t c = 0; c < chunks; c++) {
      const T* const y = y_all + (item * chunks + c) * d;
#pragma omp simd
      for (int64_t i = 0; i < d; i++) dx[i] += y[i];
    }
    const T alpha = alpha_all[item], sigma = sigma_all[item];
    const int64_t each = lambdas == 1 ? 0 : 1;
#pragma omp simd
    for (int64_t i = 0; i < d; i++) dx[i] = waveprior::mixture::Pulled(alpha, sigma, variances[i * each], dx[i], v[i]);
  }
  return waveprior::kOk;
}

template <class T>
int mixture_log_density(const uint64_t* args, int64_t lo, int64_t hi) {
  constexpr int kDensityChains = waveprior::mixture::kDensityChains;
  waveprior::Args a(args);
  T* const out = a.Pointer<T>();
  const T* const stats = a.Pointer<const T>();
  const T* const alpha_all = a.Pointer<const T>();
  const T* const sigma_all = a.Pointer<const T>();
  const T* const variances = a.Pointer<const T>();
  const int64_t d = a.Int(), lambdas = a.Int();
  for (int64_t item = lo; item < hi; item++) {
    const T alpha = alpha_all[item], sigma = sigma_all[item];
    double chains[kDensityChains] = {};
    if (lambdas == 1) {
      chains[0] = static_cast<double>(d) * waveprior::mixture::LogNorm(alpha, sigma, variances[0]);
    } else {
      for (int64_t i = 0; i < d; i += kDensityChains)
        for (int64_t k = i; k < d && k < i + kDensityChains; k++)
          chains[k - i] += waveprior::mixture::LogNorm(alpha, sigma, variances[k]);
    }
    for (int half = kDensityChains / 2; half > 0; half /= 2)
      for (int k = 0; k < half; k++) chains[k] += chains[k + half];
    out[item] = static_cast<T>(waveprior::mixture::LogTotal(stats[2 * item], stats[2 * item + 1]) - chains[0]);
  }
  return waveprior::kOk;
}

template <class T>
int mixture_log_responsibilities(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const logits_all = a.Pointer<T>();
  const T* const stats = a.Pointer<const T>();
  const int64_t components = a.Int();
  for (int64_t item = lo; item < hi; item++) {
    T* const logits = logits_all + item * components;
    const T base = stats[2 * item];
    const T log_sum = static_cast<T>(waveprior::mixture::LogTotal(T(0), stats[2 * item + 1]));
#pragma omp simd
    for (int64_t n = 0; n < components; n++) logits[n] = (logits[n] - base) - log_sum;
  }
  return waveprior::kOk;
}
