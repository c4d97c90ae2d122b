// Kernels with one planted fault each, for faults.cc: what the harness must catch. Blocks of 64 threads, n = 64 a block.
#include "../../../kernel.h"

// y = 2 x, turned round within the block through shared memory: no fault.
extern "C" __global__ void none(float* y, const float* x, int64_t n) {
  WAVEPRIOR_SHARED(float, tile);
  const waveprior::View<const float> from(x, n);
  const waveprior::View<float> to(y, n);
  const int64_t i = waveprior::GlobalIndex();
  tile[threadIdx.x] = 2 * from[i];
  __syncthreads();
  to.Set(i, tile[blockDim.x - 1 - threadIdx.x]);
}

// Reads one element too many, through a View.
extern "C" __global__ void global_past_end(float* y, const float* x, int64_t n) {
  const waveprior::View<const float> from(x, n);
  const waveprior::View<float> to(y, n);
  const int64_t i = waveprior::GlobalIndex();
  to.Set(i, from[i + 1]);
}

// The same by the plain pointer.
extern "C" __global__ void global_raw(float* y, const float* x, int64_t n) {
  const int64_t i = waveprior::GlobalIndex();
  if (i < n) y[i] = x[i + 1];
}

// Writes behind the dynamic shared memory that the launch asked for.
extern "C" __global__ void shared_dynamic(float* y, const float* x, int64_t n) {
  WAVEPRIOR_SHARED(float, tile);
  const int64_t i = waveprior::GlobalIndex();
  tile[threadIdx.x + 1] = x[i];
  __syncthreads();
  if (i < n) y[i] = tile[threadIdx.x];
}

// Writes behind a shared array of fixed size.
extern "C" __global__ void shared_static(float* y, const float* x, int64_t n) {
  __shared__ float tile[64];
  const int64_t i = waveprior::GlobalIndex();
  tile[threadIdx.x + 1] = x[i];
  __syncthreads();
  if (i < n) y[i] = tile[threadIdx.x];
}

// Uses shared memory before anything was written there: what another block left.
extern "C" __global__ void shared_unset(float* y, const float* x, int64_t n) {
  __shared__ float tile[64];
  const int64_t i = waveprior::GlobalIndex();
  if (i < n) y[i] = tile[threadIdx.x];
  tile[threadIdx.x] = x[i];
}

// No barrier between writing shared memory and reading what another thread wrote.
extern "C" __global__ void shared_race(float* y, const float* x, int64_t n) {
  __shared__ float tile[64];
  const int64_t i = waveprior::GlobalIndex();
  tile[threadIdx.x] = x[i];
  if (i < n) y[i] = tile[63 - threadIdx.x];
}

// Every thread of a block writes the same element, with the same value: no order shows it.
extern "C" __global__ void global_race(float* y, const float*, int64_t n) {
  const waveprior::View<float> to(y, n);
  to.Set(static_cast<int64_t>(blockIdx.x) * blockDim.x, 1.0f);
}

// Each block reads what its neighbour writes; the value is the same before and after.
extern "C" __global__ void block_race(float* y, const float*, int64_t n) {
  const waveprior::View<float> to(y, n);
  const int64_t i = waveprior::GlobalIndex();
  const float beside = to[(i + blockDim.x) % n];
  to.Set(i, beside);
}

// Half of the block returns before a barrier.
extern "C" __global__ void barrier_left(float* y, const float* x, int64_t n) {
  WAVEPRIOR_SHARED(float, tile);
  const int64_t i = waveprior::GlobalIndex();
  if (threadIdx.x >= 32) return;
  tile[threadIdx.x] = x[i];
  __syncthreads();
  if (i < n) y[i] = tile[31 - threadIdx.x];
}

// Shifts by more than the width of the type.
extern "C" __global__ void shift(float* y, const float*, int64_t n) {
  const int64_t i = waveprior::GlobalIndex();
  if (i < n) y[i] = static_cast<float>(1 << (n - 88 + threadIdx.x % 2));
}
