#pragma GCC optimize("-ffp-contract=off")
#include "args.h"
#include "isa.h"
// Inlined always: a copy compiled for one instruction set must not be what the linker keeps for all (both_isas.h).
#define WAVEPRIOR_HD WAVEPRIOR_INLINE
#include "philox.h"

#define WAVEPRIOR_LOOPS "philox_loops.h"
#include "both_isas.h"

WAVEPRIOR_ENTRIES(philox_normals)
