#pragma GCC optimize("-ffp-contract=off")
#include "../../args.h"
#include "../../isa.h"

extern "C" int probe_cpu(const uint64_t* args, int64_t lo, int64_t hi) {
  const waveprior::FlushDenormals flush;
  waveprior::Args a(args);
  int64_t* const ran = a.Pointer<int64_t>();
  int64_t* const state = a.Pointer<int64_t>();
  double* const product = a.Pointer<double>();
  const int64_t fail = a.Int();
  volatile double small = 1e-160;
  for (int64_t u = lo; u < hi; u++) {
    if (u == fail) return waveprior::kOutOfMemory;
    ran[u]++;
    state[u] = static_cast<int64_t>(_mm_getcsr());
    product[u] = small * small;
  }
  return waveprior::kOk;
}

extern "C" unsigned probe_state(void) { return _mm_getcsr(); }
