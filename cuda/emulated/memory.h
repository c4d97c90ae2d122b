// The emulated device's memory: every buffer with guards around it, poisoned when it is allocated and when it is freed.
#ifndef WAVEPRIOR_CUDA_EMULATED_MEMORY_H_
#define WAVEPRIOR_CUDA_EMULATED_MEMORY_H_

#include <stddef.h>
#include <stdint.h>

#include <string>

namespace waveprior::emulated {

// The bytes that fresh, freed and uninitialised shared memory holds: a NaN in float and double, -1 in integers.
constexpr unsigned char kPoison = 0xff;

// A buffer, live or freed not long ago.
struct Buffer {
  uintptr_t base;
  size_t size;
  uint64_t serial;  // buffers are numbered as they are allocated, from 1
  int owner;        // the context that it belongs to
};

// Zero where there is no memory (more than Capacity, or none of the machine's). Aligned to 256 bytes, as on a real device.
uintptr_t Allocate(size_t bytes, int owner = 0);
// False, with Describe's text in *why, where p is not the beginning of a live buffer or a guard was overwritten.
bool Free(uintptr_t p, std::string* why);

// The live buffer that holds address p (its end counts), or null. It stays valid while nothing is allocated or freed.
const Buffer* Find(uintptr_t p);
// What an address is: "byte 16 of buffer 3 (64 bytes)", "... freed after kernel x", "no memory of the device".
std::string Describe(uintptr_t p);

// Whether b's guards are as they were made; the first of the owner's live buffers whose guards are not, in words, or empty.
bool GuardsHold(const Buffer& b);
std::string BrokenGuard(int owner = 0);

size_t Capacity();
size_t InUse();
// The owner's live buffers, "2 buffers, 128 bytes: buffer 3 (64 bytes) allocated after kernel x, ...", or empty.
std::string Leaks(int owner = 0);
// Frees the owner's buffers, quietly.
void FreeAll(int owner = 0);

// The kernel that was launched last, for the texts.
void NoteLaunch(const char* kernel);

// Changes with every Allocate and Free; who keeps what Find said compares it.
extern uint64_t generation;

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_MEMORY_H_
