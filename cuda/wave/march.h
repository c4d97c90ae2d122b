// How the threads of a GPU share a step: a block of 64 x 4 threads, neighbours along x by neighbours, and the strips of rows
// of its unit that are the block's (batch.h).
#ifndef WAVEPRIOR_CUDA_WAVE_MARCH_H_
#define WAVEPRIOR_CUDA_WAVE_MARCH_H_

#include "../kernel.h"
#include "batch.h"

namespace waveprior::wave {

// Two blocks of 256 threads on a multiprocessor, with up to 128 registers each: while one waits at its barrier, the other
// computes, and a node has enough loads of its own in flight.
constexpr int kMarchThreads = 256, kMarchColumns = 64, kMarchRows = 4;

// The grid's numbers, copied to shared memory by the whole block.
WAVEPRIOR_DEVICE void ReadGrid(const int32_t* numbers, Grid* shared) {
  constexpr int32_t n = sizeof(Grid) / sizeof(int32_t);
  const View<const int32_t> from(numbers, n);
  int32_t* const to = reinterpret_cast<int32_t*>(shared);
  if (ThreadRank() < n) to[ThreadRank()] = from[ThreadRank()];
  __syncthreads();
}

// f(j, i) for the block's nodes.
template <class F>
WAVEPRIOR_DEVICE void EachNode(const Grid& g, const F& f) {
  const int32_t strips = (g.rows + kMarchRows - 1) / kMarchRows, blocks = static_cast<int32_t>(gridDim.x);
  const int32_t rows = (strips + blocks - 1) / blocks * kMarchRows, first = static_cast<int32_t>(blockIdx.x) * rows;
  const int32_t end = first + rows < g.rows ? first + rows : g.rows;
  for (int32_t j = first + static_cast<int32_t>(threadIdx.y); j < end; j += kMarchRows)
    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < g.cols; i += kMarchColumns) f(j, i);
}

// Row n of a unit's data, by all blocks of the unit.
template <class T>
WAVEPRIOR_DEVICE void RecordRow(const Grid& g, const Record<T>& record, View<T> state, View<T> data, int64_t n) {
  if (!data) return;
  const int32_t all = static_cast<int32_t>(gridDim.x) * kMarchThreads;
  for (int32_t r = static_cast<int32_t>(blockIdx.x) * kMarchThreads + ThreadRank(); r < g.receivers; r += all)
    data.Set(n * g.receivers + r, record(g, state, n + 1, r));
}

// Steps first..last-1 of a unit, as batch.h says under Launch: step(n) does the block's nodes, record(n) row n of the data.
template <class Step, class Rows>
WAVEPRIOR_DEVICE void March(int64_t first, int64_t last, const Step& step, const Rows& record) {
  if (gridDim.x > 1) {
    if (first > 0) record(first - 1);
    if (first < last) step(first);
    return;
  }
  for (int64_t n = first; n < last; n++) {
    if (n > first) record(n - 1);
    step(n);
    __syncthreads();
  }
  if (first < last) record(last - 1);
}

}  // namespace waveprior::wave

#endif  // WAVEPRIOR_CUDA_WAVE_MARCH_H_
