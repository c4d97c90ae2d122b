// The instruction sets that CPU kernels are compiled for, and the state of the floating-point unit in which they run.
//
// Every CPU kernel exists twice, for x86-64-v3 (AVX2, FMA) and x86-64-v4 (AVX-512); both_isas.h compiles a file of loops for
// both, and the entry points choose at run time. IsaLevel is one variable for all families of a program (a C++17 inline
// variable: the linker keeps one), so that package cuda can set it for all of them.
#ifndef WAVEPRIOR_CUDA_ISA_H_
#define WAVEPRIOR_CUDA_ISA_H_

#include <stdint.h>
#include <xmmintrin.h>

namespace waveprior {

// The best level this processor has: 4 (x86-64-v4), 3 (x86-64-v3), or 0, on which no kernel runs.
inline int DetectIsa() {
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi2")) return 0;
  const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  return v4 ? 4 : 3;
}

// The level that kernels run at. Written by package cuda only, while no kernel runs.
inline int isa_level = DetectIsa();

// FlushDenormals sets FTZ and DAZ for its lifetime and restores MXCSR after it. Every entry point holds one: set once per
// thread the two bits would reach Go's own arithmetic, on threads that the scheduler picks.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040u); }
  ~FlushDenormals() { _mm_setcsr(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  unsigned saved_;
};

// What an entry point returns; package cuda makes an error of anything but kOk.
enum Status : int {
  kOk = 0,
  kBadArgument = 1,   // a size or a combination that the kernel does not know
  kOutOfMemory = 2,   // no memory for scratch
  kLibraryFailed = 3  // a library that the kernel calls refused
};

}  // namespace waveprior

// The entry point NAME_cpu of a kernel whose loops are v3::NAME and v4::NAME: units lo..hi-1, arguments as in Kernel.
#define WAVEPRIOR_ENTRY(NAME)                                                           \
  extern "C" int NAME##_cpu(const uint64_t* args, int64_t lo, int64_t hi) {             \
    const waveprior::FlushDenormals flush;                                              \
    return waveprior::isa_level >= 4 ? v4::NAME(args, lo, hi) : v3::NAME(args, lo, hi); \
  }

// The same for a template of both number types: NAME_f32_cpu and NAME_f64_cpu.
#define WAVEPRIOR_ENTRY_OF(NAME, SUFFIX, T)                                                   \
  extern "C" int NAME##SUFFIX##_cpu(const uint64_t* args, int64_t lo, int64_t hi) {           \
    const waveprior::FlushDenormals flush;                                                    \
    return waveprior::isa_level >= 4 ? v4::NAME<T>(args, lo, hi) : v3::NAME<T>(args, lo, hi); \
  }
#define WAVEPRIOR_ENTRIES(NAME)         \
  WAVEPRIOR_ENTRY_OF(NAME, _f32, float) \
  WAVEPRIOR_ENTRY_OF(NAME, _f64, double)

#endif  // WAVEPRIOR_CUDA_ISA_H_
