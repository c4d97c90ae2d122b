#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "pointwise.h"

#define WAVEPRIOR_LOOPS "pointwise_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_axpby)
WAVEPRIOR_ENTRIES(nn_row_axpby)
WAVEPRIOR_ENTRIES(nn_copy_rows)
WAVEPRIOR_ENTRIES(nn_gather_rows)
