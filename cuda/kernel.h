// What every .cu includes first: indices, shared memory, and what the threads of a warp or a block do together.
//
//   #include "../kernel.h"
//   #include "gelu.h"
//   extern "C" __global__ void nn_gelu_f32(float* y, const float* x, int64_t n, int64_t block) { ... }
//
// nvcc, nvrtc (without any system header) and, for the emulated device, g++ take the same file. A kernel's line begins with
// extern "C" __global__ void NAME( or with WAVEPRIOR_KERNELS(NAME, : the build finds kernels by it. Parameters are pointers,
// int64_t, float and double.
// Everything that a whole warp or block does together must be reached by all its threads.
#ifndef WAVEPRIOR_CUDA_KERNEL_H_
#define WAVEPRIOR_CUDA_KERNEL_H_

#include "args.h"
#ifdef WAVEPRIOR_EMULATED
#include "emulated/shim.h"
#endif
#include "view.h"

// Dynamic shared memory of the block as T* NAME, aligned to 16 bytes: its size is Launch.Shared. Once in a kernel.
#ifdef WAVEPRIOR_EMULATED
#define WAVEPRIOR_SHARED(T, NAME) T* const NAME = static_cast<T*>(waveprior::emulated::DynamicShared())
#else
#define WAVEPRIOR_SHARED(T, NAME)                                    \
  extern __shared__ __align__(16) unsigned char waveprior_shared_[]; \
  T* const NAME = reinterpret_cast<T*>(waveprior_shared_)
#endif

// A kernel in both number types, NAME_f32 and NAME_f64: its parameters in parentheses and its body in braces, said once, with
// T for the type.
//
//   WAVEPRIOR_KERNELS(nn_gelu, (T* y, const T* x, int64_t n, int64_t), { waveprior::nn::Gelu(y, x, n); })
//
// The build and internal/rules find such a kernel by this line's beginning. To the compiler the body is one line, by which the
// emulated device tells barriers apart: __syncthreads() stands in what it calls.
#define WAVEPRIOR_KERNELS(NAME, PARAMETERS, ...)                  \
  WAVEPRIOR_KERNEL_OF(NAME##_f32, float, PARAMETERS, __VA_ARGS__) \
  WAVEPRIOR_KERNEL_OF(NAME##_f64, double, PARAMETERS, __VA_ARGS__)
#define WAVEPRIOR_KERNEL_OF(NAME, REAL, PARAMETERS, ...)   \
  namespace NAME##_kernel {                                \
    using T = REAL;                                        \
    extern "C" __global__ void NAME PARAMETERS __VA_ARGS__ \
  }                                                        \
  using NAME##_kernel::NAME;

#ifdef __CUDACC__
#define WAVEPRIOR_DEVICE __device__ __forceinline__
#else
#define WAVEPRIOR_DEVICE inline __attribute__((always_inline))
#endif

namespace waveprior {

constexpr int kWarp = 32;

// This thread's index in x over the whole grid, and the number of threads in x: for grid-stride loops.
WAVEPRIOR_DEVICE int64_t GlobalIndex() { return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; }
WAVEPRIOR_DEVICE int64_t GlobalSize() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }

// This thread's number in its block, x fastest; the block has BlockSize threads.
WAVEPRIOR_DEVICE int ThreadRank() {
  return static_cast<int>((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
}
WAVEPRIOR_DEVICE int BlockSize() { return static_cast<int>(blockDim.x * blockDim.y * blockDim.z); }
WAVEPRIOR_DEVICE int Lane() { return ThreadRank() % kWarp; }
WAVEPRIOR_DEVICE int Warp() { return ThreadRank() / kWarp; }

// The value that the lane (Lane() xor mask), or the lane `from`, passes. T is float, double, int or int64_t. All 32 lanes
// of the warp call it together, so a block has a multiple of 32 threads.
template <class T>
WAVEPRIOR_DEVICE T ShuffleXor(T x, int mask) {
#ifdef __CUDACC__
  return __shfl_xor_sync(0xffffffffu, x, mask);
#else
  return emulated::Exchange(x).Of(Lane() ^ mask);
#endif
}
template <class T>
WAVEPRIOR_DEVICE T Shuffle(T x, int from) {
#ifdef __CUDACC__
  return __shfl_sync(0xffffffffu, x, from);
#else
  return emulated::Exchange(x).Of(from % kWarp);
#endif
}

// The sum over the warp, in every lane the same bits: lanes 16 apart first, then 8, 4, 2, 1.
template <class T>
WAVEPRIOR_DEVICE T WarpSum(T x) {
#ifdef __CUDACC__
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x += __shfl_xor_sync(0xffffffffu, x, mask);
  return x;
#else
  CountOperations(5);
  return emulated::Exchange(x).Reduce([](T a, T b) { return a + b; });
#endif
}

// The maximum over the warp, in every lane; a NaN of any lane may be lost.
template <class T>
WAVEPRIOR_DEVICE T WarpMax(T x) {
#ifdef __CUDACC__
#pragma unroll
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const T y = __shfl_xor_sync(0xffffffffu, x, mask);
    x = y > x ? y : x;
  }
  return x;
#else
  CountOperations(5);
  return emulated::Exchange(x).Reduce([](T a, T b) { return b > a ? b : a; });
#endif
}

// The sum over the block, in every thread the same bits: WarpSum of each warp, then WarpSum of the warps' sums (0 for
// warps that are not there). scratch: 32 numbers of shared memory, free again when all threads have returned from the
// next barrier; a second call needs other scratch or a __syncthreads() between.
template <class T>
WAVEPRIOR_DEVICE T BlockSum(T x, T* scratch) {
  x = WarpSum(x);
  if (Lane() == 0) scratch[Warp()] = x;
  __syncthreads();
  const int warps = BlockSize() / kWarp, lane = Lane();
  return WarpSum(lane < warps ? scratch[lane] : T(0));
}

}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_KERNEL_H_
