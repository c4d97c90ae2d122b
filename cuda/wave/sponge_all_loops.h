// What sponge_cpu.cc compiles for each instruction set, in this order.
// clang-format off
#include "../lanes_loops.h"
#include "shot_loops.h"
#include "sponge.h"
#include "sponge_loops.h"
// clang-format on
