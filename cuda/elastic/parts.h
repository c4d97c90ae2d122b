// The five fields, in their order in states, and what materials, kept steps and gradients have for each.
#ifndef WAVEPRIOR_CUDA_ELASTIC_PARTS_H_
#define WAVEPRIOR_CUDA_ELASTIC_PARTS_H_

namespace waveprior {
namespace elastic {

enum Part { kVX, kVZ, kXX, kZZ, kXZ, kParts };

}  // namespace elastic
}  // namespace waveprior

#endif  // WAVEPRIOR_CUDA_ELASTIC_PARTS_H_
