// The loops of linear_cpu.cc, compiled for each instruction set: the dense products y = x w + b, dx = dy w^T, dw = x^T dy.
//
// Scheme      One register tile, kRows x kVectors vectors of the output, takes a broadcast of the left factor times a row of
//             the right factor at a time. The right factor is copied block by block (kDepth x kColumns, turned round for
//             w^T), because rows of a plain matrix whose width is a power of two fall into a handful of cache sets. The
//             first group of rows copies while it computes; the others fetch the next block ahead.
// Bits        Every element of an output is one chain of fused multiply-adds over the summed index, ascending, beginning
//             with the bias: so its bits depend on no panel, tile, row beside it, instruction set or thread
//             (TestLinearIsOneChain).

#include "../simd_loops.h"

#if WAVEPRIOR_V4
constexpr int kVectors = 4;  // 24 of 32 registers hold the tile
#else
constexpr int kVectors = 2;  // 12 of 16
#endif
constexpr int kRows = 6;
constexpr int64_t kDepth = 256;

template <class T>
constexpr int64_t kTileWidth = kVectors* Simd<T>::kLanes;

WAVEPRIOR_INLINE int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

// What lies ahead: line q of the next block of the right factor is at first + q/lines*stride + q%lines*64 bytes. Every
// step of a tile asks for one.
template <class T>
struct Ahead {
  const T* first;    // null: nothing
  int64_t stride;    // numbers from row to row
  int shift;         // lines = 1 << shift
  int64_t from, to;  // the lines that this tile asks for
};

// Where a tile's sums begin: the sum of row i, column j at first[i*stride + j]. The output itself, to add to it; the bias, or
// a row of zeros, with stride 0.
template <class T>
struct Start {
  const T* first;
  int64_t stride;
};

// c = start + a b for R rows and kTileWidth columns: a(i, k) = a[i*row + k*step], b(k, j) = b[k*ldb + j]; with kCopy the rows
// of b are copied to copy, kTileWidth apart. stream: past the caches.
template <class T, int R, bool kCopy>
WAVEPRIOR_INLINE void Tile(T* c, int64_t ldc, Start<T> start, const T* a, int64_t row, int64_t step, const T* b,
                           int64_t ldb, int64_t depth, T* copy, const Ahead<T>& ahead, bool stream) {
  using V = Simd<T>;
  typename V::Value sum[R][kVectors];
#pragma GCC unroll 8
  for (int i = 0; i < R; i++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) sum[i][v] = V::Load(start.first + i * start.stride + v * V::kLanes);
  for (int64_t k = 0; k < depth; k++) {
    const int64_t q = ahead.from + k;
    if (q < ahead.to)
      __builtin_prefetch(reinterpret_cast<const char*>(ahead.first + (q >> ahead.shift) * ahead.stride) +
                             (q & ((1 << ahead.shift) - 1)) * 64,
                         0, 2);
    typename V::Value right[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++) right[v] = V::Load(b + k * ldb + v * V::kLanes);
    if (kCopy)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++) V::Store(copy + k * kTileWidth<T> + v * V::kLanes, right[v]);
#pragma GCC unroll 8
    for (int i = 0; i < R; i++) {
      const typename V::Value left = V::Spread(a[i * row + k * step]);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++) sum[i][v] = V::Fma(left, right[v], sum[i][v]);
    }
  }
  if (stream) {
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++) V::Stream(c + i * ldc + v * V::kLanes, sum[i][v]);
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < R; i++)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++) V::Store(c + i * ldc + v * V::kLanes, sum[i][v]);
  }
}

// Tile for a number of rows known at run time, 1 to kRows. Not inlined: six tiles would not fit one function's registers.
template <class T, bool kCopy, int R = kRows>
__attribute__((noinline)) void TileOf(int rows, T* c, int64_t ldc, Start<T> start, const T* a, int64_t row,
                                      int64_t step, const T* b, int64_t ldb, int64_t depth, T* copy,
                                      const Ahead<T>& ahead, bool stream) {
  if constexpr (R > 1) {
    if (rows < R) {
      TileOf<T, kCopy, R - 1>(rows, c, ldc, start, a, row, step, b, ldb, depth, copy, ahead, stream);
      return;
    }
  }
  Tile<T, R, kCopy>(c, ldc, start, a, row, step, b, ldb, depth, copy, ahead, stream);
}

