// The CUDA twins of pointwise_cpu.cc: the same bits.
//
// Traffic     bytes, s = sizeof(T), n numbers:
//             nn_axpby       (2 + 1) n s, without z (1 + 1) n s; operations 3 n, or n
//             nn_row_axpby   (2 + 1) rows width s + 2 s a thread of a row (the weights, from the cache); operations
//                            3 rows width
//             nn_copy_rows   2 rows width s
//             nn_gather_rows 2 rows width s + 4 a thread of a row (the index, from the cache)
#include "elements.h"
#include "pointwise.h"

namespace waveprior::nn {

template <class T>
WAVEPRIOR_DEVICE void Axpby(T* y, const T* x, const T* z, T a, T b, int64_t n) {
  const Weighted<T> weighted{a, b};
  if (z) {
    Map(
        y, n,
        [=](T p, T q) {
          CountOperations(1);
          return weighted(p, q);
        },
        x, z);
  } else {
    Map(
        y, n,
        [=](T p) {
          CountOperations(1);
          return weighted(p);
        },
        x);
  }
}

template <class T>
WAVEPRIOR_DEVICE void RowAxpby(T* y, const T* a_of, const T* x_of, const T* b_of, const T* z_of, int64_t width,
                               int64_t rows) {
  constexpr int kMany = Pack<T>::kCount;
  const int64_t n = rows * width;
  const View<const T> a(a_of, rows), b(b_of, rows);
  if (width % kMany == 0 && Aligned(y) && Aligned(x_of) && Aligned(z_of)) {
    const auto to = Packs(y, n);
    const auto x = Packs(x_of, n), z = Packs(z_of, n);
    const int64_t packs = width / kMany;
    EachInRows(rows, packs, [&](int64_t row, int64_t j) {
      CountOperations(kMany);
      const Weighted<T> weighted{a[row], b[row]};
      to.Set(row * packs + j, EachOf<T>(weighted, x[row * packs + j], z[row * packs + j]));
    });
  } else {
    const View<T> to(y, n);
    const View<const T> x(x_of, n), z(z_of, n);
    EachInRows(rows, width, [&](int64_t row, int64_t j) {
      CountOperations(1);
      to.Set(row * width + j, Weighted<T>{a[row], b[row]}(x[row * width + j], z[row * width + j]));
    });
  }
}

// dst[i*dstride + j] = src[at(i)*sstride + j]: at gives the row of src, which has `entries`, or -1: then the row of dst
// becomes NaN.
template <class T, class At>
WAVEPRIOR_DEVICE void TakeRows(T* dst, int64_t dstride, const T* src, int64_t sstride, int64_t entries, int64_t width,
                               int64_t rows, const At& at) {
  constexpr int kMany = Pack<T>::kCount;
  const int64_t ends = (rows - 1) * dstride + width, begins = (entries - 1) * sstride + width;
  if (width % kMany == 0 && dstride % kMany == 0 && sstride % kMany == 0 && Aligned(dst) && Aligned(src)) {
    const auto to = Packs(dst, ends);
    const auto from = Packs(src, begins);
    EachInRows(rows, width / kMany, [&](int64_t row, int64_t j) {
      const int64_t k = at(row);
      Pack<T> missing;
#pragma unroll
      for (int q = 0; q < kMany; q++) missing.x[q] = NotANumber<T>();
      to.Set(row * (dstride / kMany) + j, k < 0 ? missing : from[k * (sstride / kMany) + j]);
    });
  } else {
    const View<T> to(dst, ends);
    const View<const T> from(src, begins);
    EachInRows(rows, width, [&](int64_t row, int64_t j) {
      const int64_t k = at(row);
      to.Set(row * dstride + j, k < 0 ? NotANumber<T>() : from[k * sstride + j]);
    });
  }
}

template <class T>
WAVEPRIOR_DEVICE void GatherRows(T* dst, int64_t stride, const T* table, const int32_t* index_of, int64_t entries,
                                 int64_t width, int64_t rows) {
  const View<const int32_t> index(index_of, rows);
  TakeRows(dst, stride, table, width, entries, width, rows, [&](int64_t row) -> int64_t {
    const int32_t k = index[row];
    return k < 0 || k >= entries ? -1 : k;
  });
}

}  // namespace waveprior::nn

extern "C" __global__ void nn_axpby_f32(float* y, const float* x, const float* z, float a, float b, int64_t n,
                                        int64_t) {
  waveprior::nn::Axpby(y, x, z, a, b, n);
}
extern "C" __global__ void nn_axpby_f64(double* y, const double* x, const double* z, double a, double b, int64_t n,
                                        int64_t) {
  waveprior::nn::Axpby(y, x, z, a, b, n);
}

extern "C" __global__ void nn_row_axpby_f32(float* y, const float* a, const float* x, const float* b, const float* z,
                                            int64_t width, int64_t rows) {
  waveprior::nn::RowAxpby(y, a, x, b, z, width, rows);
}
extern "C" __global__ void nn_row_axpby_f64(double* y, const double* a, const double* x, const double* b,
                                            const double* z, int64_t width, int64_t rows) {
  waveprior::nn::RowAxpby(y, a, x, b, z, width, rows);
}

extern "C" __global__ void nn_copy_rows_f32(float* dst, int64_t dstride, const float* src, int64_t sstride,
                                            int64_t width, int64_t rows) {
  waveprior::nn::TakeRows(dst, dstride, src, sstride, rows, width, rows, [](int64_t row) { return row; });
}
extern "C" __global__ void nn_copy_rows_f64(double* dst, int64_t dstride, const double* src, int64_t sstride,
                                            int64_t width, int64_t rows) {
  waveprior::nn::TakeRows(dst, dstride, src, sstride, rows, width, rows, [](int64_t row) { return row; });
}

extern "C" __global__ void nn_gather_rows_f32(float* dst, int64_t stride, const float* table, const int32_t* index,
                                              int64_t entries, int64_t width, int64_t rows) {
  waveprior::nn::GatherRows(dst, stride, table, index, entries, width, rows);
}
extern "C" __global__ void nn_gather_rows_f64(double* dst, int64_t stride, const double* table, const int32_t* index,
                                              int64_t entries, int64_t width, int64_t rows) {
  waveprior::nn::GatherRows(dst, stride, table, index, entries, width, rows);
}
