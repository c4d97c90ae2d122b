#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include "../isa.h"
#include "weigh.h"

#define WAVEPRIOR_LOOPS "weigh_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(mixture_weigh)
