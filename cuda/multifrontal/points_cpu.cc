#pragma GCC optimize("-ffp-contract=off")
#include "../args.h"
#include "../isa.h"
#include "points.h"

#define WAVEPRIOR_LOOPS "points_loops.h"
#include "../both_isas.h"

WAVEPRIOR_ENTRIES(helm_diagonals)
WAVEPRIOR_ENTRIES(helm_source)
WAVEPRIOR_ENTRIES(helm_receive)
WAVEPRIOR_ENTRIES(helm_tangent)
WAVEPRIOR_ENTRIES(helm_sample)
WAVEPRIOR_ENTRIES(helm_products)
WAVEPRIOR_ENTRY(helm_fold_x)
WAVEPRIOR_ENTRY(helm_fold_z)
