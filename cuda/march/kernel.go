package march

import (
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// Kernel is one concept in both number types.
type Kernel struct{ f32, f64 *cuda.Kernel }

// Alone makes kernels name_f32 and name_f64 of whole shots. They are not in cuda.Kernels: that is the list of those with a CUDA
// twin, and on a GPU what they do is done by those of a batch.
func Alone(name string, f32, f64 unsafe.Pointer) Kernel {
	return Kernel{&cuda.Kernel{Name: name + "_f32", CPU: f32}, &cuda.Kernel{Name: name + "_f64", CPU: f64}}
}

// Both makes the kernels name_f32 and name_f64, which have CUDA twins.
func Both(name string, f32, f64 unsafe.Pointer, launch func(units int, args []cuda.Arg) cuda.Launch) Kernel {
	return Kernel{cuda.NewKernel(name+"_f32", f32, launch), cuda.NewKernel(name+"_f64", f64, launch)}
}

// Of is the kernel for numbers of type T.
func Of[T cuda.Float](k Kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}

// Items gives every item, which is a unit, blocks of 64 x 4 threads for rows of four (EachOfItem of blocks.h); argument `rows` says
// how many rows.
func Items(rows int) func(units int, args []cuda.Arg) cuda.Launch {
	return func(units int, args []cuda.Arg) cuda.Launch {
		return cuda.Launch{Grid: [3]int{cuda.Blocks(int(args[rows]), blockRows), units}, Block: [3]int{blockColumns, blockRows}}
	}
}

// A block has 64 x 4 threads (blocks.h).
const (
	blockColumns, blockRows = 64, 4
	BlockThreads            = blockColumns * blockRows
)

// Arguments of the kernels of a batch that say how many blocks a unit has (units.h).
const (
	forwardBlocks = 22
	backBlocks    = 26
)

// ForwardLaunch is how a kernel with the arguments of a forward march is launched, BackLaunch one with those of the transpose, and
// OneBlock one that has a block for each unit.
func ForwardLaunch(units int, args []cuda.Arg) cuda.Launch {
	return blocks(int(args[forwardBlocks]), units)
}

// BackLaunch is as ForwardLaunch.
func BackLaunch(units int, args []cuda.Arg) cuda.Launch { return blocks(int(args[backBlocks]), units) }

// OneBlock is as ForwardLaunch.
func OneBlock(units int, _ []cuda.Arg) cuda.Launch { return blocks(1, units) }

func blocks(n, units int) cuda.Launch {
	return cuda.Launch{Grid: [3]int{n, units}, Block: [3]int{blockColumns, blockRows}}
}

// Padding are the arguments that make a struct Padding of padding.h.
func Padding(rows, cols, wide, lead, top, left, nz, nx int) []cuda.Arg {
	var args []cuda.Arg
	for _, n := range []int{rows, cols, wide, lead, top, left, nz, nx} {
		args = append(args, cuda.Int(n))
	}
	return args
}
