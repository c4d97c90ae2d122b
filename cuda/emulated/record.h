// Records launches: with $WAVEPRIOR_EMULATED_RECORD set to a folder, a few launches of every kernel are written there, small
// ones with different arguments (launch_file.h). What the Go tests launch thereby becomes the cases of the sanitizer
// harness, and the launches whose counts are held to the table of cuda/roofline.md.
#ifndef WAVEPRIOR_CUDA_EMULATED_RECORD_H_
#define WAVEPRIOR_CUDA_EMULATED_RECORD_H_

#include <memory>

#include "grid.h"
#include "table.h"

namespace waveprior::emulated {

struct LaunchFile;

// One launch: made before it runs, finished when it ended without a fault.
class Recording {
 public:
  Recording(const Kernel& kernel, const LaunchShape& shape, void* const* arguments);
  ~Recording();
  void Finish(const Kernel& kernel);

 private:
  std::unique_ptr<LaunchFile> launch_;  // null: not recorded
  std::vector<uintptr_t> bases_;        // of the buffers
  Counters before_;
  std::string path_;
};

}  // namespace waveprior::emulated

#endif  // WAVEPRIOR_CUDA_EMULATED_RECORD_H_
