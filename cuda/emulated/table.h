// The kernels of the emulated device: their names, and how each is called with the arguments of a launch.
#ifndef WAVEPRIOR_CUDA_EMULATED_TABLE_H_
#define WAVEPRIOR_CUDA_EMULATED_TABLE_H_

#include <stdint.h>
#include <string.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "access.h"

namespace waveprior::emulated {

// One kernel. parameters has a letter for each: p pointer, i int64_t, d double, f float; tables marks by 1 those that are
// const int32_t*, by 0 the others: rows, levels and the like by which the kernel finds its way in other memory.
struct Kernel {
  std::string name, file, parameters, tables;
  void (*call)(const void* function, void* const* arguments);  // runs one thread
  const void* function;

  // Since the device's counters were reset (statistics.h).
  Counters counted{};
  uint64_t launches = 0;
};

// The kernel of that name, or null; all kernels in order of their names. Entries stay where they are.
Kernel* FindKernel(const std::string& name);
std::vector<Kernel*> AllKernels();
// Called before main by each generated file; aborts where a name is there twice.
bool AddKernel(Kernel kernel);

template <class T>
constexpr char Letter() {
  static_assert(
      std::is_pointer_v<T> || std::is_same_v<T, int64_t> || std::is_same_v<T, double> || std::is_same_v<T, float>,
      "parameters of a kernel are pointers, int64_t, double and float: eight bytes are copied for each");
  return std::is_pointer_v<T> ? 'p' : std::is_same_v<T, int64_t> ? 'i' : std::is_same_v<T, double> ? 'd' : 'f';
}

template <class... A>
struct Caller {
  using Function = void (*)(A...);

  template <size_t... I>
  static void Call(Function f, void* const* arguments, std::index_sequence<I...>) {
    f(Read<A>(arguments[I])...);
  }
  static void Run(const void* f, void* const* arguments) {
    Call(reinterpret_cast<Function>(const_cast<void*>(f)), arguments, std::index_sequence_for<A...>{});
  }
  template <class T>
  static T Read(const void* from) {
    T x;
    memcpy(&x, from, sizeof x);
    return x;
  }
};

template <class... A>
bool Register(const char* name, const char* file, void (*f)(A...)) {
  return AddKernel(Kernel{name, file, std::string{Letter<A>()...},
                          std::string{(std::is_same_v<A, const int32_t*> ? '1' : '0')...}, &Caller<A...>::Run,
                          reinterpret_cast<const void*>(f)});
}

}  // namespace waveprior::emulated

// One line for each kernel in the file that CMake generates for a .cu.
#define WAVEPRIOR_EMULATED_KERNEL(NAME, FILE) \
  [[maybe_unused]] static const bool NAME##_registered = waveprior::emulated::Register(#NAME, FILE, &NAME);

#endif  // WAVEPRIOR_CUDA_EMULATED_TABLE_H_
