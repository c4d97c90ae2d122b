// Denormals count as zero between construction and destruction; the thread's own mode comes back afterwards.
#ifndef WAVEPRIOR_CUDA_HELMHOLTZ_FLUSH_H_
#define WAVEPRIOR_CUDA_HELMHOLTZ_FLUSH_H_

#include <immintrin.h>

namespace waveprior {

class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040); }  // FTZ, DAZ
  ~FlushDenormals() { _mm_setcsr(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

}  // namespace waveprior
#endif  // WAVEPRIOR_CUDA_HELMHOLTZ_FLUSH_H_
