// The CUDA twin of philox_cpu.cc: the same bits. A thread owns a pair of elements, which one block of Philox makes.
//
// Traffic     bytes: rows width s written, s = sizeof(T); 4 read a thread of a row where there are chains
// Operations  a pair: 62 in double (26 fused multiply-adds as 2 and 10 others), besides 20 multiplications of integers
#include "kernel.h"
#include "philox.h"

namespace waveprior {

template <class T>
struct __align__(2 * sizeof(T)) NormalsPair {
  T x[2];
};

template <class T>
WAVEPRIOR_DEVICE void PhiloxNormals(T* dst, int64_t stride, const int32_t* chains_of, int64_t first, int64_t key,
                                    int64_t step, int64_t draw, int64_t width, int64_t rows) {
  const int64_t n = (rows - 1) * stride + width, pairs = (width + 1) / 2;
  const View<T> to(dst, n);
  const View<const int32_t> chains(chains_of, rows);
  const bool whole = stride % 2 == 0 && reinterpret_cast<uint64_t>(dst) % sizeof(NormalsPair<T>) == 0;
  const View<NormalsPair<T>> to_pairs(reinterpret_cast<NormalsPair<T>*>(dst), whole ? n / 2 : 0);
  const int64_t down = static_cast<int64_t>(gridDim.y) * blockDim.y;
  for (int64_t row = static_cast<int64_t>(blockIdx.y) * blockDim.y + threadIdx.y; row < rows; row += down) {
    const PhiloxRow source(key, step, chains ? chains[row] : first + row, draw);
    for (int64_t k = GlobalIndex(); k < pairs; k += GlobalSize()) {
      CountOperations(62);
      const PhiloxPair x = source.Pair(k);
      const NormalsPair<T> v{static_cast<T>(x.x0), static_cast<T>(x.x1)};
      const int64_t at = row * stride + 2 * k;
      if (whole && 2 * k + 1 < width) {
        to_pairs.Set(at / 2, v);
      } else {
        to.Set(at, v.x[0]);
        if (2 * k + 1 < width) to.Set(at + 1, v.x[1]);
      }
    }
  }
}

}  // namespace waveprior

extern "C" __global__ void philox_normals_f32(float* dst, int64_t stride, const int32_t* chains, int64_t first,
                                              int64_t key, int64_t step, int64_t draw, int64_t width, int64_t rows,
                                              int64_t) {
  waveprior::PhiloxNormals(dst, stride, chains, first, key, step, draw, width, rows);
}
extern "C" __global__ void philox_normals_f64(double* dst, int64_t stride, const int32_t* chains, int64_t first,
                                              int64_t key, int64_t step, int64_t draw, int64_t width, int64_t rows,
                                              int64_t) {
  waveprior::PhiloxNormals(dst, stride, chains, first, key, step, draw, width, rows);
}
