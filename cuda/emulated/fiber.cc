#include "fiber.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

// waveprior_emulated_switch(&from, to): keeps the registers that a call must keep, and the stack pointer in *from; goes on
// with those of the stack pointer `to`. Fibers that wait at one barrier all return from here to the same callers, as the
// processor's stack of return addresses expects.
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
// Stacks begin at the same place of a page, so their tops, which every switch touches, would share a few sets of the caches:
// each begins some lines below its neighbour's.
constexpr size_t kStagger = 13 * 64, kStaggered = 128;

__thread Fiber* switched_to = nullptr;
#if defined(__SANITIZE_ADDRESS__)
__thread Fiber* switched_from = nullptr;
#endif

}  // namespace

Fiber::~Fiber() {
  if (stack_) munmap(stack_, kStack);
}

bool Fiber::Prepare(void (*body)(void*), void* argument, size_t number) {
  if (!stack_) {
    void* p = mmap(nullptr, kStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) return false;
    stack_ = static_cast<char*>(p);
  }
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(stack_, kStack);  // what a forgotten run left there
  fake_stack_ = nullptr;
  bottom_ = stack_;
  size_ = kStack;
#endif
  body_ = body;
  argument_ = argument;
  // Six registers, Main's address, and a return address of none: at Main's first instruction the stack is 8 off 16.
  void** top = reinterpret_cast<void**>(stack_ + kStack - number % kStaggered * kStagger) - 2;
  top[0] = reinterpret_cast<void*>(&Fiber::Main);
  top[1] = nullptr;
  top -= 6;
  memset(top, 0, 6 * sizeof *top);
  here_ = top;
  return true;
}

void Fiber::SwitchTo(Fiber* to, [[maybe_unused]] bool ends) {
  switched_to = to;
#if defined(__SANITIZE_ADDRESS__)
  switched_from = this;
  __sanitizer_start_switch_fiber(ends ? nullptr : &fake_stack_, to->bottom_, to->size_);
#endif
  waveprior_emulated_switch(&here_, to->here_);
  Arrived();
}

// On this fiber, after a switch to it.
void Fiber::Arrived() {
#if defined(__SANITIZE_ADDRESS__)
  const void* bottom = nullptr;
  size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack_, &bottom, &size);
  if (!switched_from->stack_) switched_from->bottom_ = bottom, switched_from->size_ = size;
#endif
}

void Fiber::Main() {
  Fiber* const f = switched_to;
  f->Arrived();
  f->body_(f->argument_);
  __builtin_trap();
}

}  // namespace waveprior::emulated
