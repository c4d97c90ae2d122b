#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include "../isa.h"
#include "spread.h"

#define WAVEPRIOR_LOOPS "spread_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(mixture_spread)
