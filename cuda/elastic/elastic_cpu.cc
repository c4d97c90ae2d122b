#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include "../isa.h"
#include "shot.h"

#define WAVEPRIOR_LOOPS "elastic_all_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(elastic_shots)
