#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "gelu.h"

#define WAVEPRIOR_LOOPS "gelu_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_gelu)
WAVEPRIOR_ENTRIES(nn_gelu_backward)
WAVEPRIOR_ENTRIES(nn_phi)
