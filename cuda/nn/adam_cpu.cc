#pragma GCC optimize("-ffp-contract=off")
#include "../isa.h"
#include "adam.h"

#define WAVEPRIOR_LOOPS "adam_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_adam)