// block(k, j) = b[j*ldb + k], k < depth, j < columns, by squares of kLanes turned round in registers; columns of the block
// past the last are 0. depth is a multiple of kLanes or the rest is done one by one.
template <class T>
inline void CopyTurned(T* block, const T* b, int64_t ldb, int64_t columns, int64_t depth) {
  using Value = typename Simd<T>::Value;
  constexpr int kLanes = Simd<T>::kLanes;
  using Index = typename std::conditional<sizeof(T) == 4, int32_t, int64_t>::type;
  typedef Index IndexVector __attribute__((vector_size(kBytes)));
  IndexVector low, high;
#pragma GCC unroll 16
  for (int l = 0; l < kLanes; l++) {
    low[l] = l / 2 + l % 2 * kLanes;
    high[l] = kLanes / 2 + l / 2 + l % 2 * kLanes;
  }
  constexpr int64_t kColumns = kTileWidth<T>;
  const int64_t whole = depth / kLanes * kLanes;
  for (int64_t j = 0; j < kColumns; j += kLanes) {
    if (j + kLanes > columns) {
      for (int64_t k = 0; k < depth; k++)
        for (int64_t l = j; l < j + kLanes; l++) block[k * kColumns + l] = l < columns ? b[l * ldb + k] : T(0);
      continue;
    }
    for (int64_t k = 0; k < whole; k += kLanes) {
      Value v[kLanes], next[kLanes];
#pragma GCC unroll 16
      for (int l = 0; l < kLanes; l++) v[l] = Simd<T>::Load(b + (j + l) * ldb + k);
        // Each round interleaves vectors half the square apart; after log2(kLanes) of them rows are columns.
#pragma GCC unroll 4
      for (int round = 1; round < kLanes; round *= 2) {
#pragma GCC unroll 8
        for (int l = 0; l < kLanes / 2; l++) {
          next[2 * l] = __builtin_shuffle(v[l], v[l + kLanes / 2], low);
          next[2 * l + 1] = __builtin_shuffle(v[l], v[l + kLanes / 2], high);
        }
#pragma GCC unroll 16
        for (int l = 0; l < kLanes; l++) v[l] = next[l];
      }
#pragma GCC unroll 16
      for (int l = 0; l < kLanes; l++) Simd<T>::Store(block + (k + l) * kColumns + j, v[l]);
    }
    for (int64_t k = whole; k < depth; k++)
      for (int64_t l = j; l < j + kLanes; l++) block[k * kColumns + l] = b[l * ldb + k];
  }
}

// A rectangle of rows x columns from src to dst; what lies beside it in dst keeps its content, which for a tile's edge is
// never read back.
template <class T>
inline void CopyRows(T* dst, int64_t ldd, const T* src, int64_t lds, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t l = 0; l < columns; l++) dst[i * ldd + l] = src[i * lds + l];
}

// c = a b + bias, or c += a b, for m rows and n columns: b is (depth, n), or with kTurned (n, depth). bias may be null.
template <class T, bool kTurned>
inline void Product(T* c, int64_t ldc, const T* a, int64_t lda, const T* b, int64_t ldb, const T* bias, int64_t m,
                    int64_t n, int64_t total, bool accumulate) {
  constexpr int64_t kColumns = kTileWidth<T>;
  constexpr int kLine = 64 / static_cast<int>(sizeof(T));
  alignas(64) T block[kDepth * kColumns];
  alignas(64) T edge[kRows * kColumns] = {}, top[kColumns];
  const int64_t groups = (m + kRows - 1) / kRows, base = m / groups, more = m % groups;
  for (int64_t j = 0; j < n; j += kColumns) {
    const int64_t columns = Least(kColumns, n - j);
    for (int64_t l = 0; l < kColumns; l++) top[l] = bias && l < columns ? bias[j + l] : T(0);
    for (int64_t k = 0; k < total; k += kDepth) {
      const int64_t depth = Least(kDepth, total - k);
      const bool whole = columns == kColumns;
      const T* const right = kTurned ? b + j * ldb + k : b + k * ldb + j;
      if (kTurned) {
        CopyTurned<T>(block, right, ldb, columns, depth);
      } else if (!whole) {
        CopyRows(block, kColumns, right, ldb, depth, columns);
      }
      // The next block: further down, or at the top of the next columns.
      Ahead<T> ahead{nullptr, ldb, 0, 0, 0};
      const bool down = k + kDepth < total;
      if (whole && (down || j + 2 * kColumns <= n)) {
        ahead.first = down ? (kTurned ? right + kDepth : right + kDepth * ldb)
                           : (kTurned ? b + (j + kColumns) * ldb : b + j + kColumns);
        const int64_t next = Least(kDepth, down ? total - k - kDepth : total);
        ahead.shift = kTurned ? __builtin_ctzll(kDepth / kLine) : __builtin_ctzll(kColumns / kLine);
        ahead.to = kTurned ? (next == kDepth ? kColumns << ahead.shift : 0) : next << ahead.shift;
      }
      const bool add = k > 0 || accumulate;
      int64_t i = 0;
      for (int64_t g = 0; g < groups; g++) {
        const int rows = static_cast<int>(base + (g < more));
        const T* const left = a + i * lda + k;
        T* to = c + i * ldc + j;
        int64_t ldto = ldc;
        if (!whole) {
          if (add) CopyRows(edge, kColumns, to, ldc, rows, columns);
          to = edge;
          ldto = kColumns;
        }
        const Start<T> start = add ? Start<T>{to, ldto} : Start<T>{top, 0};
        if (!kTurned && whole && g == 0)
          TileOf<T, true>(rows, to, ldto, start, left, lda, 1, right, ldb, depth, block, ahead, false);
        else
          TileOf<T, false>(rows, to, ldto, start, left, lda, 1, block, kColumns, depth, nullptr, ahead, false);
        if (!whole) CopyRows(c + i * ldc + j, ldc, edge, kColumns, rows, columns);
        ahead.from = Least(ahead.from + depth, ahead.to);
        i += rows;
      }
    }
  }
}

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
    Product<T, false>(y + i * out + j, out, x + i * in, in, w + j, out, b ? b + j : nullptr, tile,
                      Least(panel, out - j), in, false);
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
  for (int64_t u = lo; u < hi; u++) {
    const int64_t j = u / tiles * panel, i = u % tiles * tile;
    Product<T, true>(dx + i * in + j, in, dy + i * out, out, w + j * out, out, nullptr, tile, Least(panel, in - j), out,
                     accumulate);
  }
  return waveprior::kOk;
}

