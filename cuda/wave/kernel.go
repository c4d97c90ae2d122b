package wave

/*
#include <stdint.h>
int wave_acoustic_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_courant_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_courant_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_fold_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_fold_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_copy_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_copy_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_march_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_march_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_back_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_acoustic_back_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_march_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_march_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_back_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_back_f64_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_damping_f32_cpu(const uint64_t*, int64_t, int64_t);
int wave_sponge_damping_f64_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// kernel is one concept in both number types.
type kernel struct{ f32, f64 *cuda.Kernel }

// alone makes kernels of whole shots. They are not in cuda.Kernels: that is the list of those with a CUDA twin, and on a GPU
// what they do is done by those of a batch.
func alone(name string, f32, f64 unsafe.Pointer) kernel {
	return kernel{&cuda.Kernel{Name: name + "_f32", CPU: f32}, &cuda.Kernel{Name: name + "_f64", CPU: f64}}
}

// both makes the kernels name_f32 and name_f64.
func both(name string, f32, f64 unsafe.Pointer, launch func(units int, args []cuda.Arg) cuda.Launch) kernel {
	return kernel{cuda.NewKernel(name+"_f32", f32, launch), cuda.NewKernel(name+"_f64", f64, launch)}
}

func of[T cuda.Float](k kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}

var (
	acousticShots = alone("wave_acoustic", C.wave_acoustic_f32_cpu, C.wave_acoustic_f64_cpu)
	spongeShots   = alone("wave_sponge", C.wave_sponge_f32_cpu, C.wave_sponge_f64_cpu)

	courant = both("wave_courant", C.wave_courant_f32_cpu, C.wave_courant_f64_cpu, strips(courantRows))
	fold    = both("wave_fold", C.wave_fold_f32_cpu, C.wave_fold_f64_cpu, strips(foldRows))
	copies  = both("wave_copy", C.wave_copy_f32_cpu, C.wave_copy_f64_cpu, nil)

	acousticMarch = both("wave_acoustic_march", C.wave_acoustic_march_f32_cpu, C.wave_acoustic_march_f64_cpu, marching(forwardBlocks))
	acousticBack  = both("wave_acoustic_back", C.wave_acoustic_back_f32_cpu, C.wave_acoustic_back_f64_cpu, marching(backBlocks))
	spongeMarch   = both("wave_sponge_march", C.wave_sponge_march_f32_cpu, C.wave_sponge_march_f64_cpu, marching(forwardBlocks))
	spongeBack    = both("wave_sponge_back", C.wave_sponge_back_f32_cpu, C.wave_sponge_back_f64_cpu, marching(backBlocks))
	spongeDamping = both("wave_sponge_damping", C.wave_sponge_damping_f32_cpu, C.wave_sponge_damping_f64_cpu, marching(-1))
)

// Arguments that say how a launch is cut: rows of an item, blocks of a unit.
const (
	courantRows   = 5
	foldRows      = 9
	forwardBlocks = 22
	backBlocks    = 26
)

// strips gives every item, which is a unit, blocks of 64 x 4 threads for rows of four; argument `rows` says how many rows.
func strips(rows int) func(units int, args []cuda.Arg) cuda.Launch {
	return func(units int, args []cuda.Arg) cuda.Launch {
		return cuda.Launch{Grid: [3]int{cuda.Blocks(int(args[rows]), 4), units}, Block: [3]int{64, 4}}
	}
}

// A block that marches has 64 x 4 threads (march.h).
const marchColumns, marchRows = 64, 4

// marching gives every unit as many blocks as argument `blocks` says; one where that is -1.
func marching(blocks int) func(units int, args []cuda.Arg) cuda.Launch {
	return func(units int, args []cuda.Arg) cuda.Launch {
		n := 1
		if blocks >= 0 {
			n = int(args[blocks])
		}
		return cuda.Launch{Grid: [3]int{n, units}, Block: [3]int{marchColumns, marchRows}}
	}
}
