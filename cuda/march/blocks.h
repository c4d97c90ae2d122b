// How the threads of a GPU share a phase: a block of 64 x 4 threads, neighbours along x by neighbours, and the strips of rows
// of its unit that are the block's (grid.h).
#ifndef WAVEPRIOR_CUDA_MARCH_BLOCKS_H_
#define WAVEPRIOR_CUDA_MARCH_BLOCKS_H_

#include "../kernel.h"
#include "units.h"

namespace waveprior::march {

// Two blocks of 256 threads on a multiprocessor, with up to 128 registers each: while one waits at its barrier, the other
// computes, and a node has enough loads of its own in flight.
constexpr int kThreads = 256, kColumns = 64, kRows = 4;

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
  const int32_t strips = (g.rows + kRows - 1) / kRows, blocks = static_cast<int32_t>(gridDim.x);
  const int32_t rows = (strips + blocks - 1) / blocks * kRows, first = static_cast<int32_t>(blockIdx.x) * rows;
  const int32_t end = first + rows < g.rows ? first + rows : g.rows;
  for (int32_t j = first + static_cast<int32_t>(threadIdx.y); j < end; j += kRows)
    for (int32_t i = static_cast<int32_t>(threadIdx.x); i < g.cols; i += kColumns) f(j, i);
}

// f(item, j, i) for the nodes of item blockIdx.y that are the block's: for kernels that do each node of rows x cols by itself.
template <class F>
WAVEPRIOR_DEVICE void EachOfItem(const F& f, int64_t rows, int64_t cols) {
  for (int64_t j = blockIdx.x * static_cast<int64_t>(blockDim.y) + threadIdx.y; j < rows; j += gridDim.x * blockDim.y)
    for (int64_t i = threadIdx.x; i < cols; i += blockDim.x) f(blockIdx.y, j, i);
}

// Row `row` of a shot's data, by all blocks of the unit, from what lies from `origin` on.
template <class T>
WAVEPRIOR_DEVICE void RecordRow(const Grid& g, const ForwardUnit<T>& u, int32_t origin, int64_t row) {
  if (!u.data) return;
  const int32_t all = static_cast<int32_t>(gridDim.x) * kThreads, channels = g.components * g.receivers;
  for (int32_t c = static_cast<int32_t>(blockIdx.x) * kThreads + ThreadRank(); c < channels; c += all)
    u.data.Set(g.Datum(u.number, row, c), u.record(g, u.state, origin, c));
}

// Phases first..last-1 of a unit, as grid.h says under Launch: phase(n) does the block's nodes, record(n) what is recorded
// after it.
template <class Phase, class Rows>
WAVEPRIOR_DEVICE void March(int64_t first, int64_t last, const Phase& phase, const Rows& record) {
  if (gridDim.x > 1) {
    if (first > 0) record(first - 1);
    if (first < last) phase(first);
    return;
  }
  for (int64_t n = first; n < last; n++) {
    if (n > first) record(n - 1);
    phase(n);
    __syncthreads();
  }
  if (first < last) record(last - 1);
}

}  // namespace waveprior::march

#endif  // WAVEPRIOR_CUDA_MARCH_BLOCKS_H_
