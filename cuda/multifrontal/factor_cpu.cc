#pragma GCC optimize("-ffp-contract=off")
#include <stdlib.h>

#include "../args.h"
#include "../isa.h"
#include "tables.h"

#define WAVEPRIOR_LOOPS "factor_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(helm_boxes)
WAVEPRIOR_ENTRIES(helm_pivots)
WAVEPRIOR_ENTRIES(helm_panels)
WAVEPRIOR_ENTRIES(helm_updates)
