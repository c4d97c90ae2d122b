package mixture

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi
#include <stdint.h>
int mixture_weigh_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_weigh_f64_cpu(const uint64_t*, int64_t, int64_t);
int mixture_spread_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_spread_f64_cpu(const uint64_t*, int64_t, int64_t);
int mixture_posterior_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_posterior_f64_cpu(const uint64_t*, int64_t, int64_t);
int mixture_pullback_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_pullback_f64_cpu(const uint64_t*, int64_t, int64_t);
int mixture_log_density_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_log_density_f64_cpu(const uint64_t*, int64_t, int64_t);
int mixture_log_responsibilities_f32_cpu(const uint64_t*, int64_t, int64_t);
int mixture_log_responsibilities_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Items in a tile and components in a chunk, as mixture.h has them: the kernels check.
const (
	tile  = 16
	chunk = 128
)

// The numbers of shared memory that a block of a tiled kernel takes: tiles.h.
const sharedNumbers = tile*chunk + 16*(chunk+1) + 2*16*tile

var (
	weigh               = both("mixture_weigh", C.mixture_weigh_f32_cpu, C.mixture_weigh_f64_cpu, 256, sharedNumbers)
	spread              = both("mixture_spread", C.mixture_spread_f32_cpu, C.mixture_spread_f64_cpu, 256, sharedNumbers)
	posterior           = both("mixture_posterior", C.mixture_posterior_f32_cpu, C.mixture_posterior_f64_cpu, 256, 0)
	pullback            = both("mixture_pullback", C.mixture_pullback_f32_cpu, C.mixture_pullback_f64_cpu, 256, 0)
	logDensity          = both("mixture_log_density", C.mixture_log_density_f32_cpu, C.mixture_log_density_f64_cpu, 32, 0)
	logResponsibilities = both("mixture_log_responsibilities", C.mixture_log_responsibilities_f32_cpu, C.mixture_log_responsibilities_f64_cpu, 256, 0)
)

// kernel is one concept in both number types.
type kernel struct{ f32, f64 *cuda.Kernel }

// both makes the kernels of a concept: on a GPU a block of so many threads for each unit, with so many numbers of dynamic
// shared memory.
func both(name string, f32, f64 unsafe.Pointer, threads, shared int) kernel {
	launch := func(size int) func(units int, _ []cuda.Arg) cuda.Launch {
		return func(units int, _ []cuda.Arg) cuda.Launch {
			return cuda.Launch{Grid: [3]int{units}, Block: [3]int{threads}, Shared: size * shared}
		}
	}
	return kernel{cuda.NewKernel(name+"_f32", f32, launch(4)), cuda.NewKernel(name+"_f64", f64, launch(8))}
}

func of[T cuda.Float](k kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}
