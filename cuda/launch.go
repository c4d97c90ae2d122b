package cuda

import "fmt"

// The limits of a launch on every device that kernels are compiled for.
const (
	maxBlockThreads = 1024
	maxShared       = 48 << 10
)

var (
	maxGrid  = [3]int{1<<31 - 1, 65535, 65535}
	maxBlock = [3]int{1024, 1024, 64}
)

// LaunchOf says how a GPU does the units 0..units-1 of a call: by k.Launch, or by its default. It is an error where that is
// more than a device takes: blocks in the grid, threads in a block, 48 KiB of shared memory.
func (k *Kernel) LaunchOf(units int, args []Arg) (Launch, error) {
	if units < 1 {
		return Launch{}, fmt.Errorf("cuda: kernel %s: %d units", k.Name, units)
	}
	l := Launch{Grid: [3]int{units}, Block: [3]int{256}}
	if k.Launch != nil {
		l = k.Launch(units, args)
	}
	threads := 1
	for i := range 3 {
		l.Grid[i], l.Block[i] = one(l.Grid[i]), one(l.Block[i])
		if l.Grid[i] < 1 || l.Grid[i] > maxGrid[i] {
			return Launch{}, fmt.Errorf("cuda: kernel %s: %d units: a grid of %v blocks, 1 to %v are allowed", k.Name, units, l.Grid, maxGrid)
		}
		if l.Block[i] < 1 || l.Block[i] > maxBlock[i] {
			return Launch{}, fmt.Errorf("cuda: kernel %s: a block of %v threads, 1 to %v are allowed", k.Name, l.Block, maxBlock)
		}
		threads *= l.Block[i]
	}
	if threads > maxBlockThreads {
		return Launch{}, fmt.Errorf("cuda: kernel %s: a block of %v = %d threads, %d are allowed", k.Name, l.Block, threads, maxBlockThreads)
	}
	if l.Shared < 0 || l.Shared > maxShared {
		return Launch{}, fmt.Errorf("cuda: kernel %s: %d bytes of shared memory, 0 to %d are allowed", k.Name, l.Shared, maxShared)
	}
	return l, nil
}

func one(n int) int {
	if n == 0 {
		return 1
	}
	return n
}
