#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "shot.h"

#define WAVEPRIOR_LOOPS "materials_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(elastic_materials)
WAVEPRIOR_ENTRIES(elastic_fold)
