// Dense fronts of one level of the tree, for all systems of a batch: assembly, block L Delta L^T, updates.
//
// Equation    F = [F11 F21^T; F21 F22], S = F22 - L21 Delta L21^T with L11 Delta L11^T = F11, L21 = F21 L11^-T Delta^-1, Delta of
//             tiles of 16 pivots, each inverted by Gauss-Jordan with partial pivoting. F is the coefficients of its pivots and
//             what its children's S add: gathered where it is first read, never stored.
// Kernels     helm_pivots: a block per front, tile after tile, left-looking: Delta^-1, L11, and U^T above the diagonal.
//             helm_panels: a block per 64 rows of a front's boundary: U21 and L21, tile after tile.
//             helm_updates: a block per 64 x 64 numbers of S; a thread holds 4 x 4 of them.
// Layout      tables.h. A unit is a block: unit % items is the item of the level, unit / items the system.
// Costs       n systems, C = bytes of a complex number, p, b of a front, t = ceil(p/16) tiles, r = ceil(b/64) row blocks,
//             c = numbers that the children have in what is gathered (each read once):
//             helm_pivots   8 (p^3/3 + 16 p^2) flops; (p^2/2 + c) C assembled, sum over tiles of (p - k0) k0 + k0 16 ceil((p-k0)/64)
//                           numbers read of L and U, p^2 C written
//             helm_panels   8 (p^2 b/2 + 16 p b) flops; (p b + c) C assembled, b p^2/32 + r p^2/2 numbers read, 2 p b C written
//             helm_updates  4 p b^2 flops (8 on the lower triangle); b r p C read (L and U blocks), c C gathered, b^2/2 C written
// Assumptions coefficients of couplings that leave the grid are 0; FivePoint; offsets within a system are below 2^31.
// Test        TestTwins in twins_cuda_test.go, TestSolve in engine_test.go.
#include "../kernel.h"
#include "tables.h"

namespace waveprior::multifrontal {

// Where a block works: its system and its item's number.
struct Unit {
  int64_t system, item;
};
WAVEPRIOR_DEVICE Unit ThisUnit(int64_t items) {
  Unit u;
  u.system = blockIdx.x / items;
  u.item = blockIdx.x % items;
  return u;
}

// A block of 16 x 16 threads at a front; shared memory is a (64 or 128 rows), u (16 or 64 rows) and a tile, rows of 17.
template <class T>
struct Fronts {
  const int32_t* list;
  int64_t list_count, items, item_count;
  const Complex<T>*diagonal, *links;
  const int32_t* which;
  int64_t plane;
  Complex<T>* factors;
  int64_t factor_size;
  Complex<T>* updates;
  int64_t update_size;
  Complex<T>* panels;
  int64_t panel_size;
  int32_t* flags;
  int64_t units, systems, frequencies;

  static constexpr int kRow = kTile + 1;

  WAVEPRIOR_DEVICE View<const int32_t> Lists() const { return View<const int32_t>(list, list_count); }
  WAVEPRIOR_DEVICE View<Complex<T>> Factors() const { return View<Complex<T>>(factors, systems * factor_size); }
  WAVEPRIOR_DEVICE View<Complex<T>> Updates() const { return View<Complex<T>>(updates, systems * update_size); }
  WAVEPRIOR_DEVICE View<Complex<T>> Panels() const { return View<Complex<T>>(panels, systems * panel_size); }

  // What the gather of the children and the coefficients of the tile's columns make of entries (i0 + row, k0 + column), less
  // what `sums` holds of them: Q times 16 rows by w columns into r (rows of 17). Only j <= i where `diagonal_tile`, mirrored.
  template <int Q>
  WAVEPRIOR_DEVICE void Assemble(int64_t front, int64_t system, int64_t i0, int64_t rows, int64_t k0, int w,
                                 bool diagonal_tile, const Complex<T>* sums, Complex<T>* r) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> update(updates, systems * update_size);
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
#pragma unroll
    for (int q = 0; q < Q; q++) {
      const int row = ty + q * kTile;
      if (row >= rows || tx >= w || (diagonal_tile && tx > row)) continue;
      const Complex<T> f =
          Minus(FromChildren<T>(lists, front, update, system * update_size, i0 + row, k0 + tx), sums[q]);
      r[row * kRow + tx] = f;
      if (diagonal_tile) r[tx * kRow + row] = f;
    }
    __syncthreads();
    const View<const Complex<T>> own(diagonal, systems * plane), others(links, frequencies * 2 * plane);
    const View<const int32_t> numbers(which, 2 * systems);
    const Coefficients<View<const Complex<T>>, View<const int32_t>> s{own, others, numbers, plane, system};
    const int64_t entries = lists[front + kFrontEntries], columns = lists[front + kFrontColumns] + k0;
    // A column has at most five coefficients (the node, and the neighbours that come later); each goes to a place of its
    // own.
    for (int j = tx; j < w; j += kTile) {
      const int32_t e1 = lists[columns + j + 1];
      for (int32_t e = lists[columns + j] + ty; e < e1; e += kTile) {
        const int64_t i = lists[entries + 3 * e + 2] - i0;
        if (i < 0 || i >= rows) continue;
        const Complex<T> c = s.template At<T>(lists[entries + 3 * e], lists[entries + 3 * e + 1]);
        const Complex<T> sum = Plus(r[i * kRow + j], c);
        r[i * kRow + j] = sum;
        if (diagonal_tile) r[j * kRow + i] = sum;
      }
    }
    __syncthreads();
  }

