// What the emulated driver answers: CUDA's codes, each refusal with a text.
#ifndef WAVEPRIOR_CUDA_EMULATED_RESULT_H_
#define WAVEPRIOR_CUDA_EMULATED_RESULT_H_

#include <string>

// A function that the library offers; everything else in it is hidden.
#define WAVEPRIOR_DRIVER extern "C" __attribute__((visibility("default")))

namespace waveprior::emulated {

// CUresult, as far as it is used.
enum Result : int {
  kSuccess = 0,
  kInvalidValue = 1,
  kOutOfMemory = 2,
  kNotInitialized = 3,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidContext = 201,
  kInvalidHandle = 400,
  kNotFound = 500,
  kIllegalAddress = 700,
  kNotSupported = 801
};

// Keeps and prints why a call is refused; returns the code.
Result Refuse(Result code, const char* call, const std::string& why);
// The same for what a context still held when it was destroyed; an empty text is kept, too, and not printed.
void ReportLeaks(const std::string& leaks);

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_RESULT_H_
