#pragma GCC optimize("-ffp-contract=off")
#include "isa.h"

extern "C" int waveprior_detect_isa(void) { return waveprior::DetectIsa(); }

extern "C" int waveprior_isa(void) { return waveprior::isa_level; }

extern "C" void waveprior_set_isa(int level) { waveprior::isa_level = level; }
