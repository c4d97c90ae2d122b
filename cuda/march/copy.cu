// The point kernel of copy.h: 256 threads to a block of numbers.
//
// Costs, test: copy.h.
#include "../kernel.h"
#include "copy.h"

WAVEPRIOR_KERNELS(march_copy, (T * to, const T* from, int64_t n, int64_t block), {
  const auto f = waveprior::march::PointCopy<T>::Of(to, from, n, block);
  const int64_t first = blockIdx.x * block, end = first + block < n ? first + block : n;
  for (int64_t i = first + threadIdx.x; i < end; i += blockDim.x) f(i);
})
