// The tree's tables as kernels read them: records of int32 in one list, made by tables.go, whose constants are the same.
//
// Layout      A system's factor: for each box its pivots' reciprocals, then its entries of L; for each front M, (p + b) rows of
//             p numbers: L below the diagonal tiles (tiles of 16 pivots), Delta^-1 in them, and above them U^T, U = L Delta.
//             updates: packed lower triangles by rows, S(i, j) at i (i + 1)/2 + j, for boxes and for fronts.
//             panels: U of a front's boundary, b rows of p. vectors: b (or ring) rows of right-hand sides each.
//             Everything is (systems, ...), systems outermost; complex numbers are pairs.
//             Local rows of a front: pivots 0..p-1, boundary p..p+b-1.
#ifndef WAVEPRIOR_CUDA_MULTIFRONTAL_TABLES_H_
#define WAVEPRIOR_CUDA_MULTIFRONTAL_TABLES_H_

#include "complex.h"

namespace waveprior::multifrontal {

constexpr int kTile = 16;   // pivots of a tile of Delta; right-hand sides that a block carries
constexpr int kBlock = 64;  // rows of a block of a front

// Fields of a front's record.
enum {
  kFrontPivots,
  kFrontBoundary,
  kFrontFirst,    // row of its first pivot
  kFrontRows,     // offset of the boundary's rows
  kFrontColumns,  // offset of p + 1 starts of columns among the entries
  kFrontEntries,  // offset of the entries: plane, place, local row
  kFrontFactor,
  kFrontUpdate,
  kFrontPanel,
  kFrontVector,  // first row
  kFrontUnit,    // among the flags
  kFrontChild,   // two times: update, vector, offset of the places
  kFrontSize = kFrontChild + 6
};

// Fields of a box's record.
enum { kBoxShape, kBoxFirst, kBoxBase, kBoxFactor, kBoxUpdate, kBoxVector, kBoxRing, kBoxUnit, kBoxSize };

// Fields of a shape's record.
enum {
  kShapePivots,
  kShapeRing,
  kShapeEntries,
  kShapeGather,  // offset of: plane, place from the box's base, slot
  kShapeGatherCount,
  kShapeStart,         // offset of p + 1 starts of columns
  kShapeSplit,         // offset of p: the column's first entry on the ring
  kShapeRows,          // offset of the entries' local rows
  kShapeProducts,      // offset of: target + 65536 a + 2^24 b for pairs a <= b of a column's entries
  kShapeProductStart,  // offset of p + 1 starts of columns among the products
  kShapeRowStart,      // offset of p + ring + 1 starts of rows
  kShapeRowEntries,    // offset of: entry, column, by rows
  kShapeSize
};

// What is assembled: S of each system in planes of (nz+2) x (nx+2) with a margin of zeros; plane 0 (the diagonal) is the
// system's own, planes 1 and 2 those of its frequency.
template <class Numbers, class Integers>
struct Coefficients {
  const Numbers& diagonal;  // (systems, size)
  const Numbers& links;     // (frequencies, 2, size)
  const Integers& which;    // (systems, 2): model, frequency
  int64_t size, system;

  template <class T>
  WAVEPRIOR_INLINE Complex<T> At(int32_t plane, int64_t at) const {
    if (plane == 0) return diagonal[system * size + at];
    return links[(static_cast<int64_t>(which[2 * system + 1]) * 2 + plane - 1) * size + at];
  }
};

WAVEPRIOR_INLINE int64_t Packed(int64_t i, int64_t j) { return i >= j ? i * (i + 1) / 2 + j : j * (j + 1) / 2 + i; }

// What the children of a front add to its entry of local rows i and j: the extend-add, as a gather.
template <class T, class Integers, class Numbers>
WAVEPRIOR_INLINE Complex<T> FromChildren(const Integers& lists, int64_t front, const Numbers& updates, int64_t base,
                                         int64_t i, int64_t j) {
  Complex<T> sum = MakeComplex(T(0), T(0));
  for (int c = 0; c < 2; c++) {
    const int64_t record = front + kFrontChild + 3 * c, place = lists[record + 2];
    const int64_t mi = lists[place + i], mj = lists[place + j];
    if (mi < 0 || mj < 0) continue;
    const Complex<T> s = updates[base + lists[record] + Packed(mi, mj)];
    sum = Plus(sum, s);
  }
  return sum;
}

// The same for right-hand side r of local row i; vectors (systems, rows, count), base: of the system, in numbers.
template <class T, class Integers, class Numbers>
WAVEPRIOR_INLINE Complex<T> VectorFromChildren(const Integers& lists, int64_t front, const Numbers& vectors,
                                               int64_t base, int64_t i, int64_t count, int64_t r) {
  Complex<T> sum = MakeComplex(T(0), T(0));
  for (int c = 0; c < 2; c++) {
    const int64_t record = front + kFrontChild + 3 * c, place = lists[record + 2];
    const int64_t m = lists[place + i];
    if (m < 0) continue;
    const Complex<T> v = vectors[base + (static_cast<int64_t>(lists[record + 1]) + m) * count + r];
    sum = Plus(sum, v);
  }
  return sum;
}

}  // namespace waveprior::multifrontal

#endif  // WAVEPRIOR_CUDA_MULTIFRONTAL_TABLES_H_
