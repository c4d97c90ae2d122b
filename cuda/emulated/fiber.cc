#include "fiber.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// waveprior_emulated_switch(&from, to): keeps the registers that a call must keep, and the stack pointer in *from; goes on
// with those of the stack pointer `to`.
extern "C" void waveprior_emulated_switch(void** from, void* to) __attribute__((visibility("hidden")));
asm(R"(
.text
.hidden waveprior_emulated_switch
.globl waveprior_emulated_switch
.type waveprior_emulated_switch, @function
waveprior_emulated_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size waveprior_emulated_switch, .-waveprior_emulated_switch
)");

namespace waveprior::emulated {
namespace {

constexpr size_t kStack = size_t{256} << 10;  // touched pages only become memory
__thread Fiber* starting = nullptr;

}  // namespace

Fiber::~Fiber() {
  if (stack_) munmap(stack_, kStack);
}

bool Fiber::Start(void (*body)(void*), void* argument) {
  if (!stack_) {
    void* p = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    stack_ = static_cast<char*>(p);
  }
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStack);  // what a forgotten run left there
#endif
  body_ = body;
  argument_ = argument;
  // Six registers, Main's address, and a return address of none: at Main's first instruction the stack is 8 off 16.
  void** top = reinterpret_cast<void**>(stack_ + kStack) - 2;
  top[0] = reinterpret_cast<void*>(&Fiber::Main);
  top[1] = nullptr;
  top -= 6;
  memset(top, 0, 6 * sizeof *top);
  here_ = top;
  fake_stack_ = nullptr;
  starting = this;
  SwitchTo();
  return true;
}

void Fiber::Resume() { SwitchTo(); }

void Fiber::SwitchTo() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&caller_fake_stack_, stack_, kStack);
#endif
  waveprior_emulated_switch(&there_, here_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(caller_fake_stack_, nullptr, nullptr);
#endif
}

void Fiber::Main() {
  Fiber* const f = starting;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &f->caller_stack_, &f->caller_stack_size_);
#endif
  f->body_(f->argument_);
  f->Leave(true);
  __builtin_trap();  // an ended fiber was resumed
}

void Fiber::Leave([[maybe_unused]] bool ends) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(ends ? nullptr : &fake_stack_, caller_stack_, caller_stack_size_);
#endif
  waveprior_emulated_switch(&here_, there_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake_stack_, &caller_stack_, &caller_stack_size_);
#endif
}

}  // namespace waveprior::emulated
