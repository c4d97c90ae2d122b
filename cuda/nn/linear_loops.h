// The loops of linear_cpu.cc, compiled for each instruction set: the dense products by own code.
//
// Every element of an output is one chain of fused multiply-adds over the summed index, ascending: its bits do not depend
// on panels, tiles or rows beside it.

constexpr int64_t kLane = 64;  // bytes of a vector

template <class T>
struct Pack {
  typedef T Vector __attribute__((vector_size(kLane)));
  static constexpr int64_t kWidth = kLane / static_cast<int64_t>(sizeof(T));
};

// c[i][j] (+)= bias[j] + sum_k a[i*row + k*step] b[k*ldb + j], R rows, columns j = 0..n-1.
template <class T, int R>
inline void Rows(T* c, int64_t ldc, const T* a, int64_t row, int64_t step, const T* b, int64_t ldb, const T* bias,
                 int64_t n, int64_t depth, bool accumulate) {
  constexpr int64_t kColumns = 2 * Pack<T>::kWidth;
  int64_t j = 0;
  for (; j + kColumns <= n; j += kColumns) {
    T sum[R][kColumns];
    for (int i = 0; i < R; i++)
#pragma omp simd
      for (int64_t l = 0; l < kColumns; l++)
        sum[i][l] = accumulate ? c[i * ldc + j + l] : bias ? bias[j + l] : T(0);
    for (int64_t k = 0; k < depth; k++) {
      const T* const bk = b + k * ldb + j;
      for (int i = 0; i < R; i++) {
        const T x = a[i * row + k * step];
#pragma omp simd
        for (int64_t l = 0; l < kColumns; l++) sum[i][l] = waveprior::Fma(x, bk[l], sum[i][l]);
      }
    }
    for (int i = 0; i < R; i++)
#pragma omp simd
      for (int64_t l = 0; l < kColumns; l++) c[i * ldc + j + l] = sum[i][l];
  }
  for (; j < n; j++) {
    for (int i = 0; i < R; i++) {
      T s = accumulate ? c[i * ldc + j] : bias ? bias[j] : T(0);
      for (int64_t k = 0; k < depth; k++) s = waveprior::Fma(a[i * row + k * step], b[k * ldb + j], s);
      c[i * ldc + j] = s;
    }
  }
}

template <class T>
inline void Product(T* c, int64_t ldc, const T* a, int64_t row, int64_t step, const T* b, int64_t ldb, const T* bias,
                    int64_t m, int64_t n, int64_t depth, bool accumulate) {
  int64_t i = 0;
  for (; i + 4 <= m; i += 4) Rows<T, 4>(c + i * ldc, ldc, a + i * row, row, step, b, ldb, bias, n, depth, accumulate);
  for (; i < m; i++) Rows<T, 1>(c + i * ldc, ldc, a + i * row, row, step, b, ldb, bias, n, depth, accumulate);
}

inline int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

// y = x w + b: y, x, w, b, rows, in, out, tile, panel. Unit u is panel u/tiles of the columns, tile u%tiles of the rows:
// a panel of the weights stays in the cache while the tiles pass.
template <class T>
int nn_linear(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const y = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const T* const w = a.Pointer<const T>();
  const T* const b = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), tile = a.Int(), panel = a.Int(), tiles = rows / tile;
  for (int64_t u = lo; u < hi; u++) {
    const int64_t j = u / tiles * panel, i = u % tiles * tile;
    Product<T>(y + i * out + j, out, x + i * in, in, 1, w + j, out, b ? b + j : nullptr, tile, Least(panel, out - j), in,
               false);
  }
  return waveprior::kOk;
}

// dx (+)= dy w^T: dx, dy, w, rows, in, out, tile, panel, accumulate. Units as above, over the columns of dx.
template <class T>
int nn_linear_backward_input(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dx = a.Pointer<T>();
  const T* const dy = a.Pointer<const T>();
  const T* const w = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), tile = a.Int(), panel = a.Int(), tiles = rows / tile;
  const bool accumulate = a.Int() != 0;
  constexpr int64_t kColumns = 2 * Pack<T>::kWidth, kDepth = 64;
  T transposed[kDepth * kColumns];
  for (int64_t u = lo; u < hi; u++) {
    const int64_t first = u / tiles * panel, i = u % tiles * tile, last = Least(first + panel, in);
    for (int64_t j = first; j < last; j += kColumns) {
      const int64_t n = Least(kColumns, last - j);
      for (int64_t k = 0; k < out; k += kDepth) {
        const int64_t depth = Least(kDepth, out - k);
        for (int64_t l = 0; l < n; l++)
          for (int64_t q = 0; q < depth; q++) transposed[q * kColumns + l] = w[(j + l) * out + k + q];
        Product<T>(dx + i * in + j, in, dy + i * out + k, out, 1, transposed, kColumns, nullptr, tile, n, depth,
                   accumulate || k > 0);
      }
    }
  }
  return waveprior::kOk;
}

// dw (+)= x^T dy: dw, x, dy, rows, in, out, panel, accumulate. Unit u is panel u of the rows of dw.
template <class T>
int nn_linear_backward_weight(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dw = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const T* const dy = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), panel = a.Int();
  const bool accumulate = a.Int() != 0;
  for (int64_t u = lo; u < hi; u++) {
    const int64_t i = u * panel;
    Product<T>(dw + i * out, out, x + i, 1, in, dy, out, nullptr, Least(panel, in - i), out, rows, accumulate);
  }
  return waveprior::kOk;
}

// sums[j] (+)= sum_i x[i*stride + j]: sums, x, rows, width, stride, panel, accumulate. Unit u is panel u of the columns.
template <class T>
int nn_column_sums(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const sums = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const int64_t rows = a.Int(), width = a.Int(), stride = a.Int(), panel = a.Int();
  const bool accumulate = a.Int() != 0;
  const int64_t first = lo * panel, last = Least(hi * panel, width);
  if (!accumulate)
#pragma omp simd
    for (int64_t j = first; j < last; j++) sums[j] = x[j];
  for (int64_t i = accumulate ? 0 : 1; i < rows; i++)
#pragma omp simd
    for (int64_t j = first; j < last; j++) sums[j] += x[i * stride + j];
  return waveprior::kOk;
}
