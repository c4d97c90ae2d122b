// The CUDA twin of probe_cpu.cc, and kernels with planted faults: the tests of package cuda show that the emulated device
// catches each. They are no part of the product's fatbin.
#include "../../kernel.h"

// ran[u]++ for unit u, one block a unit; state and product as on the CPU, but that there is no MXCSR: it has the bits of FTZ
// and DAZ, as every device must flush. fail: nothing happens, kernels on a GPU return no codes.
extern "C" __global__ void probe(int64_t* ran_of, int64_t* state_of, double* product_of, int64_t fail) {
  const waveprior::View<int64_t> ran(ran_of, gridDim.x), state(state_of, gridDim.x);
  const waveprior::View<double> product(product_of, gridDim.x);
  const int64_t unit = blockIdx.x;
  if (waveprior::ThreadRank() != 0 || unit == fail) return;
  ran[unit] += 1;
  state[unit] = 0x8040;
  product[unit] = 0;
}

// y[i] = a x[i] + y[i] by the rules: one thread an element.
extern "C" __global__ void probe_axpy(float* y_of, const float* x_of, int64_t n, float a) {
  const waveprior::View<float> y(y_of, n);
  const waveprior::View<const float> x(x_of, n);
  for (int64_t i = waveprior::GlobalIndex(); i < n; i += waveprior::GlobalSize()) y[i] = waveprior::Fma(a, x[i], y[i]);
}

// out[b] = the sum of block b's elements of x, 1024 each, with barriers, warps and dynamic shared memory.
extern "C" __global__ void probe_sum(double* out_of, const double* x_of, int64_t n) {
  WAVEPRIOR_SHARED(double, scratch);
  const waveprior::View<double> out(out_of, gridDim.x);
  const waveprior::View<const double> x(x_of, n);
  double sum = 0;
  const int64_t first = int64_t{1024} * blockIdx.x, end = first + 1024 < n ? first + 1024 : n;
  for (int64_t i = first + waveprior::ThreadRank(); i < end; i += waveprior::BlockSize()) sum += x[i];
  sum = waveprior::BlockSum(sum, scratch);
  if (waveprior::ThreadRank() == 0) out[blockIdx.x] = sum;
}

// Fault: the index is not guarded; the last block runs past the end of the View.
extern "C" __global__ void probe_unguarded(float* y_of, int64_t n) {
  const waveprior::View<float> y(y_of, n);
  y[waveprior::GlobalIndex()] = 1;
}

// Fault: says that the buffer has more elements than it has.
extern "C" __global__ void probe_long_view(float* y_of, int64_t n) {
  const waveprior::View<float> y(y_of, n + 1);
  if (waveprior::GlobalIndex() < n) y[waveprior::GlobalIndex()] = 1;
}

// Fault: writes behind the end by a plain pointer, past all checks of View.
extern "C" __global__ void probe_behind(float* y, int64_t n) {
  if (waveprior::GlobalIndex() == 0) y[n] = 1;
}

// Fault: reverses 256 elements through shared memory without a barrier. Right only if the other thread wrote before.
extern "C" __global__ void probe_race(float* y_of, const float* x_of) {
  WAVEPRIOR_SHARED(float, tile);
  const waveprior::View<float> y(y_of, blockDim.x);
  const waveprior::View<const float> x(x_of, blockDim.x);
  tile[threadIdx.x] = x[threadIdx.x];
  y[threadIdx.x] = tile[blockDim.x - 1 - threadIdx.x];
}

// Fault: adds all elements of its block to one without atomics or a tree, in the order in which threads come: bits differ.
extern "C" __global__ void probe_unordered(float* sum_of, const float* x_of, int64_t n) {
  const waveprior::View<float> sum(sum_of, 1);
  const waveprior::View<const float> x(x_of, n);
  if (threadIdx.x < n) sum[0] += x[threadIdx.x];
}

// Fault: only half of the threads come to the barrier.
extern "C" __global__ void probe_divergent(float* y, int64_t) {
  if (y && threadIdx.x % 2 == 0) __syncthreads();
}

// Fault: uses one float more of shared memory than a launch with 4 bytes a thread gives.
extern "C" __global__ void probe_shared(float* y_of, int64_t n) {
  WAVEPRIOR_SHARED(float, tile);
  const waveprior::View<float> y(y_of, n);
  tile[threadIdx.x + 1] = 1;
  if (threadIdx.x < n) y[threadIdx.x] = tile[threadIdx.x + 1];
}

// Fault: reads shared memory that nobody wrote: NaN.
extern "C" __global__ void probe_uninitialised(float* y_of, int64_t n) {
  WAVEPRIOR_SHARED(float, tile);
  const waveprior::View<float> y(y_of, n);
  if (threadIdx.x < n) y[threadIdx.x] = tile[threadIdx.x];
}
