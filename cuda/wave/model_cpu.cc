#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "shot.h"

#define WAVEPRIOR_LOOPS "model_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(wave_courant)
WAVEPRIOR_ENTRIES(wave_fold)
