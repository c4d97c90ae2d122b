#pragma GCC optimize("-ffp-contract=off", "O1")
// O1: these loops serve comparisons.
#include "../args.h"
#include "../isa.h"
#include "elastic_back.h"

#define WAVEPRIOR_LOOPS "elastic_march_all_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(elastic_march)
WAVEPRIOR_ENTRIES(elastic_back)
