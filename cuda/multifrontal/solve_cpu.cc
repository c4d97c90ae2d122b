#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "tables.h"

#define WAVEPRIOR_LOOPS "solve_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(helm_box_forward)
WAVEPRIOR_ENTRIES(helm_box_backward)
WAVEPRIOR_ENTRIES(helm_forward_pivots)
WAVEPRIOR_ENTRIES(helm_forward_boundary)
WAVEPRIOR_ENTRIES(helm_backward_boundary)
WAVEPRIOR_ENTRIES(helm_backward_pivots)
