//go:build cuda

package cuda_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/emulated"
	"github.com/waveprior/waveprior/cuda/internal/probe"
)

// TestFaultsAreCaught plants what goes wrong in kernels and around them: each must be reported with the kernel's name and
// the numbers. These are tests of the tests: the emulated device sees what it is there to see.
func TestFaultsAreCaught(t *testing.T) {
	onEmulated(t)
	t.Setenv("WAVEPRIOR_CUDA_POOL", "off")
	const n = 300
	for name, c := range map[string]struct {
		plant func(d cuda.Device, y cuda.Buffer) error
		want  []string
		lost  bool // as on a GPU: the context is of no use after it
	}{
		"index past the View": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Unguarded, 2, y.Arg(), cuda.Int(n)) },
			[]string{"probe_unguarded", "block (1, 0, 0), thread (44, 0, 0)", "element 300 of a View of 300"}, true,
		},
		"View longer than its buffer": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.LongView, 2, y.Arg(), cuda.Int(n)) },
			[]string{"probe_long_view", "301 elements of 4 bytes", "(1200 bytes)"}, true,
		},
		"write behind the buffer": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Behind, 2, y.Arg(), cuda.Int(n)) },
			[]string{"probe_behind", "before or behind the buffer of argument 0 (1200 bytes)"}, true,
		},
		"barrier that some do not reach": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Divergent, 1, y.Arg(), cuda.Int(n)) },
			[]string{"probe_divergent", "128 threads wait at __syncthreads()", "128 have returned"}, true,
		},
		"shared memory past its end": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Shared, 1, y.Arg(), cuda.Int(200)) },
			[]string{"probe_shared", "outside of its 1024 bytes"}, true,
		},
		"too few arguments": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Axpy, 2, y.Arg(), y.Arg(), cuda.Int(n)) },
			[]string{"probe_axpy", "3 arguments", "4 parameters"}, false,
		},
		"too many arguments": {
			func(d cuda.Device, y cuda.Buffer) error {
				return d.Run(&probe.Unguarded, 1, y.Arg(), cuda.Int(n), cuda.Int(n))
			},
			[]string{"probe_unguarded", "3 arguments", "2 parameters"}, false,
		},
		"number for a pointer": {
			func(d cuda.Device, y cuda.Buffer) error {
				return d.Run(&probe.Axpy, 2, y.Arg(), cuda.Int(n), y.Arg(), cuda.Float32(1))
			},
			[]string{"probe_axpy", "argument 1 is a pointer", "no memory of the device"}, false,
		},
		"pointer for a number": {
			func(d cuda.Device, y cuda.Buffer) error {
				return d.Run(&probe.Axpy, 2, y.Arg(), y.Arg(), y.Arg(), cuda.Float32(1))
			},
			[]string{"probe_axpy", "argument 2 is a number", "byte 0 of buffer"}, false,
		},
		"float64 for a float32": {
			func(d cuda.Device, y cuda.Buffer) error {
				return d.Run(&probe.Axpy, 2, y.Arg(), y.Arg(), cuda.Int(n), cuda.Float64(1))
			},
			[]string{"probe_axpy", "argument 3 is a float"}, false,
		},
		"the CPU's memory": {
			func(d cuda.Device, y cuda.Buffer) error {
				foreign := alloc(t, device(t, 1), 4*n)
				return d.Run(&probe.Unguarded, 1, foreign.Arg(), cuda.Int(n))
			},
			[]string{"probe_unguarded", "argument 0 is a pointer", "no memory of the device"}, false,
		},
		"another device's memory": {
			func(d cuda.Device, y cuda.Buffer) error {
				return d.Run(&probe.Unguarded, 1, alloc(t, gpu(t), 4*n).Arg(), cuda.Int(n))
			},
			[]string{"probe_unguarded", "argument 0 is a pointer"}, false,
		},
		"use after free": {
			func(d cuda.Device, y cuda.Buffer) error {
				freed := alloc(t, d, 4*n)
				must(t, d.Run(&probe.Axpy, 2, freed.Arg(), y.Arg(), cuda.Int(n), cuda.Float32(1)))
				must(t, d.Free(freed))
				return d.Run(&probe.Unguarded, 1, freed.Arg(), cuda.Int(n))
			},
			[]string{"probe_unguarded", "argument 0", "freed after kernel probe_axpy"}, false,
		},
		"upload after free": {
			func(d cuda.Device, y cuda.Buffer) error {
				freed := alloc(t, d, 4*n)
				must(t, d.Free(freed))
				return d.Upload(freed, make([]byte, 4))
			},
			[]string{"upload of 4 bytes", "freed"}, false,
		},
		"no such kernel": {
			func(d cuda.Device, y cuda.Buffer) error { return d.Run(&probe.Missing, 1, y.Arg(), cuda.Int(n)) },
			[]string{"probe_missing", "no .cu has"}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, emulated.SetOrder("forward")) // the first thread at fault is named
			d := gpu(t)
			y := alloc(t, d, 4*n)
			must(t, c.plant(d, y))
			err := d.Synchronise()
			if err == nil {
				t.Fatal("not caught")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v: does not say %q", err, want)
				}
			}
			if errors.As(err, new(*cuda.LostError)) != c.lost {
				t.Errorf("%v: the GPU is lost: %v", err, !c.lost)
			}
			must(t, gpu(t).Synchronise()) // another context is not harmed
		})
	}
}

