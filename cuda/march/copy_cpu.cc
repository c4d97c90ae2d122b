#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "copy.h"

#define WAVEPRIOR_LOOPS "copy_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(march_copy)
