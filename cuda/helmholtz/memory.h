// Memory of a factor: aligned, zeroed, in large pages where the system has them to give.
#ifndef WAVEPRIOR_CUDA_HELMHOLTZ_MEMORY_H_
#define WAVEPRIOR_CUDA_HELMHOLTZ_MEMORY_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void* helm_allocate(size_t bytes);  // null where there is none
void helm_release(void* memory, size_t bytes);
#ifdef __cplusplus
}
#endif
#endif  // WAVEPRIOR_CUDA_HELMHOLTZ_MEMORY_H_
