// Substitution with the factors of factor.cu for many right-hand sides of many systems, a level of the tree at a time.
//
// Equation    x <- L^-1 x over boxes and fronts, leaves first; x <- L^-T Delta^-1 x over fronts and boxes, the root first.
//             What a box or front takes from its ring or boundary goes up in vectors of its own, which its parent gathers: no
//             two blocks write the same row. On the way back x is read where it lies.
// Kernels     helm_box_forward, helm_box_backward: a block per box; its rows in shared memory, a column (row) at a time, what
//             couples with the ring all at once.
//             helm_forward_pivots: a block per front, tile after tile: z = L11^-1 (x + children).
//             helm_forward_boundary: a block per 64 rows of the boundary: children - L21 z.
//             helm_backward_boundary: a block per 64 pivots: Delta^-1 z - L21^T x.
//             helm_backward_pivots: a block per front, last tile first: x = L11^-T of that.
//             Every block carries 16 right-hand sides of one system; threads are 16 right-hand sides by 16 rows.
// Layout      x (systems, nodes, count), vectors (systems, vector_rows, count), the right-hand side fastest; rows in the order of
//             elimination. A unit is a block: items innermost, then groups of 16 right-hand sides, then systems.
// Costs       n systems, R right-hand sides, g = ceil(R/16) groups, C = bytes of a complex number, p, b of a front:
//             helm_box_*             8 R (entries + pivots) flops; g (p + entries) C of factors, (2 p + ring) R C of vectors
//             helm_forward_pivots    4 p^2 R flops; g p^2/2 C of L11, R p^2/32 C of z, 2 p R C of x, children's rows of vectors
//             helm_forward_boundary  8 p b R flops; g p b C of L21, R p ceil(b/64) C of z, b R C written, children's vectors
//             helm_backward_boundary 8 (p b + 16 p) R flops; g p b C, R b ceil(p/64) C of x, 2 p R C
//             helm_backward_pivots   4 p^2 R flops; g p^2/2 C, R p^2/32 C, 2 p R C
// Assumptions as in factor.cu.
// Test        TestTwins in twins_cuda_test.go, TestSolve in engine_test.go.
#include "../kernel.h"
#include "tables.h"

namespace waveprior::multifrontal {

template <class T>
struct Substitution {
  const int32_t* list;
  int64_t list_count, items, item_count, chunks;
  const Complex<T>* factor_data;
  int64_t factor_size;
  Complex<T>* vector_data;
  int64_t vector_rows;
  Complex<T>* x_data;
  int64_t nodes, count, systems;

  static constexpr int kRow = kTile + 1;
  static constexpr int Q = kBlock / kTile;

  WAVEPRIOR_DEVICE View<const int32_t> Lists() const { return View<const int32_t>(list, list_count); }
  WAVEPRIOR_DEVICE View<const Complex<T>> Factors() const {
    return View<const Complex<T>>(factor_data, systems * factor_size);
  }
  WAVEPRIOR_DEVICE View<Complex<T>> Vectors() const {
    return View<Complex<T>>(vector_data, systems * vector_rows * count);
  }
  WAVEPRIOR_DEVICE View<Complex<T>> X() const { return View<Complex<T>>(x_data, systems * nodes * count); }

  WAVEPRIOR_DEVICE int64_t Item() const { return blockIdx.x % item_count; }
  WAVEPRIOR_DEVICE int64_t System() const { return blockIdx.x / item_count / chunks; }
  // This thread's right-hand side; it may be count or more.
  WAVEPRIOR_DEVICE int64_t Side() const { return blockIdx.x / item_count % chunks * kTile + ThreadRank() % kTile; }
  WAVEPRIOR_DEVICE int64_t Row(int64_t row) const { return (System() * nodes + row) * count + Side(); }

