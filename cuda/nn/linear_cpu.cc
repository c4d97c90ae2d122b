#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include <type_traits>

#include "../args.h"
#include "../isa.h"

#define WAVEPRIOR_LOOPS "linear_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_linear)
WAVEPRIOR_ENTRIES(nn_linear_backward_input)
WAVEPRIOR_ENTRIES(nn_linear_backward_weight)
WAVEPRIOR_ENTRIES(nn_column_sums)
