// The loops of norm_cpu.cc, compiled for each instruction set.
//
// Equation    n = gamma xhat + beta, xhat = (u - mean) rstd, rstd = 1/sqrt(var + 1e-5); y = n, or r + gelu(n)
//             g = gamma dn, dn = dy gelu'(n) (or dy); du = rstd (g - mean(g) - xhat mean(g xhat));
//             dgamma = sum dn xhat, dbeta = sum dn over rows
// Source      Ba, Kiros, Hinton, arXiv:1607.06450, equations 3 and 4, over the last axis; var by the second pass.
// Scheme      Sums over a row are kept in 64 partial sums, element j in sum j mod 64, added by halving. Parameter gradients
//             are summed over groups of rows, in order, and the groups in order by nn_column_sums.

constexpr int kSums = 64;
constexpr double kNormEpsilon = 1e-5;

// sum[l] for all l, by halving: the order of the additions is the same for every width and instruction set.
template <class T>
inline __attribute__((always_inline)) T Halve(T* sum) {
#pragma GCC unroll 8
  for (int half = kSums / 2; half > 0; half /= 2)
#pragma omp simd
    for (int l = 0; l < half; l++) sum[l] += sum[l + half];
  return sum[0];
}

// y = norm of u, and with gelu != 0 r + gelu(norm): y, u, r, gamma, beta, stats, width, gelu. Unit u is row u.
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
    const T variance = Halve(square) / T(width) + T(kNormEpsilon);
    const T rstd = T(1) / waveprior::Sqrt(variance);
    if (stats) {
      stats[2 * row] = mean;
      stats[2 * row + 1] = rstd;
    }
    if (!gelu) {
#pragma omp simd
      for (int64_t j = 0; j < width; j++) y[j] = waveprior::Fma((u[j] - mean) * rstd, gamma[j], beta[j]);
    } else if (!r_all) {
#pragma omp simd
      for (int64_t j = 0; j < width; j++)
        y[j] = waveprior::Gelu(waveprior::Fma((u[j] - mean) * rstd, gamma[j], beta[j]));
    } else {
      const T* const r = r_all + row * width;
#pragma omp simd
      for (int64_t j = 0; j < width; j++)
        y[j] = r[j] + waveprior::Gelu(waveprior::Fma((u[j] - mean) * rstd, gamma[j], beta[j]));
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
      const T mean = stats[2 * row], rstd = stats[2 * row + 1];
      const T* const u = u_all + row * width;
      const T* const dy = dy_all + row * width;
      T* const du = du_all + row * width;
      // dn into du; then the parameters' sums; then g into du, and its two means.
      if (beta) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++)
          du[j] = dy[j] * waveprior::GeluSlope(waveprior::Fma((u[j] - mean) * rstd, gamma[j], beta[j]));
      } else if (du != dy) {
        memcpy(du, dy, static_cast<size_t>(width) * sizeof(T));
      }
      if (dgamma && row == first) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
          dgamma[j] = du[j] * ((u[j] - mean) * rstd);
          dbeta[j] = du[j];
        }
      } else if (dgamma) {
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
          dgamma[j] = waveprior::Fma(du[j], (u[j] - mean) * rstd, dgamma[j]);
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
          product[l] = waveprior::Fma(g, (u[j + l] - mean) * rstd, product[l]);
        }
      for (int64_t j = whole; j < width; j++) {
        const T g = du[j] * gamma[j];
        du[j] = g;
        sum[j - whole] += g;
        product[j - whole] = waveprior::Fma(g, (u[j] - mean) * rstd, product[j - whole]);
      }
      const T c1 = Halve(sum) / T(width), c2 = Halve(product) / T(width);
#pragma omp simd
      for (int64_t j = 0; j < width; j++) du[j] = rstd * (du[j] - waveprior::Fma((u[j] - mean) * rstd, c2, c1));
    }
  }
  return waveprior::kOk;
}
