// What acoustic_cpu.cc compiles for each instruction set, in this order.
// clang-format off
#include "../lanes_loops.h"
#include "../march/by_halo.h"
#include "shot_loops.h"
#include "acoustic.h"
#include "acoustic_loops.h"
// clang-format on
