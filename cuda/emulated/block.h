// One block at a time: its threads in an order, on fibers where they wait for each other.
#ifndef WAVEPRIOR_CUDA_EMULATED_BLOCK_H_
#define WAVEPRIOR_CUDA_EMULATED_BLOCK_H_

#include <memory>
#include <string>
#include <vector>

#include "fiber.h"
#include "grid.h"
#include "memory.h"

namespace waveprior::emulated {

// What one OS thread needs to run blocks. The threads of a block are run on one fiber, one after the other, until one waits;
// the others then begin on another fiber, and so on: a kernel without barriers switches twice per block. A thread that waits
// switches to the next one that can go on, in the block's order and round again from its beginning.
class BlockRunner {
 public:
  // The runner of the calling OS thread, made on first use.
  static BlockRunner& Mine();

  // Prepares for the blocks of a launch; false where there is no memory.
  bool Begin(Kernel* kernel, const LaunchShape& shape, void* const* arguments, Order order);
  // Runs one block; false after a fault.
  bool Run(uint64_t block);
  const std::string& fault() const { return fault_; }

  // Called by the running GPU thread.
  // Because says what is wrong, GiveUp ends the launch; two calls, as GiveUp never returns and so runs no destructors.
  void Because(const std::string& what);
  [[noreturn]] void GiveUp();
  void Barrier(int line);
  const uint64_t* Exchange(uint64_t own);
  void CheckRange(uintptr_t p, int64_t n, int64_t size, int64_t alignment);
  void* shared() { return shared_ + kSharedGuard; }

 private:
  // A thread waits, runs or has ended; those that can go on are marked in ready_.
  struct Thread {
    Fiber* fiber;
    dim3 index;
    int position;  // in the block's order
    int line;      // of the barrier it waits at; 0: at an exchange of its warp
    bool waits;
    unsigned char turns;  // parity of the exchanges that it made
  };
  struct WarpState {
    uint64_t values[2][32];
    int arrived;
  };
  static constexpr size_t kSharedGuard = 64;

  void Arrange(uint64_t block);
  void Enter(int rank);
  void Wait();
  static void Body(void* self);
  void RunThreads();
  Fiber* Next();
  Fiber* Fresh();
  void MarkReady(int rank) {
    const size_t at = static_cast<size_t>(threads_[static_cast<size_t>(rank)].position);
    ready_[at / 64] |= uint64_t{1} << at % 64;
  }
  std::string Stuck() const;

  Kernel* kernel_ = nullptr;
  LaunchShape shape_{};
  void* const* arguments_ = nullptr;
  Order how_ = Order::kForward;
  int size_ = 0;

  Fiber root_;  // the OS thread's own stack
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> idle_;
  Fiber* on_ = nullptr;
  std::vector<Thread> threads_;  // by rank
  std::vector<WarpState> warps_;
  std::vector<int> order_;       // ranks in the order in which they run
  std::vector<uint64_t> ready_;  // bits, by position in the order
  size_t after_ = 0;             // where the search for a thread that is ready goes on
  int begun_ = 0, ended_ = 0, arrived_ = 0, line_ = 0, current_ = 0;
  char* shared_ = nullptr;
  std::string fault_;
  bool failed_ = false;

  // The last ranges that CheckRange found good: address -> end of the buffer.
  struct Known {
    uintptr_t p, end;
  };
  Known known_[64];
  uint64_t known_generation_ = 0;
};

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_BLOCK_H_