// TestRacesAreCaught: a kernel whose threads need an order gives other bits in another one; the right ones do not.
func TestRacesAreCaught(t *testing.T) {
	onEmulated(t)
	d := gpu(t)
	x := make([]float32, 256)
	for i := range x {
		x[i] = 1 / float32(i+1)
	}
	bx := upload(t, d, x)
	for _, c := range []struct {
		kernel *cuda.Kernel
		args   func(y cuda.Buffer) []cuda.Arg
		races  bool
	}{
		{&probe.Race, func(y cuda.Buffer) []cuda.Arg { return []cuda.Arg{y.Arg(), bx.Arg()} }, true},
		{&probe.Unordered, func(y cuda.Buffer) []cuda.Arg { return []cuda.Arg{y.Arg(), bx.Arg(), cuda.Int(256)} }, true},
		{&probe.Axpy, func(y cuda.Buffer) []cuda.Arg {
			return []cuda.Arg{y.Arg(), bx.Arg(), cuda.Int(256), cuda.Float32(2)}
		}, false},
		{&probe.Sum, func(y cuda.Buffer) []cuda.Arg { return []cuda.Arg{y.Arg(), bx.Arg(), cuda.Int(128)} }, false},
	} {
		var bits [][]byte
		for range orders(t) {
			y := alloc(t, d, 4*256)
			must(t, d.Run(c.kernel, 1, c.args(y)...))
			bits = append(bits, download(t, d, y))
		}
		if len(bits) != 3 {
			t.Fatalf("ran in %d orders", len(bits))
		}
		if same := bytes.Equal(bits[0], bits[1]) && bytes.Equal(bits[0], bits[2]); same == c.races {
			t.Errorf("%s: the same bits in all orders of threads: %v", c.kernel.Name, same)
		}
	}
}

// TestNothingIsZeroByChance: memory that nobody wrote is NaN, but for Alloc's, which is zero.
func TestNothingIsZeroByChance(t *testing.T) {
	onEmulated(t)
	d := gpu(t)
	y := alloc(t, d, 4*256)
	if got := values[float32](t, d, y); slices.ContainsFunc(got, func(v float32) bool { return v != 0 }) {
		t.Fatal("Alloc's memory is not zero")
	}
	must(t, d.Run(&probe.Uninitialised, 1, y.Arg(), cuda.Int(256)))
	if got := values[float32](t, d, y); slices.ContainsFunc(got, func(v float32) bool { return v == v }) {
		t.Errorf("shared memory that nobody wrote holds numbers: %v", got)
	}
}

// TestLeaksAreReported: what is not freed when a device is closed, and nothing where all is.
func TestLeaksAreReported(t *testing.T) {
	onEmulated(t)
	for _, pool := range []string{"off", "on"} {
		t.Setenv("WAVEPRIOR_CUDA_POOL", pool)
		for _, leak := range []bool{true, false} {
			d, err := cuda.Open("cuda:0", 1)
			must(t, err)
			a, b := alloc(t, d, 1<<10), alloc(t, d, 1<<11)
			must(t, d.Run(&probe.Unguarded, 1, a.Arg(), cuda.Int(256)))
			c := alloc(t, d, 1<<12)
			must(t, d.Free(a))
			must(t, d.Free(b))
			if !leak {
				must(t, d.Free(c))
			}
			must(t, d.Close())
			got := emulated.Leaks()
			if !leak && got != "" {
				t.Errorf("pool %s: nothing was left, reported is %q", pool, got)
			}
			if leak && (!strings.Contains(got, "1 buffers, 4096 bytes") || !strings.Contains(got, "after kernel probe_unguarded")) {
				t.Errorf("pool %s: a leak of 4096 bytes, reported is %q", pool, got)
			}
		}
	}
}

// TestDeviceMemoryEnds: an error with numbers, and idle memory is given back before that.
func TestDeviceMemoryEnds(t *testing.T) {
	onEmulated(t)
	t.Setenv("WAVEPRIOR_EMULATED_MEMORY", "64") // MiB
	t.Setenv("WAVEPRIOR_CUDA_POOL", "on")
	d := gpu(t)
	a := alloc(t, d, 40<<20)
	if _, err := d.Alloc(40 << 20); !errors.Is(err, cuda.ErrOutOfMemory) || !strings.Contains(err.Error(), "41943040 bytes are in use") {
		t.Errorf("80 of 64 MiB: %v", err)
	}
	must(t, d.Run(&probe.Axpy, 1, a.Arg(), a.Arg(), cuda.Int(256), cuda.Float32(1))) // the device goes on
	must(t, d.Synchronise())
	must(t, d.Free(a))
	b := alloc(t, d, 60<<20) // the pool must give up what is idle
	must(t, d.Free(b))
	must(t, d.Synchronise())
}