  WAVEPRIOR_DEVICE void BoxForward(Complex<T>* y) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> vectors = Vectors(), x = X();
    const int64_t box = items + Item() * kBoxSize, shape = lists[box + kBoxShape];
    const int np = lists[shape + kShapePivots], nb = lists[shape + kShapeRing];
    const int64_t start = lists[shape + kShapeStart], split = lists[shape + kShapeSplit],
                  rows = lists[shape + kShapeRows];
    const int64_t row_start = lists[shape + kShapeRowStart] + np, row_entries = lists[shape + kShapeRowEntries];
    const int64_t f = System() * factor_size + lists[box + kBoxFactor];
    const int64_t first = lists[box + kBoxFirst], out = System() * vector_rows + lists[box + kBoxVector];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    const Complex<T> zero = MakeComplex(T(0), T(0));
    for (int k = ty; k < np; k += kTile) {
      Complex<T> v = zero;
      if (mine) v = x[Row(first + k)];
      y[k * kTile + tx] = v;
    }
    __syncthreads();
    for (int k = 0; k < np; k++) {
      const Complex<T> yk = y[k * kTile + tx];
      const int e1 = lists[split + k];
      for (int e = lists[start + k] + ty; e < e1; e += kTile)
        TakeProduct(y[lists[rows + e] * kTile + tx], factor[f + np + e], yk);
      __syncthreads();
    }
    for (int i = ty; i < nb; i += kTile) {
      Complex<T> v = zero;
      const int q1 = lists[row_start + i + 1];
      for (int q = lists[row_start + i]; q < q1; q++)
        TakeProduct(v, factor[f + np + lists[row_entries + 2 * q]], y[lists[row_entries + 2 * q + 1] * kTile + tx]);
      if (mine) vectors.Set((out + i) * count + Side(), v);
    }
    for (int k = ty; k < np; k += kTile)
      if (mine) x.Set(Row(first + k), Times(y[k * kTile + tx], factor[f + k]));
  }

  WAVEPRIOR_DEVICE void BoxBackward(Complex<T>* y) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> x = X();
    const int64_t box = items + Item() * kBoxSize, shape = lists[box + kBoxShape], ring = lists[box + kBoxRing];
    const int np = lists[shape + kShapePivots], nb = lists[shape + kShapeRing];
    const int64_t start = lists[shape + kShapeStart], split = lists[shape + kShapeSplit],
                  rows = lists[shape + kShapeRows];
    const int64_t row_start = lists[shape + kShapeRowStart], row_entries = lists[shape + kShapeRowEntries];
    const int64_t f = System() * factor_size + lists[box + kBoxFactor], first = lists[box + kBoxFirst];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    for (int k = ty; k < np + nb; k += kTile) {
      const int64_t row = k < np ? first + k : lists[ring + k - np];
      Complex<T> v = MakeComplex(T(0), T(0));
      if (mine && row >= 0) v = x[Row(row)];
      y[k * kTile + tx] = v;
    }
    __syncthreads();
    for (int k = ty; k < np; k += kTile) {
      Complex<T> v = y[k * kTile + tx];
      const int e1 = lists[start + k + 1];
      for (int e = lists[split + k]; e < e1; e++) TakeProduct(v, factor[f + np + e], y[lists[rows + e] * kTile + tx]);
      y[k * kTile + tx] = v;
    }
    __syncthreads();
    for (int k = np - 1; k > 0; k--) {
      const Complex<T> yk = y[k * kTile + tx];
      const int q1 = lists[row_start + k + 1];
      for (int q = lists[row_start + k] + ty; q < q1; q += kTile)
        TakeProduct(y[lists[row_entries + 2 * q + 1] * kTile + tx], factor[f + np + lists[row_entries + 2 * q]], yk);
      __syncthreads();
    }
    for (int k = ty; k < np; k += kTile)
      if (mine) x.Set(Row(first + k), y[k * kTile + tx]);
  }

  WAVEPRIOR_DEVICE void ForwardPivots(Complex<T>* shared) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> vectors = Vectors(), x = X();
    const int64_t front = lists[items + Item()], p = lists[front + kFrontPivots], first = lists[front + kFrontFirst];
    const int64_t m = System() * factor_size + lists[front + kFrontFactor];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    Complex<T>*l = shared, *z = shared + kTile * kRow;
    const Complex<T> zero = MakeComplex(T(0), T(0));
    for (int64_t k0 = 0; k0 < p; k0 += kTile) {
      const bool row = k0 + ty < p;
      Complex<T> sum = zero;
      for (int64_t k = 0; k < k0; k += kTile) {
        Complex<T> u = zero, v = zero;
        if (row) u = factor[m + (k0 + ty) * p + k + tx];
        if (mine) v = x[Row(first + k + ty)];
        l[ty * kRow + tx] = u;
        z[ty * kRow + tx] = v;
        __syncthreads();
#pragma unroll
        for (int n = 0; n < kTile; n++) AddProduct(sum, l[ty * kRow + n], z[n * kRow + tx]);
        __syncthreads();
      }
      if (row && mine) {
        const Complex<T> children =
            VectorFromChildren<T>(lists, front, vectors, System() * vector_rows * count, k0 + ty, count, Side());
        const Complex<T> own = x[Row(first + k0 + ty)];
        x.Set(Row(first + k0 + ty), Minus(Plus(own, children), sum));
      }
      __syncthreads();
    }
  }

  WAVEPRIOR_DEVICE void ForwardBoundary(Complex<T>* shared) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> vectors = Vectors(), x = X();
    const int64_t front = lists[items + 2 * Item()], i0 = lists[items + 2 * Item() + 1];
    const int64_t p = lists[front + kFrontPivots], all = p + lists[front + kFrontBoundary],
                  first = lists[front + kFrontFirst];
    const int64_t m = System() * factor_size + lists[front + kFrontFactor];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    Complex<T>*l = shared, *z = shared + kBlock * kRow;
    const Complex<T> zero = MakeComplex(T(0), T(0));
    Complex<T> sums[Q];
