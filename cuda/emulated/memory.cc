#include "memory.h"

#include <stdlib.h>
#include <string.h>

#include <deque>
#include <map>
#include <string>

#include "asan.h"

namespace waveprior::emulated {

uint64_t generation = 1;

namespace {

constexpr size_t kGuard = 256;
constexpr unsigned char kGuardByte = 0xa5;
constexpr size_t kQuarantine = size_t{64} << 20;  // freed buffers kept to name a use after free

struct Live {
  Buffer buffer;
  std::string allocated;  // after which kernel
};
struct Freed {
  Buffer buffer;
  std::string freed;
};

// By base address; never destroyed, as a process may end while a thread still uses the driver.
std::map<uintptr_t, Live>& live = *new std::map<uintptr_t, Live>;
std::deque<Freed>& freed = *new std::deque<Freed>;
size_t in_use = 0, quarantined = 0;
uint64_t serial = 0;
std::string& last_kernel = *new std::string;

char* Whole(const Buffer& b) { return reinterpret_cast<char*>(b.base) - kGuard; }

size_t WholeSize(size_t size) { return (size + 2 * kGuard + 255) / 256 * 256; }

// A kernel that runs in the sanitizer harness cannot touch the guards at all.
void CloseGuards(const Buffer& b) {
  Close(Whole(b), kGuard);
  Close(reinterpret_cast<const char*>(b.base) + b.size, kGuard);
}

std::string Name(const Buffer& b) {
  return "buffer " + std::to_string(b.serial) + " (" + std::to_string(b.size) + " bytes)";
}

std::string When(const std::string& kernel) {
  return kernel.empty() ? "before any kernel ran" : "after kernel " + kernel;
}

void Release(const Buffer& b) {
  Open(Whole(b), WholeSize(b.size));
  free(Whole(b));
}

}  // namespace

bool GuardsHold(const Buffer& b) {
  static const std::string guard(kGuard, static_cast<char>(kGuardByte));
  const char* const end = reinterpret_cast<const char*>(b.base) + b.size;
  Open(Whole(b), WholeSize(b.size));
  const bool hold = memcmp(Whole(b), guard.data(), kGuard) == 0 && memcmp(end, guard.data(), kGuard) == 0;
  CloseGuards(b);
  return hold;
}

size_t Capacity() {
  const char* const set = getenv("WAVEPRIOR_EMULATED_MEMORY");
  const long long megabytes = set ? atoll(set) : 0;
  return static_cast<size_t>(megabytes > 0 ? megabytes : 8192) << 20;
}

size_t InUse() { return in_use; }

void NoteLaunch(const char* kernel) { last_kernel = kernel; }

uintptr_t Allocate(size_t bytes, int owner) {
  if (bytes == 0 || bytes > Capacity() || in_use > Capacity() - bytes) return 0;
  char* const p = static_cast<char*>(aligned_alloc(256, WholeSize(bytes)));
  if (!p) return 0;
  memset(p, kGuardByte, kGuard);
  memset(p + kGuard, kPoison, bytes);
  memset(p + kGuard + bytes, kGuardByte, kGuard);
  const uintptr_t base = reinterpret_cast<uintptr_t>(p + kGuard);
  live[base] = Live{Buffer{base, bytes, ++serial, owner}, last_kernel};
  CloseGuards(live[base].buffer);
  in_use += bytes;
  generation++;
  return base;
}

bool Free(uintptr_t p, std::string* why) {
  const auto it = live.find(p);
  if (it == live.end()) {
    *why = "freed: " + Describe(p) + ", not the beginning of a live buffer";
    return false;
  }
  const Buffer b = it->second.buffer;
  const bool whole = GuardsHold(b);
  if (!whole) *why = Name(b) + ": memory before or behind it was overwritten, last by kernel " + last_kernel;
  live.erase(it);
  in_use -= b.size;
  generation++;
  memset(reinterpret_cast<void*>(b.base), kPoison, b.size);
  Close(Whole(b), WholeSize(b.size));
  freed.push_back(Freed{b, last_kernel});
  quarantined += b.size;
  while (quarantined > kQuarantine || freed.size() > 4096) {
    quarantined -= freed.front().buffer.size;
    Release(freed.front().buffer);
    freed.pop_front();
  }
  return whole;
}

const Buffer* Find(uintptr_t p) {
  auto it = live.upper_bound(p);
  if (it == live.begin()) return nullptr;
  const Buffer& b = (--it)->second.buffer;
  return p - b.base <= b.size ? &b : nullptr;
}

std::string Describe(uintptr_t p) {
  if (p == 0) return "a null pointer";
  if (const Buffer* b = Find(p)) return "byte " + std::to_string(p - b->base) + " of " + Name(*b);
  for (auto f = freed.rbegin(); f != freed.rend(); ++f)
    if (p - f->buffer.base <= f->buffer.size)
      return "byte " + std::to_string(p - f->buffer.base) + " of " + Name(f->buffer) + ", freed " + When(f->freed);
  return "an address that is no memory of the device";
}

std::string BrokenGuard(int owner) {
  for (const auto& [base, l] : live)
    if (l.buffer.owner == owner && !GuardsHold(l.buffer))
      return Name(l.buffer) + ": memory before or behind it was overwritten";
  return "";
}

std::string Leaks(int owner) {
  std::string names;
  size_t count = 0, bytes = 0;
  for (const auto& [base, l] : live) {
    if (l.buffer.owner != owner) continue;
    bytes += l.buffer.size;
    if (++count <= 8) names += (count > 1 ? ", " : ": ") + Name(l.buffer) + " allocated " + When(l.allocated);
  }
  if (count == 0) return "";
  return std::to_string(count) + " buffers, " + std::to_string(bytes) + " bytes" + names + (count > 8 ? ", ..." : "");
}

void FreeAll(int owner) {
  for (auto it = live.begin(); it != live.end();) {
    if (it->second.buffer.owner != owner) {
      ++it;
      continue;
    }
    in_use -= it->second.buffer.size;
    Release(it->second.buffer);
    it = live.erase(it);
  }
  generation++;
}

}  // namespace waveprior::emulated
