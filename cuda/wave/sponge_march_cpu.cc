#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "sponge_march.h"

#define WAVEPRIOR_LOOPS "sponge_march_all_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(wave_sponge_march)
WAVEPRIOR_ENTRIES(wave_sponge_back)
WAVEPRIOR_ENTRIES(wave_sponge_damping)
