#pragma GCC optimize("-ffp-contract=off", "O1")
// O1: these loops serve comparisons, and take 6 s to compile that way, 17 s otherwise.
#include "../args.h"
#include "../isa.h"
#include "acoustic_march.h"

#define WAVEPRIOR_LOOPS "acoustic_march_all_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(wave_acoustic_march)
WAVEPRIOR_ENTRIES(wave_acoustic_back)
