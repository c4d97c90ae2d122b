#pragma GCC optimize("-ffp-contract=off")
#include <immintrin.h>

#include <type_traits>

#include "../args.h"
#include "../isa.h"
#include "adam.h"

#define WAVEPRIOR_LOOPS "outer_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(nn_outer_squares)
WAVEPRIOR_ENTRIES(nn_outer_adam)
