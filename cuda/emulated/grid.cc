#include "grid.h"

#include <stdlib.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "block.h"

namespace waveprior::emulated {
namespace {

bool order_set = false;
Order order = Order::kForward;

Order CurrentOrder() {
  if (!order_set) {
    const char* const name = getenv("WAVEPRIOR_EMULATED_ORDER");
    if (name) ParseOrder(name, &order);
    order_set = true;
  }
  return order;
}

// One launch, shared by the OS threads that run its blocks.
struct Job {
  Kernel* kernel;
  LaunchShape shape;
  void* const* arguments;
  Order order;
  uint64_t blocks;

  std::atomic<uint64_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex lock;  // of what follows
  uint64_t failed_block = UINT64_MAX;
  std::string fault;
  Counters counted{};
};

// Takes blocks until there are none. Denormals are flushed as by the CPU kernels (../isa.h) and by nvcc -ftz=true.
void Work(Job* job) {
  const unsigned state = _mm_getcsr();
  _mm_setcsr(state | 0x8040u);
  counters = Counters{};
  BlockRunner& runner = BlockRunner::Mine();
  bool ready = runner.Begin(job->kernel, job->shape, job->arguments, job->order);
  while (ready && !job->failed.load(std::memory_order_relaxed)) {
    const uint64_t step = job->next.fetch_add(1, std::memory_order_relaxed);
    if (step >= job->blocks) break;
    const uint64_t block = job->order == Order::kForward ? step : job->blocks - 1 - step;
    if (runner.Run(block)) continue;
    job->failed = true;
    const std::lock_guard<std::mutex> hold(job->lock);
    if (block < job->failed_block) {
      job->failed_block = block;
      job->fault = runner.fault();
    }
  }
  _mm_setcsr(state);
  const std::lock_guard<std::mutex> hold(job->lock);
  if (!ready) job->fault = "no memory to emulate a block";
  job->counted.read += counters.read;
  job->counted.written += counters.written;
  job->counted.operations += counters.operations;
}

// OS threads that wait for jobs, as long as the process lives.
class Crew {
 public:
  static Crew& Get() {
    static Crew& crew = *new Crew;
    return crew;
  }

  void Do(Job* job) {
    if (hands_ > 0 && Large(*job)) {
      {
        const std::lock_guard<std::mutex> hold(lock_);
        job_ = job;
        turn_++;
        busy_ = hands_;
      }
      wake_.notify_all();
      Work(job);
      std::unique_lock<std::mutex> hold(lock_);
      done_.wait(hold, [this] { return busy_ == 0; });
    } else {
      Work(job);
    }
  }

 private:
  Crew() {
    const char* const set = getenv("WAVEPRIOR_EMULATED_THREADS");
    const int wanted = set ? atoi(set) : static_cast<int>(std::thread::hardware_concurrency());
    hands_ = std::clamp(wanted, 1, 64) - 1;
    for (int i = 0; i < hands_; i++) std::thread([this] { Loop(); }).detach();
  }

  // Whether waking others is worth its 10 us.
  static bool Large(const Job& job) {
    const LaunchShape& s = job.shape;
    return job.blocks > 1 && job.blocks * s.block.x * s.block.y * s.block.z >= 4096;
  }

  void Loop() {
    uint64_t seen = 0;
    for (;;) {
      Job* job;
      {
        std::unique_lock<std::mutex> hold(lock_);
        wake_.wait(hold, [&] { return turn_ != seen; });
        seen = turn_;
        job = job_;
      }
      Work(job);
      const std::lock_guard<std::mutex> hold(lock_);
      if (--busy_ == 0) done_.notify_one();
    }
  }

  int hands_ = 0, busy_ = 0;
  uint64_t turn_ = 0;
  Job* job_ = nullptr;
  std::mutex lock_;
  std::condition_variable wake_, done_;
};

}  // namespace

void SetOrder(Order o) {
  order = o;
  order_set = true;
}

bool ParseOrder(const std::string& name, Order* o) {
  if (name == "forward")
    *o = Order::kForward;
  else if (name == "reverse")
    *o = Order::kReverse;
  else if (name == "shuffled")
    *o = Order::kShuffled;
  else
    return false;
  return true;
}

std::string Run(Kernel* kernel, const LaunchShape& shape, void* const* arguments) {
  Job job;
  job.kernel = kernel;
  job.shape = shape;
  job.arguments = arguments;
  job.order = CurrentOrder();
  job.blocks = uint64_t{shape.grid.x} * shape.grid.y * shape.grid.z;
  NoteLaunch(kernel->name.c_str());
  Crew::Get().Do(&job);
  kernel->launches++;
  kernel->counted.read += job.counted.read;
  kernel->counted.written += job.counted.written;
  kernel->counted.operations += job.counted.operations;
  return job.fault;
}

}  // namespace waveprior::emulated
