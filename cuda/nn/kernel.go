package nn

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

// launcher says how a GPU starts a kernel.
type launcher = func(units int, args []cuda.Arg) cuda.Launch

func both(name string, f32, f64 unsafe.Pointer, launch launcher) *kernel {
	return bothSized(name, f32, f64, func(int) launcher { return launch })
}

// bothSized is both where the launch depends on the size of a number in bytes.
func bothSized(name string, f32, f64 unsafe.Pointer, launch func(size int) launcher) *kernel {
	return &kernel{cuda.NewKernel(name+"_f32", f32, launch(4)), cuda.NewKernel(name+"_f64", f64, launch(8))}
}

func of[T cuda.Float](k *kernel) *cuda.Kernel {
	if cuda.SizeOf[T]() == 4 {
		return k.f32
	}
	return k.f64
}

// block is the number of elements in a unit of an elementwise kernel: 16 KiB of float32.
const block = 4096

// operand is a buffer that a function was given, and how many numbers it must hold.
type operand struct {
	name   string
	buffer cuda.Buffer
	count  int
}

// check says which operand is too small. An operand that may be missing is listed only where it is there.
func check[T cuda.Float](what string, operands ...operand) error {
	return checkSize(what, cuda.SizeOf[T](), operands...)
}

func checkSize(what string, size int, operands ...operand) error {
	for _, o := range operands {
		if o.buffer.Bytes() < o.count*size {
			return fmt.Errorf("nn: %s: %s has %d bytes, %d numbers of %d bytes are needed", what, o.name, o.buffer.Bytes(), o.count, size)
		}
	}
	return nil
}

func positive(what string, sizes ...int) error {
	for _, n := range sizes {
		if n <= 0 {
			return fmt.Errorf("nn: %s: sizes %v: each must be at least 1", what, sizes)
		}
	}
	return nil
}
