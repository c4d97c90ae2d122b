// How a kernel reads its arguments, eight bytes each (Kernel in device.go), and what all point functors use.
#ifndef WAVEPRIOR_CUDA_ARGS_H_
#define WAVEPRIOR_CUDA_ARGS_H_

#if !defined(__CUDACC_RTC__)
#include <stdint.h>
#include <string.h>
#endif
#ifndef __CUDACC__
// Declared const, because a square root that may set errno is not vectorised, and cgo does not let -fno-math-errno pass
// (as a pragma g++ 12 ignores it).
extern "C" __attribute__((const)) float sqrtf(float) noexcept;
extern "C" __attribute__((const)) double sqrt(double) noexcept;
#endif

#ifdef __CUDACC__
#define WAVEPRIOR_INLINE __host__ __device__ __forceinline__
#else
#define WAVEPRIOR_INLINE inline __attribute__((always_inline))
#endif

namespace waveprior {

// a * b + c, rounded once: where a kernel means it, never by the compiler's choice.
WAVEPRIOR_INLINE float Fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
WAVEPRIOR_INLINE double Fma(double a, double b, double c) { return __builtin_fma(a, b, c); }

// The square root, correctly rounded.
WAVEPRIOR_INLINE float Sqrt(float x) { return ::sqrtf(x); }
WAVEPRIOR_INLINE double Sqrt(double x) { return ::sqrt(x); }

#ifndef __CUDACC__
// The arguments of one launch, in order.
class Args {
 public:
  explicit WAVEPRIOR_INLINE Args(const uint64_t* args) : next_(args) {}

  // The address of a buffer, or null.
  template <class T>
  WAVEPRIOR_INLINE T* Pointer() {
    return reinterpret_cast<T*>(*next_++);
  }
  WAVEPRIOR_INLINE int64_t Int() { return static_cast<int64_t>(*next_++); }
  // A scalar: the low bytes.
  template <class T>
  WAVEPRIOR_INLINE T Real() {
    T x;
    memcpy(&x, next_++, sizeof x);
    return x;
  }

 private:
  const uint64_t* next_;
};
#endif

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_ARGS_H_