  // sums[q] = sum over k < k0 of L(i0 + ty + 16 q, k) U(k0 + tx, k); a: Q times 16 rows, u: 16 rows of shared memory.
  template <int Q>
  WAVEPRIOR_DEVICE void Sum(int64_t m, int64_t p, int64_t i0, int64_t rows, int64_t k0, int w, Complex<T>* a,
                            Complex<T>* u, Complex<T>* sums) const {
    const View<Complex<T>> factor = Factors();
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const Complex<T> zero = MakeComplex(T(0), T(0));
#pragma unroll
    for (int q = 0; q < Q; q++) sums[q] = zero;
    for (int64_t k = 0; k < k0; k += kTile) {
#pragma unroll
      for (int q = 0; q < Q; q++) {
        const int row = ty + q * kTile;
        Complex<T> l = zero;
        if (row < rows) l = factor[m + (i0 + row) * p + k + tx];
        a[row * kRow + tx] = l;
      }
      Complex<T> v = zero;
      if (tx < w) v = factor[m + (k + ty) * p + k0 + tx];
      u[ty * kRow + tx] = v;
      __syncthreads();
#pragma unroll
      for (int n = 0; n < kTile; n++) {
        const Complex<T> un = u[n * kRow + tx];
#pragma unroll
        for (int q = 0; q < Q; q++) AddProduct(sums[q], a[(ty + q * kTile) * kRow + n], un);
      }
      __syncthreads();
    }
  }

  // Rows i0.. of the pivot columns of tile k0: U = F - L U^T, L = U Delta^-1; d holds Delta^-1.
  WAVEPRIOR_DEVICE void Panel(int64_t front, int64_t system, int64_t i0, int64_t rows, int64_t k0, int w, Complex<T>* a,
                              Complex<T>* u, const Complex<T>* d) const {
    const View<const int32_t> lists = Lists();
    const int64_t p = lists[front + kFrontPivots], m = system * factor_size + lists[front + kFrontFactor];
    const int64_t panel = system * panel_size + lists[front + kFrontPanel];
    const View<Complex<T>> factor = Factors(), panels_ = Panels();
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    Complex<T> sums[kBlock / kTile];
    Sum<kBlock / kTile>(m, p, i0, rows, k0, w, a, u, sums);
    Assemble<kBlock / kTile>(front, system, i0, rows, k0, w, false, sums, a);
#pragma unroll
    for (int q = 0; q < kBlock / kTile; q++) {
      if (i0 < p) {  // U^T: a thread's column of the tile is ty here, so that neighbours write neighbours
        const int row = tx + q * kTile;
        if (row < rows && ty < w) factor.Set(m + (k0 + ty) * p + i0 + row, a[row * kRow + ty]);
      } else {
        const int row = ty + q * kTile;
        if (row < rows && tx < w) panels_.Set(panel + (i0 - p + row) * p + k0 + tx, a[row * kRow + tx]);
      }
      const int row = ty + q * kTile;
      if (row >= rows || tx >= w) continue;
      Complex<T> l = MakeComplex(T(0), T(0));
      for (int k = 0; k < w; k++) AddProduct(l, a[row * kRow + k], d[k * kRow + tx]);
      factor.Set(m + (i0 + row) * p + k0 + tx, l);
    }
    __syncthreads();
  }

