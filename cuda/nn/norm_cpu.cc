#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "gelu.h"
#include "norm.h"

#define WAVEPRIOR_LOOPS "norm_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_layernorm)
WAVEPRIOR_ENTRIES(nn_layernorm_backward)