#pragma unroll
    for (int q = 0; q < Q; q++) sums[q] = zero;
    for (int64_t k = 0; k < p; k += kTile) {
#pragma unroll
      for (int q = 0; q < Q; q++) {
        const int64_t i = i0 + ty + q * kTile;
        Complex<T> u = zero;
        if (i < all && k + tx < p) u = factor[m + i * p + k + tx];
        l[(ty + q * kTile) * kRow + tx] = u;
      }
      Complex<T> v = zero;
      if (mine && k + ty < p) v = x[Row(first + k + ty)];
      z[ty * kRow + tx] = v;
      __syncthreads();
#pragma unroll
      for (int n = 0; n < kTile; n++) {
        const Complex<T> zn = z[n * kRow + tx];
#pragma unroll
        for (int q = 0; q < Q; q++) AddProduct(sums[q], l[(ty + q * kTile) * kRow + n], zn);
      }
      __syncthreads();
    }
    const int64_t out = System() * vector_rows + lists[front + kFrontVector] - p;
#pragma unroll
    for (int q = 0; q < Q; q++) {
      const int64_t i = i0 + ty + q * kTile;
      if (i >= all || !mine) continue;
      const Complex<T> children =
          VectorFromChildren<T>(lists, front, vectors, System() * vector_rows * count, i, count, Side());
      vectors.Set((out + i) * count + Side(), Minus(children, sums[q]));
    }
  }

  WAVEPRIOR_DEVICE void BackwardBoundary(Complex<T>* shared) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> x = X();
    const int64_t front = lists[items + 2 * Item()], j0 = lists[items + 2 * Item() + 1];
    const int64_t p = lists[front + kFrontPivots], b = lists[front + kFrontBoundary],
                  first = lists[front + kFrontFirst];
    const int64_t at = lists[front + kFrontRows], m = System() * factor_size + lists[front + kFrontFactor];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    Complex<T>*l = shared, *z = shared + kBlock * kRow;  // l: 16 rows of L21 by 64 pivots, turned: rows of pivots
    const Complex<T> zero = MakeComplex(T(0), T(0));
    Complex<T> sums[Q];
#pragma unroll
    for (int q = 0; q < Q; q++) sums[q] = zero;
    for (int64_t i = 0; i < b; i += kTile) {
#pragma unroll
      for (int q = 0; q < Q; q++) {
        const int64_t j = j0 + tx + q * kTile;
        Complex<T> u = zero;
        if (i + ty < b && j < p) u = factor[m + (p + i + ty) * p + j];
        l[(tx + q * kTile) * kRow + ty] = u;
      }
      Complex<T> v = zero;
      if (mine && i + ty < b) v = x[Row(lists[at + i + ty])];
      z[ty * kRow + tx] = v;
      __syncthreads();
#pragma unroll
      for (int n = 0; n < kTile; n++) {
        const Complex<T> zn = z[n * kRow + tx];
#pragma unroll
        for (int q = 0; q < Q; q++) AddProduct(sums[q], l[(ty + q * kTile) * kRow + n], zn);
      }
      __syncthreads();
    }