  // Inverts the n x n tile d in shared memory; swapped: n numbers there. A thread per entry.
  WAVEPRIOR_DEVICE void Invert(Complex<T>* d, int n, int* swapped, int32_t* broken) const {
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = tx < n && ty < n;
    for (int k = 0; k < n; k++) {
      int r = k;  // every thread finds the same
      T best = SquaredSize(d[k * kRow + k]) * 4;
      for (int i = k + 1; i < n; i++) {
        const T size = SquaredSize(d[i * kRow + k]);
        if (size > best) {
          best = size;
          r = i;
        }
      }
      best = SquaredSize(d[r * kRow + k]);
      if (!(best > 0) || !Finite(best)) *broken = 1;
      Complex<T> v = MakeComplex(T(0), T(0));
      if (mine) {
        const Complex<T> pivot = d[r * kRow + k];
        const Complex<T> inverse = MakeComplex(pivot.re / best, -pivot.im / best);
        if (ty == k) {
          v = tx == k ? inverse : Times(d[r * kRow + tx], inverse);
        } else {
          const int from = ty == r ? k : ty;  // rows k and r are exchanged
          const Complex<T> c = d[from * kRow + k];
          if (tx == k) {
            v = Minus(v, Times(c, inverse));
          } else {
            v = d[from * kRow + tx];
            TakeProduct(v, c, Times(d[r * kRow + tx], inverse));
          }
        }
      }
      __syncthreads();
      if (mine) d[ty * kRow + tx] = v;
      if (tx == 0 && ty == 0) swapped[k] = r;
      __syncthreads();
    }
    // Rows were exchanged: so are the inverse's columns, last first. Column tx comes from `from`.
    int from = tx;
    for (int k = 0; k < n; k++) {
      const int r = swapped[k];
      from = from == k ? r : from == r ? k : from;
    }
    Complex<T> v = MakeComplex(T(0), T(0));
    if (mine) v = d[ty * kRow + from];
    if (mine && (!(Abs(v.re) <= Limit<T>::value) || !(Abs(v.im) <= Limit<T>::value))) *broken = 1;
    __syncthreads();
    if (mine) d[ty * kRow + tx] = v;
    __syncthreads();
  }

  WAVEPRIOR_DEVICE void Pivots(Complex<T>* shared) const {
    const Unit at = ThisUnit(item_count);
    const View<const int32_t> lists = Lists();
    const View<Complex<T>> factor = Factors();
    const int64_t front = lists[items + at.item];
    const int64_t p = lists[front + kFrontPivots], m = at.system * factor_size + lists[front + kFrontFactor];
    Complex<T>*a = shared, *u = a + kBlock * kRow, *d = u + kTile * kRow;
    int* const swapped = reinterpret_cast<int*>(d + kTile * kRow);
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    int32_t broken = 0;
    for (int64_t k0 = 0; k0 < p; k0 += kTile) {
      const int w = static_cast<int>(p - k0 < kTile ? p - k0 : kTile);
      Complex<T> sum[1];
      Sum<1>(m, p, k0, w, k0, w, a, u, sum);
      Assemble<1>(front, at.system, k0, w, k0, w, true, sum, d);
      Invert(d, w, swapped, &broken);
      if (tx < w && ty < w) factor.Set(m + (k0 + ty) * p + k0 + tx, d[ty * kRow + tx]);
      for (int64_t i0 = k0 + kTile; i0 < p; i0 += kBlock)
        Panel(front, at.system, i0, p - i0 < kBlock ? p - i0 : kBlock, k0, w, a, u, d);
    }
    // Threads saw their own entries: the block's verdict.
    T* const verdict = reinterpret_cast<T*>(shared);
    __syncthreads();
    const T any = BlockSum(static_cast<T>(broken), verdict);
    if (ThreadRank() == 0) {
      const View<int32_t> flag(flags, systems * units);
      flag.Set(at.system * units + lists[front + kFrontUnit], any > 0 ? 1 : 0);
    }
  }

  WAVEPRIOR_DEVICE void Boundary(Complex<T>* shared) const {
    const Unit at = ThisUnit(item_count);
    const View<const int32_t> lists = Lists();
    const View<Complex<T>> factor = Factors();
    const int64_t front = lists[items + 2 * at.item], i0 = lists[items + 2 * at.item + 1];
    const int64_t p = lists[front + kFrontPivots], all = p + lists[front + kFrontBoundary];
    const int64_t rows = all - i0 < kBlock ? all - i0 : kBlock,
                  m = at.system * factor_size + lists[front + kFrontFactor];
    Complex<T>*a = shared, *u = a + kBlock * kRow, *d = u + kTile * kRow;
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    for (int64_t k0 = 0; k0 < p; k0 += kTile) {
      const int w = static_cast<int>(p - k0 < kTile ? p - k0 : kTile);
      if (tx < w && ty < w) d[ty * kRow + tx] = factor[m + (k0 + ty) * p + k0 + tx];
      Panel(front, at.system, i0, rows, k0, w, a, u, d);
    }
  }

