// A fault on demand: with $WAVEPRIOR_EMULATED_FAULT the device loses its context as if a kernel had touched memory that is not
// its own, or the GPU had failed. For tests of what comes after: of plugins, and of whole runs.
//
//   WAVEPRIOR_EMULATED_FAULT=nn_adam_f32:20            in every process, at the kernel's 20th launch
//   WAVEPRIOR_EMULATED_FAULT=nn_adam_f32:20:/tmp/once  in the first process that comes there: it makes the file
//
// Several of these are parted by commas. What is not of this form is refused at the first launch.
#ifndef WAVEPRIOR_CUDA_EMULATED_PLANTED_H_
#define WAVEPRIOR_CUDA_EMULATED_PLANTED_H_

#include <string>

namespace waveprior::emulated {

// To be asked once for each launch: the fault that it ends with, in words, or an empty string. One call at a time.
std::string PlantedFault(const std::string& kernel);

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_PLANTED_H_
