package multifrontal

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi
*/
import "C"

import (
	"fmt"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

// kernel is one concept in both number types.
type kernel struct{ f32, f64 *cuda.Kernel }

// both makes the kernels name_f32 and name_f64. shared says how many complex numbers of shared memory a block of `threads`
// takes, from the arguments; nil: none.
func both(name string, f32, f64 unsafe.Pointer, threads int, shared func(args []cuda.Arg) int) *kernel {
	launch := func(size int) func(units int, args []cuda.Arg) cuda.Launch {
		return func(units int, args []cuda.Arg) cuda.Launch {
			l := cuda.Launch{Grid: [3]int{units}, Block: [3]int{threads}}
			if shared != nil {
				l.Shared = size * shared(args)
			}
			return l
		}
	}
	return &kernel{cuda.NewKernel(name+"_f32", f32, launch(8)), cuda.NewKernel(name+"_f64", f64, launch(16))}
}

func of[T cuda.Float](k *kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}

// rows says that a block takes n rows of 17 complex numbers.
func rows(n int) func([]cuda.Arg) int {
	return func([]cuda.Arg) int { return n * (tile + 1) }
}

// operand is a buffer that a method was given, and how many bytes it must hold.
type operand struct {
	name   string
	buffer cuda.Buffer
	bytes  int
}

func check(what string, operands ...operand) error {
	for _, o := range operands {
		if o.buffer.Bytes() < o.bytes {
			return fmt.Errorf("multifrontal: %s: %s has %d bytes, %d are needed", what, o.name, o.buffer.Bytes(), o.bytes)
		}
	}
	return nil
}
