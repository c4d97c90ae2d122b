#include "memory.h"

#include <sys/mman.h>

void* helm_allocate(size_t bytes) {
  void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  madvise(p, bytes, MADV_HUGEPAGE);  // advice: its failure changes nothing but time
  return p;
}

void helm_release(void* memory, size_t bytes) { munmap(memory, bytes); }
