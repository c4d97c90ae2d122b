// Runs a launch: its blocks on a few OS threads, the threads of a block one after the other or, where they meet at barriers,
// on fibers.
#ifndef WAVEPRIOR_CUDA_EMULATED_GRID_H_
#define WAVEPRIOR_CUDA_EMULATED_GRID_H_

#include <stddef.h>
#include <stdint.h>

#include <string>

#include "shim.h"
#include "table.h"

namespace waveprior::emulated {

// The order in which the threads of a block run between barriers, and in which blocks are taken. A kernel whose result
// depends on it has a race.
enum class Order { kForward, kReverse, kShuffled };

struct LaunchShape {
  dim3 grid, block;
  size_t shared;  // bytes of dynamic shared memory of a block
};

// Runs the kernel to its end; arguments as in cuLaunchKernel. Returns an empty string, or what the first fault was (kernel,
// block, thread and what it did), after which nothing of the launch's effects is certain. Counts into the kernel's entry.
// One launch at a time.
std::string Run(Kernel* kernel, const LaunchShape& shape, void* const* arguments);

// Forward unless WAVEPRIOR_EMULATED_ORDER says reverse or shuffled, or SetOrder was called.
void SetOrder(Order order);
bool ParseOrder(const std::string& name, Order* order);

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_GRID_H_
