// Package cuda is the bottom of the numerical core: a Device that owns memory and runs kernels, and the headers that all
// kernels share. The kernels themselves live in families below it, each a package of its own: cuda/nn (networks),
// cuda/helmholtz (fronts of the Helmholtz solver), cuda/wave and cuda/elastic (propagators in time, over cuda/march).
//
// A [Kernel] is one hand-written loop, known by the name of its CUDA symbol, with its CPU twin as a C function. It is run
// over work units 0..units-1. What a unit is depends on the problem's size alone, never on the number of threads, and no
// two units write the same element: so any number of threads gives the same bits. Arguments are eight bytes each, the
// address of a [Buffer] or a scalar, because a CUDA launch through gorgonia.org/cu copies exactly that.
//
//	d, err := cuda.NewCPU(2)
//	...
//	defer d.Close()
//	x, err := d.Alloc(4 * n)                                 // n float32, zero
//	copy(x.Float32s(), values)                               // CPU device only; Upload works everywhere
//	err = d.Run(&scale, cuda.Blocks(n, 4096), x.Arg(), cuda.Int(n), cuda.Float32(0.5))
//
// Nobody but the families calls Run: each kernel has a typed Go wrapper beside it that says shapes and units and checks
// sizes.
//
// The package is not a general array library: it has no shapes, no types and no operations of its own.
package cuda

import (
	"embed"
)

// Headers are the files that kernels of every family include. They are embedded for one reason: the go command looks for
// changed headers in a package's own folder only, so that an edit of cuda/x.h would leave stale objects in cuda/nn. As
// embedded files they are part of this package's archive, on whose hash the build of every importer depends
// (docs/adr/0010-cuda-families.md; internal/rules tests that whoever includes them imports this package).
//
//go:embed *.h
var Headers embed.FS
