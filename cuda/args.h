// How a kernel reads its arguments, eight bytes each (Kernel in device.go), and what all point functors use.
#ifndef WAVEPRIOR_CUDA_ARGS_H_
#define WAVEPRIOR_CUDA_ARGS_H_

#if defined(__CUDACC_RTC__)
typedef unsigned int uint32_t;
typedef unsigned long long uint64_t;
typedef int int32_t;
typedef long long int64_t;
#else
#include <stdint.h>
#include <string.h>
#ifndef __CUDACC__
#include <utility>  // std::index_sequence
#endif
#endif
#ifdef WAVEPRIOR_EMULATED
#include "emulated/access.h"  // Count
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

// Says that the kernel does n operations (+ - x / sqrt, each one) here. The emulated device counts them; elsewhere it is
// nothing. Fma and Sqrt count themselves (2 and 1): a kernel calls this for the rest.
WAVEPRIOR_INLINE void CountOperations(int n) {
#ifdef WAVEPRIOR_EMULATED
  emulated::counters.operations += static_cast<uint64_t>(n);
#else
  static_cast<void>(n);
#endif
}

// a * b + c, rounded once: where a kernel means it, never by the compiler's choice.
WAVEPRIOR_INLINE float Fma(float a, float b, float c) {
#ifdef __CUDACC__
  return ::fmaf(a, b, c);
#else
  CountOperations(2);
  return __builtin_fmaf(a, b, c);
#endif
}
WAVEPRIOR_INLINE double Fma(double a, double b, double c) {
#ifdef __CUDACC__
  return ::fma(a, b, c);
#else
  CountOperations(2);
  return __builtin_fma(a, b, c);
#endif
}

// The square root, correctly rounded.
WAVEPRIOR_INLINE float Sqrt(float x) {
  CountOperations(1);
  return ::sqrtf(x);
}
WAVEPRIOR_INLINE double Sqrt(double x) {
  CountOperations(1);
  return ::sqrt(x);
}

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

// One argument as a parameter of type A: pointer, int64_t, float or double.
template <class A>
WAVEPRIOR_INLINE A ArgumentAs(uint64_t bits) {
  static_assert(sizeof(A) <= sizeof bits, "an argument is eight bytes");
  A x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// F(the arguments of a launch, in order, as F's parameters): so both twins make a functor by the same function, whose
// parameters are the kernel's (multifrontal/points.h).
template <auto F, class R, class... A, size_t... I>
WAVEPRIOR_INLINE R CallWithEach(R (*)(A...), const uint64_t* args, std::index_sequence<I...>) {
  return F(ArgumentAs<A>(args[I])...);
}
template <auto F, class R, class... A>
WAVEPRIOR_INLINE R CallWithAll(R (*f)(A...), const uint64_t* args) {
  return CallWithEach<F>(f, args, std::index_sequence_for<A...>{});
}
template <auto F>
WAVEPRIOR_INLINE auto CallWith(const uint64_t* args) {
  return CallWithAll<F>(F, args);
}
#endif

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_ARGS_H_
