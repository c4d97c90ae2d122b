#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "noised.h"

#define WAVEPRIOR_LOOPS "noised_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRY(diffusion_noised_f32)