  WAVEPRIOR_DEVICE void Update(Complex<T>* shared) const {
    constexpr int Q = kBlock / kTile;
    const Unit at = ThisUnit(item_count);
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor(factors, systems * factor_size), panel(panels, systems * panel_size);
    const View<Complex<T>> update = Updates();
    const View<const Complex<T>> children(updates, systems * update_size);
    const int64_t item = items + 3 * at.item, front = lists[item];
    const int64_t i0 = static_cast<int64_t>(lists[item + 1]) * kBlock,
                  j0 = static_cast<int64_t>(lists[item + 2]) * kBlock;
    const int64_t p = lists[front + kFrontPivots], b = lists[front + kFrontBoundary];
    const int64_t l21 = at.system * factor_size + lists[front + kFrontFactor] + p * p;
    const int64_t u21 = at.system * panel_size + lists[front + kFrontPanel];
    Complex<T>*a = shared, *u = shared + kBlock * kRow;
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const Complex<T> zero = MakeComplex(T(0), T(0));
    Complex<T> sums[Q][Q];
#pragma unroll
    for (int q = 0; q < Q; q++)
#pragma unroll
      for (int r = 0; r < Q; r++) sums[q][r] = zero;
    for (int64_t k = 0; k < p; k += kTile) {
#pragma unroll
      for (int q = 0; q < Q; q++) {
        const int row = ty + q * kTile;
        Complex<T> l = zero, v = zero;
        if (k + tx < p && i0 + row < b) l = factor[l21 + (i0 + row) * p + k + tx];
        if (k + tx < p && j0 + row < b) v = panel[u21 + (j0 + row) * p + k + tx];
        a[row * kRow + tx] = l;
        u[row * kRow + tx] = v;
      }
      __syncthreads();
#pragma unroll 2
      for (int n = 0; n < kTile; n++) {
        Complex<T> right[Q];
#pragma unroll
        for (int r = 0; r < Q; r++) right[r] = u[(tx + r * kTile) * kRow + n];
#pragma unroll
        for (int q = 0; q < Q; q++) {
          const Complex<T> left = a[(ty + q * kTile) * kRow + n];
#pragma unroll
          for (int r = 0; r < Q; r++) AddProduct(sums[q][r], left, right[r]);
        }
      }
      __syncthreads();
    }
    const int64_t to = at.system * update_size + lists[front + kFrontUpdate];
#pragma unroll
    for (int q = 0; q < Q; q++)
#pragma unroll
      for (int r = 0; r < Q; r++) {
        const int64_t i = i0 + ty + q * kTile, j = j0 + tx + r * kTile;
        if (i >= b || j > i) continue;
        const Complex<T> f = FromChildren<T>(lists, front, children, at.system * update_size, p + i, p + j);
        update.Set(to + Packed(i, j), Minus(f, sums[q][r]));
      }
  }
};

}  // namespace waveprior::multifrontal

// The parameters of all three, and what is made of them; the last five say what the launch costs (costs.go).
#define HELM_PARAMETERS                                                                                                \
  (const int32_t* lists, int64_t list_count, int64_t items, int64_t item_count, const helm::Complex<T>* diagonal,      \
   const helm::Complex<T>* links, const int32_t* which, int64_t plane, helm::Complex<T>* factors, int64_t factor_size, \
   helm::Complex<T>* updates, int64_t update_size, helm::Complex<T>* panels, int64_t panel_size, int32_t* flags,       \
   int64_t units, int64_t systems, int64_t frequencies, int64_t, int64_t, int64_t, int64_t, int64_t)
#define HELM_FRONTS                                                                                                  \
  helm::Fronts<T> {                                                                                                  \
    lists, list_count, items, item_count, diagonal, links, which, plane, factors, factor_size, updates, update_size, \
        panels, panel_size, flags, units, systems, frequencies                                                       \
  }

WAVEPRIOR_KERNELS(helm_pivots, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_FRONTS.Pivots(shared);
})

WAVEPRIOR_KERNELS(helm_panels, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_FRONTS.Boundary(shared);
})

WAVEPRIOR_KERNELS(helm_updates, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_FRONTS.Update(shared);
})

#undef HELM_PARAMETERS
#undef HELM_FRONTS
