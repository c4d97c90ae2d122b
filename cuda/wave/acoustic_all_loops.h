// What acoustic_cpu.cc compiles for each instruction set, in order.
#include "lanes_loops.h"
#include "shot_loops.h"
#include "acoustic.h"
#include "acoustic_loops.h"
