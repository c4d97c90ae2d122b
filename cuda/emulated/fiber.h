// Fibers: a stack each, switched by hand (six registers; no system call). One OS thread owns a fiber for good.
#ifndef WAVEPRIOR_CUDA_EMULATED_FIBER_H_
#define WAVEPRIOR_CUDA_EMULATED_FIBER_H_

#include <stddef.h>

#ifndef __x86_64__
#error "the emulated device switches stacks by hand: x86-64 only"
#endif

namespace waveprior::emulated {

// A place to run on. Start begins body(argument) on it and Resume goes on where it called Leave; both return when it calls
// Leave again. A fiber that left may be forgotten, with what lies on its stack, and started anew.
class Fiber {
 public:
  Fiber() = default;
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // False where there is no memory for the stack.
  bool Start(void (*body)(void*), void* argument);
  void Resume();
  // Called on the fiber: back to who started or resumed it. `ends`: it will not be resumed.
  void Leave(bool ends);

 private:
  static void Main();
  void SwitchTo();

  char* stack_ = nullptr;
  void* here_ = nullptr;   // the fiber's stack pointer while it does not run
  void* there_ = nullptr;  // its caller's while it does
  void (*body_)(void*) = nullptr;
  void* argument_ = nullptr;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
  void* caller_fake_stack_ = nullptr;
  const void* caller_stack_ = nullptr;
  size_t caller_stack_size_ = 0;
};

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_FIBER_H_
