// The loops of norm_cpu.cc, compiled for each instruction set (norm.h: equations and scheme).
// Parameter gradients are summed over groups of rows, in order, and the groups in order by nn_column_sums.

constexpr int kSums = waveprior::kNormSums;

// sum[l] for all l, by halving: the order of the additions is the same for every width and instruction set.
template <class T>
inline __attribute__((always_inline)) T Halve(T* sum) {
#pragma GCC unroll 8
  for (int half = kSums / 2; half > 0; half /= 2)
#pragma omp simd
    for (int l = 0; l < half; l++) sum[l] += sum[l + half];
  return sum[0];
}

// y = norm of u, and with gelu != 0 r + gelu(norm): y, u, r, gamma, beta, stats, width, gelu, rows. Unit u is row u.
template <class T>
int nn_layernorm(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const y_all = a.Pointer<T>();
  const T* const u_all = a.Pointer<const T>();
  const T* const r_all = a.Pointer<const T>();
  const T* const gamma = a.Pointer<const T>();
  const T* const beta = a.Pointer<const T>();
  T* const stats = a.Pointer<T>();
  const int64_t width = a.Int();
  const bool gelu = a.Int() != 0;
  const int64_t whole = width / kSums * kSums;
  for (int64_t row = lo; row < hi; row++) {
    const T* const u = u_all + row * width;
    T* const y = y_all + row * width;
    T sum[kSums] = {};
    for (int64_t j = 0; j < whole; j += kSums)
#pragma omp simd
      for (int l = 0; l < kSums; l++) sum[l] += u[j + l];
    for (int64_t j = whole; j < width; j++) sum[j - whole] += u[j];
    const T mean = Halve(sum) / T(width);
    T square[kSums] = {};
    for (int64_t j = 0; j < whole; j += kSums)
#pragma omp simd
      for (int l = 0; l < kSums; l++) square[l] = waveprior::Fma(u[j + l] - mean, u[j + l] - mean, square[l]);
    for (int64_t j = whole; j < width; j++)
      square[j - whole] = waveprior::Fma(u[j] - mean, u[j] - mean, square[j - whole]);
    const T rstd = waveprior::ReciprocalStd(Halve(square), width);
    const waveprior::Normalised<T> norm{mean, rstd};
    if (stats) {
      stats[2 * row] = mean;
      stats[2 * row + 1] = rstd;
    }
    if (!gelu) {
#pragma omp simd
      for (int64_t j = 0; j < width; j++) y[j] = norm.Value(u[j], gamma[j], beta[j]);
    } else if (!r_all) {
#pragma omp simd
      for (int64_t j = 0; j < width; j++) y[j] = waveprior::Gelu(norm.Value(u[j], gamma[j], beta[j]));
    } else {
      const T* const r = r_all + row * width;
#pragma omp simd
      for (int64_t j = 0; j < width; j++) y[j] = r[j] + waveprior::Gelu(norm.Value(u[j], gamma[j], beta[j]));
    }
  }
  return waveprior::kOk;
}

// du from dy, and the groups' sums of dn xhat and dn: du, dy, u, gamma, beta (null: no gelu), stats, scratch (null: no
// sums), rows, width, group. Unit u is the rows u*group to (u+1)*group-1; scratch is (groups, 2, width).
template <class T>
int nn_layernorm_backward(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const du_all = a.Pointer<T>();
  const T* const dy_all = a.Pointer<const T>();
  const T* const u_all = a.Pointer<const T>();
  const T* const gamma = a.Pointer<const T>();
  const T* const beta = a.Pointer<const T>();
  const T* const stats = a.Pointer<const T>();
  T* const scratch = a.Pointer<T>();
  const int64_t rows = a.Int(), width = a.Int(), group = a.Int();
  const int64_t whole = width / kSums * kSums;
  for (int64_t unit = lo; unit < hi; unit++) {
    T* const dgamma = scratch ? scratch + unit * 2 * width : nullptr;
    T* const dbeta = dgamma + width;
    const int64_t first = unit * group, last = first + group < rows ? first + group : rows;
    for (int64_t row = first; row < last; row++) {
      const waveprior::Normalised<T> norm{stats[2 * row], stats[2 * row + 1]};
      const T* const u = u_all + row * width;
      const T* const dy = dy_all + row * width;
      T* const du = du_all + row * width;
      // dn into du; then the parameters' sums; then g into du, and its two means.
      if (beta) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) du[j] = dy[j] * waveprior::GeluSlope(norm.Value(u[j], gamma[j], beta[j]));
      } else if (du != dy) {
        memcpy(du, dy, static_cast<size_t>(width) * sizeof(T));
      }
      if (dgamma && row == first) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
          dgamma[j] = du[j] * norm.Hat(u[j]);
          dbeta[j] = du[j];
        }
      } else if (dgamma) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
          dgamma[j] = waveprior::Fma(du[j], norm.Hat(u[j]), dgamma[j]);
          dbeta[j] += du[j];
        }
      }
      T sum[kSums] = {}, product[kSums] = {};
      for (int64_t j = 0; j < whole; j += kSums)
#pragma omp simd
        for (int l = 0; l < kSums; l++) {
          const T g = du[j + l] * gamma[j + l];
          du[j + l] = g;
          sum[l] += g;
          product[l] = waveprior::Fma(g, norm.Hat(u[j + l]), product[l]);
        }
      for (int64_t j = whole; j < width; j++) {
        const T g = du[j] * gamma[j];
        du[j] = g;
        sum[j - whole] += g;
        product[j - whole] = waveprior::Fma(g, norm.Hat(u[j]), product[j - whole]);
      }
      const T c1 = Halve(sum) / T(width), c2 = Halve(product) / T(width);
#pragma omp simd
      for (int64_t j = 0; j < width; j++) du[j] = norm.Gradient(du[j], u[j], c1, c2);
    }
  }
  return waveprior::kOk;
}
