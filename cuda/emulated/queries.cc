// What the emulated driver offers beside CUDA's interface, for tests: texts of errors, the kernels it has, their counts, and
// the order of threads. cuda/internal/emulated looks these functions up by name, so that programs run on a real driver, too.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <mutex>
#include <string>
#include <vector>

#include "grid.h"
#include "result.h"
#include "table.h"

namespace waveprior::emulated {
namespace {

std::mutex& lock = *new std::mutex;
std::string& last_error = *new std::string;
std::string& last_leaks = *new std::string;

// Copies text to the caller's buffer, cut to its size; returns the text's whole length.
int64_t Give(const std::string& text, char* to, int64_t size) {
  if (to && size > 0) {
    const size_t n = text.size() < static_cast<size_t>(size) ? text.size() : static_cast<size_t>(size) - 1;
    memcpy(to, text.data(), n);
    to[n] = 0;
  }
  return static_cast<int64_t>(text.size());
}

}  // namespace

Result Refuse(Result code, const char* call, const std::string& why) {
  const std::lock_guard<std::mutex> hold(lock);
  last_error = std::string(call) + ": " + why;
  fprintf(stderr, "emulated CUDA: %s\n", last_error.c_str());
  return code;
}

void ReportLeaks(const std::string& leaks) {
  const std::lock_guard<std::mutex> hold(lock);
  last_leaks = leaks;
  if (!leaks.empty()) fprintf(stderr, "emulated CUDA: a context was destroyed that held %s\n", leaks.c_str());
}

}  // namespace waveprior::emulated

using namespace waveprior::emulated;

// The last refusal; empty where there was none.
WAVEPRIOR_DRIVER int64_t waveprior_emulated_last_error(char* to, int64_t size) {
  const std::lock_guard<std::mutex> hold(lock);
  return Give(last_error, to, size);
}

// What the last destroyed context still held; empty where that was nothing.
WAVEPRIOR_DRIVER int64_t waveprior_emulated_leaks(char* to, int64_t size) {
  const std::lock_guard<std::mutex> hold(lock);
  return Give(last_leaks, to, size);
}

// All kernels, one a line: name, a letter for each parameter (p pointer, i int64_t, d double, f float; - for none), file.
WAVEPRIOR_DRIVER int64_t waveprior_emulated_kernels(char* to, int64_t size) {
  std::string text;
  for (const Kernel* k : AllKernels())
    text += k->name + " " + (k->parameters.empty() ? "-" : k->parameters) + " " + k->file + "\n";
  return Give(text, to, size);
}

// What all launches of a kernel did since the last call with `reset`: bytes read and written, operations, launches. 0 where
// there is no such kernel. No kernel may be running.
WAVEPRIOR_DRIVER int waveprior_emulated_counts(const char* name, int reset, uint64_t counts[4]) {
  Kernel* const k = FindKernel(name);
  if (!k) return 0;
  counts[0] = k->counted.read;
  counts[1] = k->counted.written;
  counts[2] = k->counted.operations;
  counts[3] = k->launches;
  if (reset) {
    k->counted = Counters{};
    k->launches = 0;
  }
  return 1;
}

// "forward", "reverse" or "shuffled" (grid.h). 0 for another name. No kernel may be running.
WAVEPRIOR_DRIVER int waveprior_emulated_set_order(const char* name) {
  Order order;
  if (!ParseOrder(name, &order)) return 0;
  SetOrder(order);
  return 1;
}
