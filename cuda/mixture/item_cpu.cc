#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "item.h"

#define WAVEPRIOR_LOOPS "item_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(mixture_posterior)
WAVEPRIOR_ENTRIES(mixture_pullback)
WAVEPRIOR_ENTRIES(mixture_log_density)
WAVEPRIOR_ENTRIES(mixture_log_responsibilities)
