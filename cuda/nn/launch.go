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

// launchColumns gives each column a thread, width being argument 3; small blocks spread a row over more multiprocessors.
func launchColumns(_ int, args []cuda.Arg) cuda.Launch {
	const wide = 64
	return cuda.Launch{Grid: [3]int{cuda.Blocks(integer(args, 3), wide)}, Block: [3]int{wide}}
}

// The tiles of the dense products (product.h).
const (
	thinSide  = 32
	thinWarps = 8
	thinRows  = 64 // products of at most so many rows go in thin tiles
	wideDepth = 16
)

// wideSide is the side of a wide tile: 128 float32, 64 float64.
func wideSide(size int) int { return 512 / size }

// launchWide launches a block for each wide tile of a matrix whose rows and columns are arguments of those numbers.
func launchWide(rows, columns int) func(size int) launcher {
	return func(size int) launcher {
		return func(_ int, args []cuda.Arg) cuda.Launch {
			side := wideSide(size)
			// Two factors, each twice; a row of a block is padded by 16 bytes.
			shared := 4 * wideDepth * (side*size + 16)
			return tiles(integer(args, rows), integer(args, columns), side, [3]int{16, 16}, shared)
		}
	}
}

// launchRows launches a product over items, whose rows, columns and tile are arguments of those numbers: thin tiles for
// few rows, else wide ones. The tile decides, not the number of rows, so that an item's bits are the same in a longer batch.
func launchRows(rows, columns, tile int) func(size int) launcher {
	return func(size int) launcher {
		wide := launchWide(rows, columns)(size)
		return func(units int, args []cuda.Arg) cuda.Launch {
			if integer(args, tile) > thinRows {
				return wide(units, args)
			}
			// Two factors of each warp, 64 bytes deep, and after them the sums of four warps.
			shared := max(2*thinWarps*(64/size)*(thinSide*size+16), 4*thinSide*thinSide*size)
			return tiles(integer(args, rows), integer(args, columns), thinSide, [3]int{32, thinWarps}, shared)
		}
	}
}

func tiles(rows, columns, side int, block [3]int, shared int) cuda.Launch {
	return cuda.Launch{Grid: [3]int{cuda.Blocks(columns, side), cuda.Blocks(rows, side)}, Block: block, Shared: shared}
}

// integer is argument number i.
func integer(args []cuda.Arg, i int) int { return int(int64(args[i])) }
