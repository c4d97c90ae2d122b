// What View and Fma (../view.h, ../args.h) call on the emulated device: checks and counts.
#ifndef WAVEPRIOR_CUDA_EMULATED_ACCESS_H_
#define WAVEPRIOR_CUDA_EMULATED_ACCESS_H_

#include <stdint.h>

namespace waveprior::emulated {

// What the threads run by one OS thread did since it was set to zero.
struct Counters {
  uint64_t read;        // bytes of global memory, through View
  uint64_t written;     // bytes
  uint64_t operations;  // Fma 2, Sqrt 1, and what CountOperations says
};

// __thread, not thread_local: no wrapper call at every access.
extern __thread Counters counters;

#ifdef WAVEPRIOR_EMULATED_TRACE
namespace trace {
void Touch(const void* p, int64_t size, bool write);
void Barrier();
}  // namespace trace
#endif

// What View calls at every access, and the block's runner where all threads have come to a barrier: counts, and the trace
// where it is built in (trace.h).
inline __attribute__((always_inline)) void NoteRead([[maybe_unused]] const void* p, uint64_t size) {
  counters.read += size;
#ifdef WAVEPRIOR_EMULATED_TRACE
  trace::Touch(p, static_cast<int64_t>(size), false);
#endif
}
inline __attribute__((always_inline)) void NoteWrite([[maybe_unused]] const void* p, uint64_t size) {
  counters.written += size;
#ifdef WAVEPRIOR_EMULATED_TRACE
  trace::Touch(p, static_cast<int64_t>(size), true);
#endif
}
inline void NoteBarrier() {
#ifdef WAVEPRIOR_EMULATED_TRACE
  trace::Barrier();
#endif
}

// A faulty access ends the launch: it is recorded with kernel, block and thread, and the GPU thread never goes on.
[[noreturn]] void Fault(const char* format, ...) __attribute__((format(printf, 1, 2), cold));
[[noreturn]] void OutOfBounds(const void* p, int64_t i, int64_t n, int64_t size) __attribute__((cold));

// Faults unless n elements from p on lie in one live buffer, aligned.
void CheckRange(const void* p, int64_t n, int64_t size, int64_t alignment);

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_ACCESS_H_
