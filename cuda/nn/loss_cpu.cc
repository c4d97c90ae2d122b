#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "loss.h"

#define WAVEPRIOR_LOOPS "loss_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_square_error)
WAVEPRIOR_ENTRIES(nn_sum_squares)
WAVEPRIOR_ENTRY(nn_tree_sum)
