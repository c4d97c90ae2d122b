#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "model.h"

#define WAVEPRIOR_LOOPS "model_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(wave_courant)
WAVEPRIOR_ENTRIES(wave_fold)
