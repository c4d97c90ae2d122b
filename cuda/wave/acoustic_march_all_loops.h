// What acoustic_march_cpu.cc compiles for each instruction set, in this order.
// clang-format off
#include "../march/by_halo.h"
#include "../march/loops.h"
#include "acoustic_march_loops.h"
// clang-format on
