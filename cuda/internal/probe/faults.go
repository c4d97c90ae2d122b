package probe

import "github.com/waveprior/waveprior/cuda"

// Kernels of probe.cu without CPU twins, for tests of the GPU device. They are not in the list of cuda.Kernels.
var (
	// Axpy computes y = a x + y: y, x (float32), n, a (float32); 256 elements a unit.
	Axpy = cuda.Kernel{Name: "probe_axpy"}
	// Sum computes out[u] = the sum of elements 1024 u to 1024 u + 1023 of x: out, x (float64), n.
	Sum = cuda.Kernel{Name: "probe_sum", Launch: func(units int, _ []cuda.Arg) cuda.Launch {
		return cuda.Launch{Grid: [3]int{units}, Block: [3]int{128, 2}, Shared: 32 * 8}
	}}

	// What follows does something wrong: probe.cu says what.
	Unguarded     = cuda.Kernel{Name: "probe_unguarded"}     // y (float32), n
	LongView      = cuda.Kernel{Name: "probe_long_view"}     // y (float32), n
	Behind        = cuda.Kernel{Name: "probe_behind"}        // y (float32), n
	Race          = withShared("probe_race", 4*256)          // y, x (256 float32)
	Unordered     = cuda.Kernel{Name: "probe_unordered"}     // sum (1 float32), x (float32), n
	Divergent     = cuda.Kernel{Name: "probe_divergent"}     // y (float32), n
	Shared        = withShared("probe_shared", 4*256)        // y (float32), n
	Uninitialised = withShared("probe_uninitialised", 4*256) // y (float32), n
	Missing       = cuda.Kernel{Name: "probe_missing"}       // in no .cu
)

func withShared(name string, bytes int) cuda.Kernel {
	return cuda.Kernel{Name: name, Launch: func(units int, _ []cuda.Arg) cuda.Launch {
		return cuda.Launch{Grid: [3]int{units}, Block: [3]int{256}, Shared: bytes}
	}}
}