#pragma unroll
    for (int q = 0; q < Q; q++) {  // Delta^-1 z of tile q
      const int64_t k0 = j0 + q * kTile;
      Complex<T> d = zero, v = zero;
      if (k0 + ty < p && k0 + tx < p) d = factor[m + (k0 + ty) * p + k0 + tx];
      if (k0 + ty < p && mine) v = x[Row(first + k0 + ty)];
      l[ty * kRow + tx] = d;
      z[ty * kRow + tx] = v;
      __syncthreads();
      Complex<T> y = zero;
#pragma unroll
      for (int n = 0; n < kTile; n++) AddProduct(y, l[ty * kRow + n], z[n * kRow + tx]);
      if (k0 + ty < p && mine) x.Set(Row(first + k0 + ty), Minus(y, sums[q]));
      __syncthreads();
    }
  }

  WAVEPRIOR_DEVICE void BackwardPivots(Complex<T>* shared) const {
    const View<const int32_t> lists = Lists();
    const View<const Complex<T>> factor = Factors();
    const View<Complex<T>> x = X();
    const int64_t front = lists[items + Item()], p = lists[front + kFrontPivots], first = lists[front + kFrontFirst];
    const int64_t m = System() * factor_size + lists[front + kFrontFactor];
    const int tx = ThreadRank() % kTile, ty = ThreadRank() / kTile;
    const bool mine = Side() < count;
    Complex<T>*l = shared, *z = shared + kTile * kRow;
    const Complex<T> zero = MakeComplex(T(0), T(0));
    // The last tile is done: it has no rows below.
    for (int64_t k0 = ((p - 1) / kTile - 1) * kTile; k0 >= 0; k0 -= kTile) {
      Complex<T> sum = zero;
      for (int64_t i = k0 + kTile; i < p; i += kTile) {
        Complex<T> u = zero, v = zero;
        if (i + ty < p) u = factor[m + (i + ty) * p + k0 + tx];
        if (i + ty < p && mine) v = x[Row(first + i + ty)];
        l[tx * kRow + ty] = u;
        z[ty * kRow + tx] = v;
        __syncthreads();
#pragma unroll
        for (int n = 0; n < kTile; n++) AddProduct(sum, l[ty * kRow + n], z[n * kRow + tx]);
        __syncthreads();
      }
      if (mine) {
        const Complex<T> own = x[Row(first + k0 + ty)];
        x.Set(Row(first + k0 + ty), Minus(own, sum));
      }
      __syncthreads();
    }
  }
};

}  // namespace waveprior::multifrontal

// The parameters of all six, and what is made of them; the last say how much shared memory there is, and what the launch
// costs (costs.go).
#define HELM_PARAMETERS                                                                                             \
  (const int32_t* lists, int64_t list_count, int64_t items, int64_t item_count, int64_t chunks,                     \
   const helm::Complex<T>* factors, int64_t factor_size, helm::Complex<T>* vectors, int64_t vector_rows,            \
   helm::Complex<T>* x, int64_t nodes, int64_t count, int64_t systems, int64_t, int64_t, int64_t, int64_t, int64_t, \
   int64_t)
#define HELM_SUBSTITUTION                                                                                              \
  helm::Substitution<T> {                                                                                              \
    lists, list_count, items, item_count, chunks, factors, factor_size, vectors, vector_rows, x, nodes, count, systems \
  }

WAVEPRIOR_KERNELS(helm_box_forward, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.BoxForward(shared);
})

WAVEPRIOR_KERNELS(helm_box_backward, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.BoxBackward(shared);
})

WAVEPRIOR_KERNELS(helm_forward_pivots, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.ForwardPivots(shared);
})

WAVEPRIOR_KERNELS(helm_forward_boundary, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.ForwardBoundary(shared);
})

WAVEPRIOR_KERNELS(helm_backward_boundary, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.BackwardBoundary(shared);
})

WAVEPRIOR_KERNELS(helm_backward_pivots, HELM_PARAMETERS, {
  WAVEPRIOR_SHARED(helm::Complex<T>, shared);
  HELM_SUBSTITUTION.BackwardPivots(shared);
})

#undef HELM_PARAMETERS
#undef HELM_SUBSTITUTION
