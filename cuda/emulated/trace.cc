#include "trace.h"

#include <unordered_map>

#include "access.h"
#include "memory.h"
#include "shim.h"

namespace waveprior::emulated::trace {
namespace {

// Who accessed a word last. thread 0 is nobody: threads are numbered from 1 over the whole grid.
struct Access {
  uint64_t thread = 0, block = 0, epoch = 0;
  bool many_threads = false;  // of that block, since its last barrier
  bool many_blocks = false;
};
struct Word {
  Access read, write;
};

constexpr uintptr_t kWord = 4;

std::unordered_map<uintptr_t, Word>& words = *new std::unordered_map<uintptr_t, Word>;
std::string& race = *new std::string;
Bytes distinct;
uint64_t epoch = 0;  // barriers since Begin

uint64_t Block() { return (uint64_t{blockIdx.z} * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x; }

uint64_t Thread() {
  const uint64_t size = uint64_t{blockDim.x} * blockDim.y * blockDim.z;
  return Block() * size + (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x + 1;
}

// Whether an access before may be at the same time as one by this thread.
bool Together(const Access& a, uint64_t block, uint64_t thread) {
  if (a.thread == 0) return false;
  if (a.many_blocks || a.block != block) return true;
  return a.epoch == epoch && (a.many_threads || a.thread != thread);
}

void Note(Access* a, uint64_t block, uint64_t thread) {
  const bool again = a->thread != 0;
  a->many_blocks = again && (a->many_blocks || a->block != block);
  a->many_threads = again && a->block == block && a->epoch == epoch && (a->many_threads || a->thread != thread);
  a->thread = thread;
  a->block = block;
  a->epoch = epoch;
}

std::string Who(uint64_t thread) {
  const uint64_t size = uint64_t{blockDim.x} * blockDim.y * blockDim.z;
  return "thread " + std::to_string((thread - 1) % size) + " of block " + std::to_string((thread - 1) / size);
}

}  // namespace

void Begin() {
  words.clear();
  race.clear();
  distinct = Bytes{};
  epoch = 0;
}

std::string Race() { return race; }

Bytes Distinct() { return distinct; }

void Barrier() { epoch++; }

void Touch(const void* p, int64_t size, bool write) {
  const uint64_t block = Block(), thread = Thread();
  const uintptr_t first = reinterpret_cast<uintptr_t>(p) / kWord;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(p) + static_cast<uintptr_t>(size) - 1) / kWord;
  for (uintptr_t w = first; w <= last; w++) {
    Word& word = words[w];
    const bool with_write = Together(word.write, block, thread),
               with_read = write && Together(word.read, block, thread);
    if (race.empty() && (with_write || with_read))
      race = "a race: " + Who(thread) + (write ? " writes " : " reads ") + Describe(w * kWord) + ", which " +
             Who(with_write ? word.write.thread : word.read.thread) + (with_write ? " writes" : " reads") +
             ", with no barrier between them";
    Access& a = write ? word.write : word.read;
    (write ? distinct.written : distinct.read) += a.thread == 0 ? kWord : 0;
    (write ? distinct.written_by_blocks : distinct.read_by_blocks) += a.thread == 0 || a.block != block ? kWord : 0;
    Note(&a, block, thread);
  }
}

}  // namespace waveprior::emulated::trace
