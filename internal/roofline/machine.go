package roofline

import "fmt"

// Machine holds a GPU's data sheet and the limits of one of its multiprocessors.
type Machine struct {
	Name  string
	Arch  string
	Bytes float64 // of memory a second
	Flop  float64 // float32 operations a second, a fused multiply-add counted as two; no tensor cores
	Flop8 float64 // float64 operations a second, likewise
	// Launch is what one kernel launch costs at least, seconds, however little it does.
	Launch float64
	// SharedPerSM and SharedPerBlock are bytes; the driver takes SharedReserved of each block's part for itself.
	SharedPerSM, SharedPerBlock, SharedReserved int
	SMs                                         int
}

// H100 is the SXM5 board, as NVIDIA's data sheet has it (H100 Tensor Core GPU Architecture, v1.04, tables 1 and 2).
// Launch is the usual cost of a small kernel in a stream, 2 to 3 us: not on any data sheet, and not measured here.
var H100 = Machine{
	Name: "H100 SXM5", Arch: "sm_90", Bytes: 3.35e12, Flop: 67e12, Flop8: 34e12, Launch: 2.5e-6,
	SharedPerSM: 228 << 10, SharedPerBlock: 227 << 10, SharedReserved: 1 << 10, SMs: 132,
}

// A100 is the SXM4 board of 80 GB (A100 Tensor Core GPU data sheet).
var A100 = Machine{
	Name: "A100 SXM4", Arch: "sm_80", Bytes: 2.04e12, Flop: 19.5e12, Flop8: 9.7e12, Launch: 2.5e-6,
	SharedPerSM: 164 << 10, SharedPerBlock: 163 << 10, SharedReserved: 1 << 10, SMs: 108,
}

// What sm_80 and sm_90 have in common (CUDA C++ Programming Guide, table of technical specifications per compute
// capability; CUDA Occupancy Calculator: registers are given to warps by 256, warps to blocks by 4).
const (
	warp            = 32
	warpsPerSM      = 64
	blocksPerSM     = 32
	registersPerSM  = 1 << 16
	registerUnit    = 256
	warpUnit        = 4
	sharedUnit      = 128
	threadsPerBlock = 1024
)

// Occupancy says how many warps a multiprocessor holds at a time, and what keeps it from holding more.
type Occupancy struct {
	Blocks  int // of a multiprocessor
	Warps   int // of 64
	Percent int
	Limit   string // "registers", "shared memory", "threads" or "blocks"
}

// Occupancy computes, as NVIDIA's occupancy calculator does, what a multiprocessor holds of a kernel with that many threads
// a block, registers a thread, and bytes of shared memory a block, static and dynamic. It is what the limits allow, not what
// a run reaches. A block that does not fit at all is an error.
func (m Machine) Occupancy(threads, registers, shared int) (Occupancy, error) {
	if threads < 1 || threads > threadsPerBlock || registers < 1 || registers > 255 || shared < 0 || shared > m.SharedPerBlock {
		return Occupancy{}, fmt.Errorf("roofline: a block of %d threads (1 to %d), %d registers a thread (1 to 255), %d bytes of shared memory (0 to %d)",
			threads, threadsPerBlock, registers, shared, m.SharedPerBlock)
	}
	warps := ceil(threads, warp)
	limits := []struct {
		name   string
		blocks int
	}{
		{"threads", warpsPerSM / warps},
		{"blocks", blocksPerSM},
		{"registers", registersPerSM / (ceil(registers*warp, registerUnit) * registerUnit) / warpUnit * warpUnit / warps},
		{"shared memory", m.SharedPerSM / (ceil(shared+m.SharedReserved, sharedUnit) * sharedUnit)},
	}
	least := limits[0]
	for _, l := range limits[1:] {
		if l.blocks < least.blocks {
			least = l
		}
	}
	if least.blocks == 0 {
		return Occupancy{}, fmt.Errorf("roofline: a block of %d threads with %d registers each does not fit: no %s", threads, registers, least.name)
	}
	return Occupancy{least.blocks, least.blocks * warps, 100 * least.blocks * warps / warpsPerSM, least.name}, nil
}

func ceil(n, unit int) int { return (n + unit - 1) / unit }
