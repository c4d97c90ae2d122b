// AddressSanitizer's word on memory that a kernel may not touch; nothing where it is not built in.
#ifndef WAVEPRIOR_CUDA_EMULATED_ASAN_H_
#define WAVEPRIOR_CUDA_EMULATED_ASAN_H_

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace waveprior::emulated {

// From now on an access to these bytes ends the process with a report.
inline void Close([[maybe_unused]] const void* p, [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(p, size);
#endif
}

inline void Open([[maybe_unused]] const void* p, [[maybe_unused]] size_t size) {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(p, size);
#endif
}

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_ASAN_H_
