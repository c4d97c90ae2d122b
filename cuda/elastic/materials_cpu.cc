#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "materials.h"

#define WAVEPRIOR_LOOPS "materials_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(elastic_materials)
WAVEPRIOR_ENTRIES(elastic_fold)
