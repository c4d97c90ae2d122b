// What a launch does to global memory, access by access: built in with WAVEPRIOR_EMULATED_TRACE, for the sanitizer harness.
//
// A race is an element that one thread writes and another reads or writes without a barrier of their block between, or a
// thread of another block at all: the order of blocks, and of threads between barriers, is nobody's. It is found whether or
// not an order shows it. Memory is told apart by four bytes. Shared memory is not traced: there, other orders give other
// bits.
#ifndef WAVEPRIOR_CUDA_EMULATED_TRACE_H_
#define WAVEPRIOR_CUDA_EMULATED_TRACE_H_

#include <stdint.h>

#include <string>

namespace waveprior::emulated::trace {

// Bytes of global memory that were accessed, each counted once: in the launch, or once for every block. The first is what
// must come from memory at least; the second what a multiprocessor asks for whose cache holds all that a block uses.
struct Bytes {
  uint64_t read, written, read_by_blocks, written_by_blocks;
};

// Forgets everything. One launch is traced at a time, on one OS thread (WAVEPRIOR_EMULATED_THREADS=1).
void Begin();
// The first race since Begin, in words; empty where there was none.
std::string Race();
Bytes Distinct();

// Called by View.
void Touch(const void* p, int64_t size, bool write);
// Called where the threads of the running block have all come to a barrier.
void Barrier();

}  // namespace waveprior::emulated::trace

#endif  // WAVEPRIOR_CUDA_EMULATED_TRACE_H_
