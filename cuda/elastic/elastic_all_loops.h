// What elastic_cpu.cc compiles for each instruction set, in this order.
#include "../lanes_loops.h"
#include "../march/by_halo.h"

namespace elastic {

using waveprior::elastic::Entries;
using waveprior::elastic::Job;
using waveprior::elastic::kParts;
using waveprior::elastic::kVX;
using waveprior::elastic::kVZ;
using waveprior::elastic::kXX;
using waveprior::elastic::kXZ;
using waveprior::elastic::kZZ;
using waveprior::elastic::Node;
using waveprior::elastic::Shape;

// clang-format off
#include "elastic.h"
#include "step_loops.h"
#include "back_loops.h"
#include "scheme_loops.h"
#include "shot_loops.h"
// clang-format on

}  // namespace elastic

template <class T>
int elastic_shots(const uint64_t* args, int64_t lo, int64_t hi) {
  const waveprior::elastic::Job<T> job(args);
  return ByHalo<2>(job.shape->halo, [&](auto r) { return elastic::Shots<T, r>(job, lo, hi); });
}
