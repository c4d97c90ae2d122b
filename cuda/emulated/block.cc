#include "block.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "asan.h"

__thread dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace waveprior::emulated {

__thread Counters counters;

namespace {

constexpr size_t kMostShared = size_t{48} << 10;
__thread BlockRunner* mine = nullptr;

std::string Text(const dim3& i) {
  return "(" + std::to_string(i.x) + ", " + std::to_string(i.y) + ", " + std::to_string(i.z) + ")";
}

// A well-mixed function of x (splitmix64's last step), for shuffles that are the same in every run.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

BlockRunner& BlockRunner::Mine() {
  if (!mine) mine = new BlockRunner;  // kept as long as the process: its threads are
  return *mine;
}

bool BlockRunner::Begin(Kernel* kernel, const LaunchShape& shape, void* const* arguments, Order order) {
  kernel_ = kernel;
  shape_ = shape;
  arguments_ = arguments;
  how_ = order;
  size_ = static_cast<int>(shape.block.x * shape.block.y * shape.block.z);
  const size_t n = static_cast<size_t>(size_);
  threads_.resize(n);
  warps_.resize((n + 31) / 32);
  ready_.assign((n + 63) / 64, 0);
  fault_.clear();
  failed_ = false;
  blockDim = shape.block;
  gridDim = shape.grid;
  order_.resize(n);
  for (size_t i = 0; i < n; i++) {
    const unsigned r = static_cast<unsigned>(i), x = shape.block.x, y = shape.block.y;
    threads_[i].index = dim3{r % x, r / x % y, r / x / y};
    order_[i] = static_cast<int>(order == Order::kForward ? i : n - 1 - i);
  }
  for (size_t i = 0; i < n; i++) threads_[static_cast<size_t>(order_[i])].position = static_cast<int>(i);
  if (!shared_) shared_ = static_cast<char*>(aligned_alloc(64, kMostShared + 2 * kSharedGuard));
  return shared_ != nullptr;
}

void BlockRunner::Arrange(uint64_t block) {
  if (how_ != Order::kShuffled) return;
  uint64_t seed = block;
  for (size_t i = order_.size(); i > 1; i--) {
    seed = Mix(seed);
    std::swap(order_[i - 1], order_[seed % i]);
  }
  for (size_t i = 0; i < order_.size(); i++) threads_[static_cast<size_t>(order_[i])].position = static_cast<int>(i);
}

bool BlockRunner::Run(uint64_t block) {
  const uint64_t gx = shape_.grid.x, gy = shape_.grid.y;
  blockIdx = dim3{static_cast<unsigned>(block % gx), static_cast<unsigned>(block / gx % gy),
                  static_cast<unsigned>(block / gx / gy)};
  Arrange(block);
  // Shared memory is what nobody may count on; the guards end where the launch said.
  memset(shared_, kPoison, 2 * kSharedGuard + shape_.shared);
  Close(shared_, kSharedGuard);
  Close(shared_ + kSharedGuard + shape_.shared, kMostShared + kSharedGuard - shape_.shared);
  for (auto& w : warps_) w.arrived = 0;
  begun_ = ended_ = arrived_ = 0;
  after_ = 0;
  // Back here when all threads have ended, none can go on, or one gave up.
  if (Fiber* const first = Fresh()) root_.SwitchTo(on_ = first);
  if (ended_ < size_ && !failed_) {
    fault_ = "kernel " + kernel_->name + ", block " + Text(blockIdx) + ": " + Stuck();
    failed_ = true;
  }
  Open(shared_, kMostShared + 2 * kSharedGuard);
  if (!failed_) {
    const char* const end = shared_ + kSharedGuard + shape_.shared;
    for (size_t i = 0; i < kSharedGuard && !failed_; i++)
      failed_ = static_cast<unsigned char>(shared_[i]) != kPoison || static_cast<unsigned char>(end[i]) != kPoison;
    if (failed_)
      fault_ = "kernel " + kernel_->name + ", block " + Text(blockIdx) + ": wrote outside of its " +
               std::to_string(shape_.shared) + " bytes of dynamic shared memory";
  }
  if (failed_) {  // whatever runs on the fibers is forgotten
    idle_.clear();
    for (auto& f : fibers_) idle_.push_back(f.get());
  }
  return !failed_;
}

void BlockRunner::Body(void* self) { static_cast<BlockRunner*>(self)->RunThreads(); }

void BlockRunner::Enter(int rank) {
  current_ = rank;
  threadIdx = threads_[static_cast<size_t>(rank)].index;
}

// A fiber that begins threads; null, with the fault noted, where there is no memory for its stack.
Fiber* BlockRunner::Fresh() {
  if (idle_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
    idle_.push_back(fibers_.back().get());
  }
  Fiber* const f = idle_.back();
  if (!f->Prepare(&BlockRunner::Body, this, fibers_.size() - idle_.size())) {
    fault_ = "no memory for the stack of a GPU thread";
    failed_ = true;
    return nullptr;
  }
  idle_.pop_back();
  if (!idle_.empty()) idle_.back()->Prefetch();
  return f;
}

// On a fiber: begins threads until none is left. A thread that waits keeps this fiber, and the rest begins on another.
void BlockRunner::RunThreads() {
  Fiber* const fiber = on_;
  while (begun_ < size_) {
    const int rank = order_[static_cast<size_t>(begun_++)];
    Thread& t = threads_[static_cast<size_t>(rank)];
    t.fiber = fiber;
    t.line = 0;
    t.waits = false;
    t.turns = 0;
    Enter(rank);
    kernel_->call(kernel_->function, arguments_);
    ended_++;
  }
  idle_.push_back(fiber);
  fiber->SwitchTo(Next(), true);
}

// Where to go on: with the next thread that is ready, by its fiber; else back in Run.
Fiber* BlockRunner::Next() {
  const size_t words = ready_.size();
  size_t word = after_ / 64;
  uint64_t bits = word < words ? ready_[word] & ~uint64_t{0} << after_ % 64 : 0;
  for (size_t tried = 0; tried <= words + 1; tried++) {
    if (bits) {
      const size_t at = word * 64 + static_cast<size_t>(__builtin_ctzll(bits));
      ready_[word] &= ~(uint64_t{1} << at % 64);
      after_ = at + 1;
      const int rank = order_[at];
      Thread& t = threads_[static_cast<size_t>(rank)];
      t.waits = false;
      Enter(rank);
      // Whoever is likely to be next after it.
      bits &= bits - 1;
      if (bits) {
        const size_t then = word * 64 + static_cast<size_t>(__builtin_ctzll(bits));
        threads_[static_cast<size_t>(order_[then])].fiber->Prefetch();
      }
      return on_ = t.fiber;
    }
    if (++word >= words) word = 0;
    bits = ready_[word];
  }
  return &root_;
}

std::string BlockRunner::Stuck() const {
  int at_barrier = 0, at_exchange = 0, line = 0;
  for (const Thread& t : threads_) {
    at_barrier += t.waits && t.line > 0;
    at_exchange += t.waits && t.line == 0;
    if (t.waits && t.line > 0) line = t.line;
  }
  return std::to_string(at_barrier) + " threads wait at __syncthreads() (line " + std::to_string(line) + "), " +
         std::to_string(at_exchange) + " for lanes of their warp, and " + std::to_string(ended_) +
         " have returned: all threads of a block must come to the same barriers";
}

// Lets others run until this thread is ready and its turn.
void BlockRunner::Wait() {
  Fiber* const own = on_;
  threads_[static_cast<size_t>(current_)].waits = true;
  Fiber* to = nullptr;
  if (begun_ < size_) {
    if ((to = Fresh()))
      on_ = to;
    else
      GiveUp();
  } else {
    to = Next();
    if (to == own) return;
  }
  own->SwitchTo(to);
}

void BlockRunner::Barrier(int line) {
  threads_[static_cast<size_t>(current_)].line = line;
  if (arrived_ == 0) line_ = line;
  if (line != line_) {
    Because("waits at the __syncthreads() of line " + std::to_string(line) + ", others at that of line " +
            std::to_string(line_));
    GiveUp();
  }
  if (++arrived_ == size_) {
    arrived_ = 0;
    NoteBarrier();
    // From the beginning of the order, so that it holds after the barrier as before it.
    std::fill(ready_.begin(), ready_.end(), ~uint64_t{0});
    if (size_ % 64) ready_.back() = (uint64_t{1} << size_ % 64) - 1;
    after_ = 0;
  }
  Wait();
}

const uint64_t* BlockRunner::Exchange(uint64_t own) {
  const size_t rank = static_cast<size_t>(current_);
  if (size_ % 32 != 0) {
    Because("exchanges values within a warp, in a block of " + std::to_string(size_) +
            " threads: a multiple of 32 is needed");
    GiveUp();
  }
  Thread& t = threads_[rank];
  t.line = 0;
  WarpState& warp = warps_[rank / 32];
  // Two sets of values in turn: whoever writes one again has seen all lanes leave it.
  uint64_t* const values = warp.values[t.turns++ & 1];
  values[rank % 32] = own;
  if (++warp.arrived < 32) {
    Wait();
    return values;
  }
  warp.arrived = 0;
  for (size_t i = rank / 32 * 32; i < rank / 32 * 32 + 32; i++)
    if (i != rank) MarkReady(static_cast<int>(i));
  return values;
}

void BlockRunner::CheckRange(uintptr_t p, int64_t n, int64_t size, int64_t alignment) {
  if (known_generation_ != generation) {
    memset(known_, 0, sizeof known_);
    known_generation_ = generation;
  }
  if (n < 0 || n > (int64_t{1} << 48) / size) {
    Because("makes a View of " + std::to_string(n) + " elements");
    GiveUp();
  }
  const uintptr_t bytes = static_cast<uintptr_t>(n * size);
  Known& known = known_[Mix(p) % 64];
  if (known.p != p) {
    const Buffer* const b = Find(p);
    if (!b) {
      Because("makes a View of " + Describe(p));
      GiveUp();
    }
    known = Known{p, b->base + b->size};
  }
  if (p % static_cast<uintptr_t>(alignment) != 0) {
    Because("makes a View of " + Describe(p) + ", which is not aligned to " + std::to_string(alignment));
    GiveUp();
  }
  if (bytes > known.end - p) {
    Because("makes a View of " + std::to_string(n) + " elements of " + std::to_string(size) + " bytes from " +
            Describe(p) + " on");
    GiveUp();
  }
}

void BlockRunner::Because(const std::string& what) {
  fault_ = "kernel " + kernel_->name + ", block " + Text(blockIdx) + ", thread " + Text(threadIdx) + ": " + what;
}

void BlockRunner::GiveUp() {
  failed_ = true;
  on_->SwitchTo(&root_, true);
  __builtin_trap();  // a fiber that gave up was resumed
}

void Fault(const char* format, ...) {
  char text[512];
  va_list list;
  va_start(list, format);
  vsnprintf(text, sizeof text, format, list);
  va_end(list);
  BlockRunner::Mine().Because(text);
  BlockRunner::Mine().GiveUp();
}

void OutOfBounds(const void* p, int64_t i, int64_t n, int64_t size) {
  BlockRunner::Mine().Because("accesses element " + std::to_string(i) + " of a View of " + std::to_string(n) +
                              " elements of " + std::to_string(size) + " bytes from " +
                              Describe(reinterpret_cast<uintptr_t>(p)) + " on");
  BlockRunner::Mine().GiveUp();
}

void CheckRange(const void* p, int64_t n, int64_t size, int64_t alignment) {
  BlockRunner::Mine().CheckRange(reinterpret_cast<uintptr_t>(p), n, size, alignment);
}

void* DynamicShared() { return BlockRunner::Mine().shared(); }
void BlockBarrier(int line) { BlockRunner::Mine().Barrier(line); }
const uint64_t* WarpExchange(uint64_t own) { return BlockRunner::Mine().Exchange(own); }

}  // namespace waveprior::emulated
