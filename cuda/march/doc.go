// Package march is what propagators in time share: cuda/wave and cuda/elastic are schemes on it.
//
// A [Plan] has the calls: Forward, Gradient, JVP, VJP with their checks and their memory on the device; a family says by [Physics]
// how models become what its kernels read, and how gradients come back from there. A [Batch] takes all shots of a call through
// time side by side, a step at a time, in portions and segments that memory holds: that is how a GPU propagates
// (docs/adr/0016 and 0017). A family gives it a [Scheme]: its kernels and how much they need.
//
// Grid.h has the layout and what a launch is, units.h the arguments of the kernels, blocks.h how a GPU's threads share the work,
// loops.h how the CPU's twins go through it.
//
// It knows no equation, and checks neither grids nor positions.
package march

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi
#include <stdint.h>
int march_copy_f32_cpu(const uint64_t*, int64_t, int64_t);
int march_copy_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import "embed"

// Headers are what the schemes' C++ includes of this folder, embedded so that the go command sees them change: as [cuda.Headers].
//
//go:embed *.h
var Headers embed.FS

var copies = Both("march_copy", C.march_copy_f32_cpu, C.march_copy_f64_cpu, nil)
