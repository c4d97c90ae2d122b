// Copies of states between segments, and zeros, element by element. Shared by the CPU loops (copy_loops.h) and copy.cu.
//
// Costs       2 s a number, s where there is nothing to read.
// Test        twins_test.go.
#ifndef WAVEPRIOR_CUDA_MARCH_COPY_H_
#define WAVEPRIOR_CUDA_MARCH_COPY_H_

#include "../view.h"

namespace waveprior::march {

// to = from, or 0 where from is null.
template <class T>
struct PointCopy {
  View<T> to;
  View<const T> from;

  static WAVEPRIOR_INLINE PointCopy Of(T* to, const T* from, int64_t n, int64_t /*block*/) {
    return {{to, n}, {from, n}};
  }

  WAVEPRIOR_INLINE void operator()(int64_t i) const { to.Set(i, from ? from[i] : T(0)); }
};

}  // namespace waveprior::march

#endif  // WAVEPRIOR_CUDA_MARCH_COPY_H_
