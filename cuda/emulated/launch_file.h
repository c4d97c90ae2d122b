// A launch as a file: which kernel, with which arguments, on what memory, and what memory held afterwards. The driver
// writes them while the Go tests run (record.h), and the sanitizer harness runs them again (sanitize/replay.cc).
//
//   waveprior-launch 1
//   kernel nn_gelu_f32
//   grid 3 1 1
//   block 256 1 1
//   shared 0
//   counted 32768 16384 90112       bytes read, bytes written, operations, all of the launch
//   arguments 4
//   p 0 0                           pointer: buffer and byte in it; -1 0 is a null pointer
//   p 1 256
//   i 4096                          eight bytes as a signed number: int64_t, double or float by its parameter
//   i 4096
//   buffers 2
//   b 16384                         bytes
//   b 32768
//   end
//
// Then, for each buffer, its bytes before and its bytes after the launch.
#ifndef WAVEPRIOR_CUDA_EMULATED_LAUNCH_FILE_H_
#define WAVEPRIOR_CUDA_EMULATED_LAUNCH_FILE_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "access.h"
#include "grid.h"

namespace waveprior::emulated {

struct LaunchFile {
  struct Argument {
    bool pointer;
    int64_t value;   // bits of a scalar, or the number of a buffer (-1: null)
    int64_t offset;  // in the buffer
  };
  struct Contents {
    std::string before, after;
  };

  std::string kernel;
  LaunchShape shape{};
  Counters counted{};
  std::vector<Argument> arguments;
  std::vector<Contents> buffers;
};

// Both return an empty string, or what is wrong. Write makes the file appear whole, by a rename.
std::string Write(const LaunchFile& launch, const std::string& path);
std::string Read(const std::string& path, LaunchFile* launch);

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_LAUNCH_FILE_H_