// dw (+)= x^T dy for dw's rows first to last-1.
template <class T>
inline void WeightRows(T* dw, const T* x, const T* dy, int64_t rows, int64_t in, int64_t out, int64_t first,
                       int64_t last, bool accumulate, bool stream) {
  constexpr int64_t kColumns = kTileWidth<T>;
  const Ahead<T> nothing{nullptr, 0, 0, 0, 0};
  alignas(64) T left[kDepth * kRows], block[kDepth * kColumns], edge[kRows * kColumns];
  alignas(64) const T zeros[kColumns] = {};
  for (int64_t k = 0; k < rows; k += kDepth) {
    const int64_t depth = Least(kDepth, rows - k);
    const bool add = k > 0 || accumulate;
    for (int64_t i = first; i < last; i += kRows) {
      const int r = static_cast<int>(Least(kRows, last - i));
      for (int64_t q = 0; q < depth; q++)
        for (int l = 0; l < r; l++) left[q * kRows + l] = x[(k + q) * in + i + l];
      T* const to = dw + i * out;
      const T* const right = dy + k * out;
      int64_t j = 0;
      for (; j + kColumns <= out; j += kColumns) {
        const Start<T> start = add ? Start<T>{to + j, out} : Start<T>{zeros, 0};
        TileOf<T, false>(r, to + j, out, start, left, 1, kRows, right + j, out, depth, nullptr, nothing, stream);
      }
      if (j < out) {
        CopyRows(block, kColumns, right + j, out, depth, out - j);
        if (add) CopyRows(edge, kColumns, to + j, out, r, out - j);
        TileOf<T, false>(r, edge, kColumns, add ? Start<T>{edge, kColumns} : Start<T>{zeros, 0}, left, 1, kRows, block,
                         kColumns, depth, nullptr, nothing, false);
        CopyRows(to + j, out, edge, kColumns, r, out - j);
      }
    }
  }
}

// dw (+)= x^T dy: dw, x, dy, rows, in, out, panel, accumulate. Unit u is panel u of the rows of dw. A large dw is written
// past the caches: nothing reads it before they have been flushed by the other layers.
template <class T>
int nn_linear_backward_weight(const uint64_t* args, int64_t lo, int64_t hi) {
  waveprior::Args a(args);
  T* const dw = a.Pointer<T>();
  const T* const x = a.Pointer<const T>();
  const T* const dy = a.Pointer<const T>();
  const int64_t rows = a.Int(), in = a.Int(), out = a.Int(), panel = a.Int();
  const bool accumulate = a.Int() != 0;
  const int64_t first = lo * panel, last = Least(hi * panel, in);
  constexpr int64_t kLarge = int64_t{8} << 20, kSize = static_cast<int64_t>(sizeof(T));
  const bool aligned = reinterpret_cast<uintptr_t>(dw) % 64 == 0 && out * kSize % 64 == 0;
  const bool stream = aligned && !accumulate && rows <= kDepth && in * out * kSize >= kLarge;
  WeightRows<T>(dw, x, dy, rows, in, out, first, last, accumulate, stream);
  if (stream) _mm_sfence();
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
