// A matrix in global memory as the dense products read and write it: by packs of 16 bytes where its rows allow that.
#ifndef WAVEPRIOR_CUDA_NN_MATRIX_H_
#define WAVEPRIOR_CUDA_NN_MATRIX_H_

#include "elements.h"

namespace waveprior::nn {

// A factor (rows, columns), row-major, without gaps.
template <class T>
class Factor {
 public:
  WAVEPRIOR_DEVICE Factor(const T* p, int64_t rows, int64_t columns)
      : numbers_(p, rows * columns),
        packs_(reinterpret_cast<const Pack<T>*>(p), Whole(p, columns) ? rows * columns / kMany : 0),
        rows_(rows),
        columns_(columns),
        whole_(Whole(p, columns)) {}

  // The pack from (row, column) on, column a multiple of kMany; zeros beyond the edges.
  WAVEPRIOR_DEVICE Pack<T> Load(int64_t row, int64_t column) const {
    Pack<T> v;
    const int64_t at = row * columns_ + column;
    if (whole_ && row < rows_ && column < columns_) return packs_[at / kMany];
#pragma unroll
    for (int q = 0; q < kMany; q++) v.x[q] = row < rows_ && column + q < columns_ ? numbers_[at + q] : T(0);
    return v;
  }

 private:
  static constexpr int kMany = Pack<T>::kCount;
  static WAVEPRIOR_DEVICE bool Whole(const T* p, int64_t columns) { return columns % kMany == 0 && Aligned(p); }

  View<const T> numbers_;
  View<const Pack<T>> packs_;
  int64_t rows_, columns_;
  bool whole_;  // rows are whole packs
};

// A product's matrix (rows, columns), and what its sums begin with.
template <class T>
class Output {
 public:
  // The sums begin with the matrix itself where `accumulate`, else with a row `bias` (null: zeros).
  WAVEPRIOR_DEVICE Output(T* p, const T* bias, int64_t rows, int64_t columns, bool accumulate)
      : numbers_(p, rows * columns),
        packs_(reinterpret_cast<Pack<T>*>(p), Whole(p, columns) ? rows * columns / kMany : 0),
        bias_(bias, columns),
        rows_(rows),
        columns_(columns),
        whole_(Whole(p, columns)),
        accumulate_(accumulate) {}

  // Where the sums of the pack from (row, column) on begin.
  WAVEPRIOR_DEVICE Pack<T> Start(int64_t row, int64_t column) const {
    Pack<T> v;
    const int64_t at = row * columns_ + column;
    if (accumulate_ && whole_ && row < rows_ && column < columns_) return packs_[at / kMany];
#pragma unroll
    for (int q = 0; q < kMany; q++) {
      const bool inside = row < rows_ && column + q < columns_;
      v.x[q] = T(0);
      if (inside && accumulate_) v.x[q] = numbers_[at + q];
      if (inside && !accumulate_ && bias_) v.x[q] = bias_[column + q];
    }
    return v;
  }

  WAVEPRIOR_DEVICE void Set(int64_t row, int64_t column, const Pack<T>& v) const {
    const int64_t at = row * columns_ + column;
    if (row >= rows_) return;
    if (whole_) {
      if (column < columns_) packs_.Set(at / kMany, v);
      return;
    }
#pragma unroll
    for (int q = 0; q < kMany; q++)
      if (column + q < columns_) numbers_.Set(at + q, v.x[q]);
  }

 private:
  static constexpr int kMany = Pack<T>::kCount;
  static WAVEPRIOR_DEVICE bool Whole(const T* p, int64_t columns) { return columns % kMany == 0 && Aligned(p); }

  View<T> numbers_;
  View<Pack<T>> packs_;
  View<const T> bias_;
  int64_t rows_, columns_;
  bool whole_, accumulate_;
};

}  // namespace waveprior::nn

#endif  // WAVEPRIOR_CUDA_NN_MATRIX_H_
