// Compiles the file named by WAVEPRIOR_LOOPS twice: in namespace v3 for x86-64-v3 and in namespace v4 for x86-64-v4.
//
//   #pragma GCC optimize("-ffp-contract=off")     // first line of the .cc
//   #include "../isa.h"                           // and every other header: none may be first seen below
//   #define WAVEPRIOR_LOOPS "norm_loops.h"
//   #include "../both_isas.h"
//   WAVEPRIOR_ENTRY(nn_layernorm_f32)
//
// Headers come first because an inline function compiled for v4 could be the copy that the linker keeps for all. The file
// of loops has no include guard and no includes. WAVEPRIOR_V4 is 1 in the second pass, 0 in the first.
#ifndef WAVEPRIOR_LOOPS
#error "define WAVEPRIOR_LOOPS, the file of loops to compile, before including both_isas.h"
#endif

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define WAVEPRIOR_V4 0
namespace v3 {
#include WAVEPRIOR_LOOPS
}
#undef WAVEPRIOR_V4
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")
#define WAVEPRIOR_V4 1
namespace v4 {
#include WAVEPRIOR_LOOPS
}
#undef WAVEPRIOR_V4
#pragma GCC pop_options
#undef WAVEPRIOR_LOOPS
