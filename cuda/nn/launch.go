package nn

import (
	"github.com/waveprior/waveprior/cuda"
)

const (
	// threads is the size of a block that goes over elements.
	threads = 256
	// most is the number of blocks of a launch over elements: eight for each of an H100's 132 multiprocessors, twice.
	// Grids beyond would only be scheduled in turn; the threads go round instead.
	most = 2112
	// pack is how many numbers a thread takes at a time: four of float32 (elements.h).
	pack = 4
	// mostY is the largest grid in y and z.
	mostY = 65535
)

// overElements launches a kernel that goes over n elements, n being argument number at.
func overElements(at int) launcher {
	return func(_ int, args []cuda.Arg) cuda.Launch {
		blocks := cuda.Blocks(integer(args, at), threads*pack)
		return cuda.Launch{Grid: [3]int{min(max(blocks, 1), most)}, Block: [3]int{threads}}
	}
}

// overRows launches a kernel that goes over a rectangle, its rows and width being arguments of those numbers: a block is
// as wide as a row, up to threads, and as many rows as fit.
func overRows(rows, width int) launcher {
	return func(_ int, args []cuda.Arg) cuda.Launch {
		return rectangle(integer(args, rows), cuda.Blocks(integer(args, width), pack))
	}
}

// rectangle is the launch of rows rows of so many threads each.
func rectangle(rows, across int) cuda.Launch {
	wide := 32
	for wide < threads && wide < across {
		wide *= 2
	}
	high := threads / wide
	return cuda.Launch{Grid: [3]int{max(1, min(cuda.Blocks(across, wide), most)), min(cuda.Blocks(rows, high), mostY)}, Block: [3]int{wide, high}}
}

// warps launches a warp for each unit.
func warps(units int, _ []cuda.Arg) cuda.Launch {
	return cuda.Launch{Grid: [3]int{units}, Block: [3]int{32}}
}

// integer is argument number i.
func integer(args []cuda.Arg, i int) int { return int(int64(args[i])) }
