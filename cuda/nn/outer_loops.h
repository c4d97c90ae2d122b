// The loops of outer_cpu.cc, compiled for each instruction set: a dense layer's weights are updated without storing their
// gradient g = x^T dy.
//
// Equation    |g|^2 = sum_kl (x_k . x_l) (dy_k . dy_l) over pairs of rows; then, tile by tile, g and one step of Adam
// Traffic     32 bytes a weight in float32 (w, m, v, a read and written) where storing g takes 48 (written, read for the norm
//             and read for the step)
// Bits        g is the chain of nn_linear_backward_weight, the step that of nn_adam; only |g|^2 is rounded otherwise
#include "adam_loops.h"
#include "linear_loops.h"

constexpr int kDots = 16;

// dots[i] = a . b_i in double for kMany rows b_i, n apart, with kDots sums each that are added by halving.
template <class T, int kMany>
inline void Dots(double* dots, const T* a, const T* b, int64_t n) {
  double sum[kMany][kDots] = {};
  const int64_t whole = n / kDots * kDots;
  for (int64_t j = 0; j < whole; j += kDots)
#pragma GCC unroll 4
    for (int i = 0; i < kMany; i++)
#pragma omp simd
      for (int l = 0; l < kDots; l++)
        sum[i][l] = waveprior::Fma(static_cast<double>(a[j + l]), static_cast<double>(b[i * n + j + l]), sum[i][l]);
  for (int i = 0; i < kMany; i++) {
    for (int64_t j = whole; j < n; j++)
      sum[i][j - whole] = waveprior::Fma(static_cast<double>(a[j]), static_cast<double>(b[i * n + j]), sum[i][j - whole]);
#pragma GCC unroll 4
    for (int half = kDots / 2; half > 0; half /= 2)
      for (int l = 0; l < half; l++) sum[i][l] += sum[i][l + half];
    dots[i] = sum[i][0];
  }
}

// partial[k] = sum over l <= k of (x_k . x_l)(dy_k . dy_l), twice where l < k: partial (double), x, dy, rows, in, out. Unit u
// is rows u and rows-1-u, which together have as many pairs as any other two.
template <class T>
int nn_outer_squares(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  double* const partial = a.Pointer<double>();
  const T* const x = a.Pointer<const T>();
  const T* const dy = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int();
  const auto row = [=](int64_t k) {
    double sum = 0;
    for (int64_t l = 0; l <= k; l += 4) {
      double p[4], q[4];
      const int many = static_cast<int>(Least(4, k + 1 - l));
      if (many == 4) {
        Dots<T, 4>(p, x + k * in, x + l * in, in);
        Dots<T, 4>(q, dy + k * out, dy + l * out, out);
      } else {
        for (int i = 0; i < many; i++) {
          Dots<T, 1>(p + i, x + k * in, x + (l + i) * in, in);
          Dots<T, 1>(q + i, dy + k * out, dy + (l + i) * out, out);
        }
      }
      for (int i = 0; i < many; i++) sum = waveprior::Fma(l + i < k ? 2 * p[i] : p[i], q[i], sum);
    }
    partial[k] = sum;
  };
  for (int64_t u = lo; u < hi; u++) {
    row(u);
    if (rows - 1 - u != u) row(rows - 1 - u);
  }
  return waveprior::kOk;
}

// The lines of a block of r rows and columns numbers, ld apart, towards the second-level cache.
template <class T>
WAVEPRIOR_INLINE void Fetch(const T* p, int64_t ld, int r, int64_t columns) {
  for (int i = 0; i < r; i++)
    for (int64_t l = 0; l < columns; l += 64 / static_cast<int>(sizeof(T))) __builtin_prefetch(p + i * ld + l, 1, 2);
}

// One step of Adam with g = x^T dy: w, m, v, average (null: none), the arguments of ReadAdam, x, dy, rows, in, out, panel.
// Unit u is panel u of the rows of w.
template <class T>
int nn_outer_adam(const uint64_t* args, int64_t lo, int64_t hi) {
  constexpr int64_t kColumns = kTileWidth<T>;
  waveprior::Args a(args);
  T* const w = a.Pointer<T>();
  T* const m = a.Pointer<T>();
  T* const v = a.Pointer<T>();
  T* const average = a.Pointer<T>();
  waveprior::AdamStep<T> s;
  if (!ReadAdam(a, s)) return waveprior::kOk;
  const T* const x = a.Pointer<const T>();
  const T* const dy = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), panel = a.Int();
  const int64_t first = lo * panel, last = Least(hi * panel, in);
  const Ahead<T> nothing{nullptr, 0, 0, 0, 0};
  alignas(64) T left[kDepth * kRows], block[kDepth * kColumns], g[kRows * kColumns];
  for (int64_t i = first; i < last; i += kRows) {
    const int r = static_cast<int>(Least(kRows, last - i));
    for (int64_t j = 0; j < out; j += kColumns) {
      const int64_t columns = Least(kColumns, out - j);
      // What the next tile updates comes while this one computes.
      const int64_t ahead = j + kColumns < out ? i * out + j + kColumns : (i + kRows < last ? (i + kRows) * out : -1);
      if (ahead >= 0) {
        const int64_t next = Least(kColumns, j + kColumns < out ? out - j - kColumns : out);
        const int many = static_cast<int>(j + kColumns < out ? r : Least(kRows, last - i - kRows));
        Fetch(w + ahead, out, many, next);
        Fetch(m + ahead, out, many, next);
        Fetch(v + ahead, out, many, next);
        if (average) Fetch(average + ahead, out, many, next);
      }
      for (int64_t k = 0; k < rows; k += kDepth) {
        const int64_t depth = Least(kDepth, rows - k);
        if (j == 0 || rows > kDepth)
          for (int64_t q = 0; q < depth; q++)
            for (int l = 0; l < r; l++) left[q * kRows + l] = x[(k + q) * in + i + l];
        const T* right = dy + k * out + j;
        int64_t ld = out;
        if (columns < kColumns) {
          for (int64_t q = 0; q < depth; q++)
            for (int64_t l = 0; l < kColumns; l++) block[q * kColumns + l] = l < columns ? right[q * out + l] : T(0);
          right = block;
          ld = kColumns;
        }
        if (k == 0)
          TileOf<T, kZero, kPlain, false, false>(r, g, kColumns, left, 1, kRows, right, ld, nullptr, depth, nullptr, nothing);
        else
          TileOf<T, kContinue, kPlain, false, false>(r, g, kColumns, left, 1, kRows, right, ld, nullptr, depth, nullptr,
                                                     nothing);
      }
      for (int l = 0; l < r; l++) {
        const int64_t at = (i + l) * out + j;
        AdamRange(w + at, g + l * kColumns, m + at, v + at, average ? average + at : nullptr, columns, s);
      }
    }
  }
  return waveprior::kOk;
}
