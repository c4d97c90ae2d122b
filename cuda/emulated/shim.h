// CUDA C++ for g++: with this a .cu is a C++ file whose kernels are functions of one thread (grid.h runs the threads).
//
// Assumptions The kernel is C++17 without <<<>>>, textures, atomics and intrinsics; shared arrays are of plain types.
//             Warps are exchanges of 32 threads in lock step: nothing shows what happens between warps of a real device.
#ifndef WAVEPRIOR_CUDA_EMULATED_SHIM_H_
#define WAVEPRIOR_CUDA_EMULATED_SHIM_H_

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "access.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))
// One block at a time on an OS thread: its shared arrays are variables of the thread. AddressSanitizer guards no such
// variables, and the harness that is built with it has one thread.
#ifdef WAVEPRIOR_EMULATED_TRACE
#define __shared__ static
#else
#define __shared__ static __thread
#endif
#define __constant__ static const

struct dim3 {
  unsigned x, y, z;
};
extern __thread dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

struct __attribute__((aligned(8))) float2 {
  float x, y;
};
struct __attribute__((aligned(16))) float4 {
  float x, y, z, w;
};
struct __attribute__((aligned(16))) double2 {
  double x, y;
};
inline float2 make_float2(float x, float y) { return float2{x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return float4{x, y, z, w}; }
inline double2 make_double2(double x, double y) { return double2{x, y}; }

namespace waveprior::emulated {

// The dynamic shared memory of the running block: poisoned (NaN) when the block begins, checked for overruns at its end.
void* DynamicShared();

// Waits until all threads of the block are here; a fault if one has returned or waits elsewhere.
void BlockBarrier(int line);

// Waits until all lanes of the warp are here. Returns where this exchange's 32 values of 8 bytes lie, after writing own.
const uint64_t* WarpExchange(uint64_t own);

// The values that the 32 lanes of a warp gave.
template <class T>
class Exchange {
 public:
  static_assert(sizeof(T) <= 8, "a lane exchanges at most eight bytes");
  explicit Exchange(T own) {
    uint64_t bits = 0;
    memcpy(&bits, &own, sizeof own);
    values_ = WarpExchange(bits);
  }
  T Of(int lane) const {
    T x;
    memcpy(&x, &values_[lane], sizeof x);
    return x;
  }
  // The butterfly that __shfl_xor_sync makes with masks 16, 8, 4, 2, 1: every lane has the same bits if f commutes.
  template <class F>
  T Reduce(F f) const {
    T x[32];
    for (int i = 0; i < 32; i++) x[i] = Of(i);
    for (int half = 16; half > 0; half /= 2)
      for (int i = 0; i < half; i++) x[i] = f(x[i], x[i + half]);
    return x[0];
  }

 private:
  const uint64_t* values_;
};

}  // namespace waveprior::emulated

inline void __syncthreads(int line = __builtin_LINE()) { waveprior::emulated::BlockBarrier(line); }

#endif  // WAVEPRIOR_CUDA_EMULATED_SHIM_H_
