package diffusion

/*
#cgo CXXFLAGS: -std=c++17 -O3 -fopenmp-simd -Wall -Wextra -Wno-psabi
#include <stdint.h>
int diffusion_noised_f32_cpu(const uint64_t*, int64_t, int64_t);
*/
import "C"

import (
	"fmt"

	"github.com/waveprior/waveprior/cuda"
)

var noised = cuda.NewKernel("diffusion_noised_f32", C.diffusion_noised_f32_cpu, launch)

// launch takes a pair of numbers to a thread: a block is as wide as a row has pairs, up to 256, and as many rows as fit.
func launch(_ int, args []cuda.Arg) cuda.Launch {
	pairs, rows := (int(args[11])+1)/2, int(args[12])
	wide := 32
	for wide < 256 && wide < pairs {
		wide *= 2
	}
	high := 256 / wide
	return cuda.Launch{
		Grid:  [3]int{max(1, min(cuda.Blocks(pairs, wide), 2112)), max(1, min(cuda.Blocks(rows, high), 65535))},
		Block: [3]int{wide, high},
	}
}

// Set is a training set on a device with the schedule of its noise: Z (Examples, Width) float32; Alpha and Sigma (Levels)
// float64, of every level.
type Set struct {
	Z, Alpha, Sigma         cuda.Buffer
	Examples, Width, Levels int
}

// Batch says which rows of a Set go into one step, and how noisy: Index and Level (Rows) int32, within the Set's tables. On
// the CPU other numbers fail the call; on a GPU, where nobody looks, their rows become NaN.
type Batch struct {
	Index, Level cuda.Buffer
	Rows         int
}

// Noised fills eps (rows, width) float32 with standard normals and x (rows, width) with alpha_t z_i + sigma_t eps, i the row's
// example and t its level (noised.h: how it is rounded). The normals of row r are those of core/rng's stream with that key
// (Stream.Key, low half first) at (step, example i, draw 0): they depend on nothing else of the batch.
func Noised(d cuda.Device, x, eps cuda.Buffer, b Batch, s Set, key [2]uint32, step int) error {
	if b.Rows <= 0 || s.Examples <= 0 || s.Width <= 0 || s.Levels <= 0 || uint64(step) >= 1<<32 {
		return fmt.Errorf("diffusion: noised: %d rows of %d examples of %d numbers, %d levels, step %d: each at least 1, the step 0 to 2^32-1",
			b.Rows, s.Examples, s.Width, s.Levels, step)
	}
	for _, o := range []struct {
		name   string
		buffer cuda.Buffer
		bytes  int
	}{
		{"x", x, 4 * b.Rows * s.Width}, {"eps", eps, 4 * b.Rows * s.Width}, {"z", s.Z, 4 * s.Examples * s.Width},
		{"index", b.Index, 4 * b.Rows}, {"level", b.Level, 4 * b.Rows}, {"alpha", s.Alpha, 8 * s.Levels}, {"sigma", s.Sigma, 8 * s.Levels},
	} {
		if o.buffer.Bytes() < o.bytes {
			return fmt.Errorf("diffusion: noised: %s has %d bytes, %d are needed", o.name, o.buffer.Bytes(), o.bytes)
		}
	}
	return d.Run(noised, b.Rows, x.Arg(), eps.Arg(), s.Z.Arg(), b.Index.Arg(), b.Level.Arg(), s.Alpha.Arg(), s.Sigma.Arg(),
		cuda.Arg(uint64(key[1])<<32|uint64(key[0])), cuda.Int(step), cuda.Int(s.Examples), cuda.Int(s.Levels), cuda.Int(s.Width), cuda.Int(b.Rows))
}
