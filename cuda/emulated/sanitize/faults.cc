// faults KERNEL: runs one kernel of testdata/faults.cu on two blocks of 64 threads, in three orders, and prints what the
// harness says of it: the device's words, "other bits" where the orders differ, or "no fault". The sanitizers speak first.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>
#include <vector>

#include "../grid.h"
#include "../memory.h"
#include "../table.h"
#include "../trace.h"

namespace emulated = waveprior::emulated;

namespace {

constexpr int64_t kThreads = 64, kBlocks = 2;

std::string Once(emulated::Kernel* kernel, emulated::Order order, std::vector<float>* y) {
  const int64_t n = kThreads * kBlocks;
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  uintptr_t out = emulated::Allocate(bytes), in = emulated::Allocate(bytes);
  std::vector<float> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); i++) x[i] = static_cast<float>(i % 7);
  memcpy(reinterpret_cast<void*>(in), x.data(), bytes);
  memset(reinterpret_cast<void*>(out), 0, bytes);
  int64_t count = n;
  void* arguments[] = {&out, &in, &count};
  emulated::SetOrder(order);
  emulated::trace::Begin();
  const emulated::LaunchShape shape{{kBlocks, 1, 1}, {kThreads, 1, 1}, kThreads * sizeof(float)};
  std::string fault = emulated::Run(kernel, shape, arguments);
  if (fault.empty()) fault = emulated::trace::Race();
  memcpy(y->data(), reinterpret_cast<const void*>(out), bytes);
  emulated::FreeAll();
  return fault;
}

}  // namespace

int main(int argc, char** argv) {
  setenv("WAVEPRIOR_EMULATED_THREADS", "1", 1);
  emulated::Kernel* const kernel = argc == 2 ? emulated::FindKernel(argv[1]) : nullptr;
  if (!kernel) {
    fprintf(stderr, "faults KERNEL: one of those in testdata/faults.cu\n");
    return 2;
  }
  std::vector<float> first(kThreads * kBlocks), y(first.size());
  for (const emulated::Order o : {emulated::Order::kForward, emulated::Order::kReverse, emulated::Order::kShuffled}) {
    const std::string fault = Once(kernel, o, &y);
    if (!fault.empty()) {
      printf("%s\n", fault.c_str());
      return 1;
    }
    if (o == emulated::Order::kForward) first = y;
    if (memcmp(first.data(), y.data(), first.size() * sizeof(float)) != 0) {
      printf("another order of threads gives other bits\n");
      return 1;
    }
  }
  printf("no fault\n");
  return 0;
}
