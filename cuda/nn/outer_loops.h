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
      sum[i][j - whole] =
          waveprior::Fma(static_cast<double>(a[j]), static_cast<double>(b[i * n + j]), sum[i][j - whole]);
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

// Rows of the weights whose gradient is made at a time: it stays in the second-level cache.
constexpr int kOuterRows = 2 * kRows;

// One step of Adam with g = x^T dy: w, m, v, average (null: none), the arguments of ReadAdam, x, dy, rows, in, out, panel.
// Unit u is panel u of the rows of w. dy is copied so that a tile's columns lie together. A few whole rows of g are made,
// and meanwhile the beginning of what the step needs is asked for; then w, m, v and the average pass in order.
template <class T>
int nn_outer_adam(const uint64_t* args, int64_t lo, int64_t hi) {
  constexpr int64_t kColumns = kTileWidth<T>, kLine = 64 / static_cast<int64_t>(sizeof(T));
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
  const int64_t blocks = (out + kColumns - 1) / kColumns, width = blocks * kColumns;
  T* const memory = static_cast<T*>(_mm_malloc((rows * width + kOuterRows * (width + rows)) * sizeof(T), 64));
  if (!memory) return waveprior::kOutOfMemory;
  T* const right = memory;                 // (blocks, rows, kColumns)
  T* const g = right + rows * width;       // (kOuterRows, out), then a tile past the edge
  T* const left = g + kOuterRows * width;  // (groups, rows, kRows)
  for (int64_t j = 0; j < blocks; j++)
    for (int64_t k = 0; k < rows; k++)
      for (int64_t l = 0; l < kColumns; l++)
        right[(j * rows + k) * kColumns + l] = j * kColumns + l < out ? dy[k * out + j * kColumns + l] : T(0);
  alignas(64) const T zeros[kColumns] = {};
  alignas(64) T edge[kRows * kColumns];
  const T* const arrays[4] = {w, m, v, average ? average : w};
  for (int64_t i = first; i < last; i += kOuterRows) {
    const int64_t many = Least(kOuterRows, last - i), at = i * out, lines = many * out / kLine;
    for (int64_t l = 0; l < many; l++)
      for (int64_t k = 0; k < rows; k++) left[(l / kRows * rows + k) * kRows + l % kRows] = x[k * in + i + l];
    const int64_t tiles = blocks * ((many + kRows - 1) / kRows), quarter = (tiles + 3) / 4;
    int64_t tile = 0;
    for (int64_t j = 0; j < blocks; j++)
      for (int64_t l = 0; l < many; l += kRows, tile++) {
        const int r = static_cast<int>(Least(kRows, many - l));
        const int64_t from = tile % quarter * rows;
        const Ahead<T> ahead{arrays[tile / quarter] + at, 0, 30, from, Least(from + rows, lines)};
        const int64_t columns = Least(kColumns, out - j * kColumns);
        const bool whole = columns == kColumns;
        T* const to = g + l * out + j * kColumns;
        TileOf<T, false>(r, whole ? to : edge, whole ? out : kColumns, {zeros, 0}, left + l / kRows * rows * kRows, 1,
                         kRows, right + j * rows * kColumns, kColumns, rows, nullptr, ahead, false);
        if (!whole)
          for (int q = 0; q < r; q++)
            for (int64_t c = 0; c < columns; c++) to[q * out + c] = edge[q * kColumns + c];
      }
    AdamRange(w + at, g, m + at, v + at, average ? average + at : nullptr, many * out, s);
  }
  _mm_free(memory);
  return waveprior::kOk;
}
