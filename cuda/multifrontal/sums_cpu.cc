#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "sums.h"

#define WAVEPRIOR_LOOPS "sums_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(helm_residual)
WAVEPRIOR_ENTRIES(helm_misfit)
