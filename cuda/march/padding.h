// A model's grid in its layers, into which its edge is continued.
#ifndef WAVEPRIOR_CUDA_MARCH_PADDING_H_
#define WAVEPRIOR_CUDA_MARCH_PADDING_H_

#include "../view.h"

namespace waveprior::march {

// rows x cols nodes, in rows of `wide` numbers from column `lead` on, of which the model's nz x nx are those from (top, left) on.
struct Padding {
  int64_t rows, cols, wide, lead, top, left, nz, nx;

  // The node of n that node `at` of an axis with `before` nodes in front of it copies.
  static WAVEPRIOR_INLINE int64_t Inside(int64_t at, int64_t before, int64_t n) {
    const int64_t k = at - before;
    return k < 0 ? 0 : k >= n ? n - 1 : k;
  }
  WAVEPRIOR_INLINE int64_t Node(int64_t j, int64_t i) const { return Inside(j, top, nz) * nx + Inside(i, left, nx); }
  WAVEPRIOR_INLINE int64_t Compact() const { return rows * wide; }
  WAVEPRIOR_INLINE int64_t Model() const { return nz * nx; }
  // The first and the last padded row that row iz is copied to, and the columns of ix.
  WAVEPRIOR_INLINE int64_t FirstRow(int64_t iz) const { return iz ? top + iz : 0; }
  WAVEPRIOR_INLINE int64_t LastRow(int64_t iz) const { return iz < nz - 1 ? top + iz : rows - 1; }
  WAVEPRIOR_INLINE int64_t First(int64_t ix) const { return ix ? left + ix : 0; }
  WAVEPRIOR_INLINE int64_t Last(int64_t ix) const { return ix < nx - 1 ? left + ix : cols - 1; }
};

}  // namespace waveprior::march

#endif  // WAVEPRIOR_CUDA_MARCH_PADDING_H_
