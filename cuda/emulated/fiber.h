// Fibers: a stack each, switched by hand (six registers; no system call). One OS thread owns a fiber for good.
#ifndef WAVEPRIOR_CUDA_EMULATED_FIBER_H_
#define WAVEPRIOR_CUDA_EMULATED_FIBER_H_

#include <stddef.h>

#ifndef __x86_64__
#error "the emulated device switches stacks by hand: x86-64 only"
#endif

namespace waveprior::emulated {

// A place to run on. Any of them may switch to any other; a fiber without a stack of its own stands for the OS thread's. A
// fiber that is not running may be forgotten, with what lies on its stack, and started anew.
class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Makes the next SwitchTo this fiber begin body(argument), which never returns: it ends by switching away for good. Stacks of
  // other numbers lie in other sets of the caches. False where there is no memory for the stack.
  bool Prepare(void (*body)(void*), void* argument, size_t number);

  // From the running fiber, this one, to another: returns when somebody switches back. `ends`: nobody will.
  void SwitchTo(Fiber* to, bool ends = false);

  // Begins to fetch what a switch to this fiber reads first: the wait for it is most of a switch.
  void Prefetch() const {
    const char* const p = static_cast<const char*>(here_);
    __builtin_prefetch(p);
    __builtin_prefetch(p + 64);
    __builtin_prefetch(p + 128);
  }

 private:
  static void Main();
  void Arrived();

  char* stack_ = nullptr;  // null: the OS thread's
  void* here_ = nullptr;   // the stack pointer while it does not run
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  // AddressSanitizer's: what it keeps for a fiber that does not run, and where its stack is.
  void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  size_t size_ = 0;
};

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_FIBER_H_
