// The loops of loss_cpu.cc, compiled for each instruction set (loss.h: scheme).

constexpr int kSums = waveprior::kLossSums;

inline __attribute__((always_inline)) double Halve(double* sum) {
#pragma GCC unroll 8
  for (int half = kSums / 2; half > 0; half /= 2)
#pragma omp simd
    for (int l = 0; l < half; l++) sum[l] += sum[l + half];
  return sum[0];
}

// losses[i] = sum_j (x - target)^2, dx = factor (x - target): losses (double), dx (null: none), x, target, width, factor,
// rows. Unit u is row u.
template <class T>
int nn_square_error(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  double* const losses = a.Pointer<double>();
  T* const dx_all = a.Pointer<T>();
  const T* const x_all = a.Pointer<const T>();
  const T* const target_all = a.Pointer<const T>();
  const int64_t width = a.Int(), whole = width / kSums * kSums;
  const T factor = a.Real<T>();
  for (int64_t row = lo; row < hi; row++) {
    const T* const x = x_all + row * width;
    const T* const target = target_all + row * width;
    double sum[kSums] = {};
    for (int64_t j = 0; j < whole; j += kSums)
#pragma omp simd
      for (int l = 0; l < kSums; l++) sum[l] = waveprior::AddSquare(x[j + l] - target[j + l], sum[l]);
    for (int64_t j = whole; j < width; j++) sum[j - whole] = waveprior::AddSquare(x[j] - target[j], sum[j - whole]);
    losses[row] = Halve(sum);
    if (dx_all) {
      T* const dx = dx_all + row * width;
#pragma omp simd
      for (int64_t j = 0; j < width; j++) dx[j] = factor * (x[j] - target[j]);
    }
  }
  return waveprior::kOk;
}

// partial[u] = the sum of squares of elements u*block to (u+1)*block-1: partial (double), x, n, block.
template <class T>
int nn_sum_squares(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  double* const partial = a.Pointer<double>();
  const T* const all = a.Pointer<const T>();
  const int64_t n = a.Int(), block = a.Int();
  for (int64_t u = lo; u < hi; u++) {
    const T* const x = all + u * block;
    const int64_t count = (u + 1) * block < n ? block : n - u * block, whole = count / kSums * kSums;
    double sum[kSums] = {};
    for (int64_t j = 0; j < whole; j += kSums)
#pragma omp simd
      for (int l = 0; l < kSums; l++) sum[l] = waveprior::AddSquare(x[j + l], sum[l]);
    for (int64_t j = whole; j < count; j++) sum[j - whole] = waveprior::AddSquare(x[j], sum[j - whole]);
    partial[u] = Halve(sum);
  }
  return waveprior::kOk;
}

// sum = the sum of n partial sums, element j in sum j mod kSums, then by halving: sum, partial, n. One unit.
inline int nn_tree_sum(const uint64_t* args, int64_t, int64_t) {
  waveprior::Args a(args);
  double* const out = a.Pointer<double>();
  const double* const partial = a.Pointer<const double>();
  const int64_t n = a.Int();
  double sum[kSums] = {};
  for (int64_t j = 0; j < n; j++) sum[j % kSums] += partial[j];
  *out = Halve(sum);
  return waveprior::kOk;
}
