#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include "../isa.h"
#include "shot.h"

#define WAVEPRIOR_LOOPS "sponge_all_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(wave_sponge)
