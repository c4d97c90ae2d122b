package cuda_test

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/probe"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func device(t *testing.T, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.NewCPU(threads)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func alloc(t *testing.T, d cuda.Device, n int) cuda.Buffer {
	t.Helper()
	b, err := d.Alloc(n)
	must(t, err)
	return b
}

// TestRun: every unit once, whatever the threads; denormals flushed inside and MXCSR as before outside.
func TestRun(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		for _, units := range []int{0, 1, 2, 7, 100, 1001} {
			d := device(t, threads)
			ran, state, product := alloc(t, d, 8*units), alloc(t, d, 8*units), alloc(t, d, 8*units)
			runtime.LockOSThread()
			before := probe.State()
			must(t, d.Run(&probe.Kernel, units, ran.Arg(), state.Arg(), product.Arg(), cuda.Int(-1)))
			after := probe.State()
			runtime.UnlockOSThread()
			for u, n := range cuda.View[int64](ran) {
				if n != 1 {
					t.Fatalf("%d threads, %d units: unit %d was done %d times", threads, units, u, n)
				}
				if s := cuda.View[int64](state)[u]; s&0x8040 != 0x8040 {
					t.Fatalf("unit %d ran with MXCSR %#x: FTZ and DAZ are not set", u, s)
				}
				if p := product.Float64s()[u]; p != 0 {
					t.Fatalf("unit %d: a denormal product is %g, want 0", u, p)
				}
			}
			if before != after || after&0x8040 != 0 {
				t.Fatalf("MXCSR %#x before and %#x after: FTZ or DAZ reach Go", before, after)
			}
			must(t, d.Synchronise())
		}
	}
}

// TestRunFails: the code, the kernel's name, and no unit done twice.
func TestRunFails(t *testing.T) {
	for _, threads := range []int{1, 4} {
		d := device(t, threads)
		b := alloc(t, d, 8*64)
		err := d.Run(&probe.Kernel, 64, b.Arg(), alloc(t, d, 8*64).Arg(), alloc(t, d, 8*64).Arg(), cuda.Int(33))
		var kernel *cuda.KernelError
		if !errors.As(err, &kernel) || kernel.Code != 2 || kernel.Kernel != "probe" || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%d threads: %v, want code 2 of probe", threads, err)
		}
		if n := cuda.View[int64](b)[33]; n != 0 {
			t.Errorf("the unit that failed wrote %d", n)
		}
		if err := d.Run(&cuda.Kernel{Name: "none"}, 1); err == nil {
			t.Error("a kernel without a CPU twin ran")
		}
		if err := d.Run(&probe.Kernel, -1); err == nil {
			t.Error("-1 units were done")
		}
	}
}

func TestBuffers(t *testing.T) {
	d := device(t, 1)
	for _, n := range []int{0, 1, 63, 4096, 5 << 20} {
		b := alloc(t, d, n)
		if b.Bytes() != n || b.IsNil() || b.Arg()%64 != 0 {
			t.Fatalf("Alloc(%d): %d bytes at %#x", n, b.Bytes(), b.Arg())
		}
		if !bytes.Equal(cuda.View[byte](b), make([]byte, n)) {
			t.Fatalf("Alloc(%d) is not zero", n)
		}
		src := bytes.Repeat([]byte{7, 9}, n/2)
		must(t, d.Upload(b, src))
		dst := make([]byte, len(src))
		must(t, d.Download(dst, b))
		if !bytes.Equal(src, dst) {
			t.Fatalf("%d bytes come back as others", n)
		}
		if d.Upload(b, make([]byte, n+1)) == nil || d.Download(make([]byte, n+1), b) == nil {
			t.Fatalf("more than %d bytes were copied", n)
		}
		if n > 1 {
			if err := d.Free(b.Slice(1, n-1)); err == nil {
				t.Fatal("a part of a buffer was freed")
			}
		}
		must(t, d.Free(b))
		if err := d.Free(b); err == nil {
			t.Fatal("a buffer was freed twice")
		}
	}
	for _, n := range []int{-1, math.MaxInt} {
		if _, err := d.Alloc(n); err == nil {
			t.Errorf("Alloc(%d) returned a buffer", n)
		}
	}
	b := alloc(t, d, 64)
	b.Float32s()[3] = 5
	if part := b.Slice(8, 8); part.Float32s()[1] != 5 || part.Bytes() != 8 || part.Arg() != b.Arg()+8 {
		t.Error("a part is not the memory it is cut from")
	}
	for _, bad := range [][2]int{{-1, 4}, {0, 65}, {64, 1}, {8, -1}, {math.MaxInt, 1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Slice(%d, %d) of 64 bytes", bad[0], bad[1])
				}
			}()
			b.Slice(bad[0], bad[1])
		}()
	}
	if !(cuda.Buffer{}).IsNil() || (cuda.Buffer{}).Float64s() != nil || (cuda.Buffer{}).Arg() != 0 {
		t.Error("the zero buffer is something")
	}
}

func TestClosed(t *testing.T) {
	d := device(t, 2)
	b := alloc(t, d, 8)
	must(t, d.Close())
	_, errAlloc := d.Alloc(1)
	for name, err := range map[string]error{
		"Close": d.Close(), "Alloc": errAlloc, "Upload": d.Upload(b, nil), "Download": d.Download(nil, b),
		"Run": d.Run(&probe.Kernel, 0), "Synchronise": d.Synchronise(),
	} {
		if !errors.Is(err, cuda.ErrClosed) {
			t.Errorf("%s of a closed device: %v", name, err)
		}
	}
}

func TestArguments(t *testing.T) {
	for name, c := range map[string]struct{ got, want cuda.Arg }{
		"int":          {cuda.Int(-2), 0xfffffffffffffffe},
		"float32":      {cuda.Float32(1), 0x3f800000},
		"float64":      {cuda.Float64(1), 0x3ff0000000000000},
		"real float32": {cuda.Real[float32](1), 0x3f800000},
		"real float64": {cuda.Real[float64](1), 0x3ff0000000000000},
	} {
		if c.got != c.want {
			t.Errorf("%s: %#x, want %#x", name, c.got, c.want)
		}
	}
	for _, c := range [][3]int{{0, 4, 0}, {1, 4, 1}, {4, 4, 1}, {5, 4, 2}} {
		if got := cuda.Blocks(c[0], c[1]); got != c[2] {
			t.Errorf("Blocks(%d, %d) = %d, want %d", c[0], c[1], got, c[2])
		}
	}
}

func TestDeviceNames(t *testing.T) {
	if d := device(t, 3); d.Name() != "cpu" || d.Threads() != 3 {
		t.Errorf("%s with %d threads", d.Name(), d.Threads())
	}
	if d := device(t, 0); d.Threads() != runtime.GOMAXPROCS(0) {
		t.Errorf("0 threads gave %d, the process may use %d", d.Threads(), runtime.GOMAXPROCS(0))
	}
	best := cuda.ISA()
	for _, level := range []int{2, 5} {
		if cuda.SetISA(level) == nil {
			t.Errorf("instruction set level %d was set", level)
		}
	}
	if cuda.ISA() != best {
		t.Errorf("level %d after refusals, was %d", cuda.ISA(), best)
	}
}

// TestHeadersAreEmbedded: all headers of this folder, as they are, so that importers are built again when one changes.
func TestHeadersAreEmbedded(t *testing.T) {
	names, err := filepath.Glob("*.h")
	must(t, err)
	if len(names) < 4 {
		t.Fatalf("found %v: the test does not see the headers", names)
	}
	for _, name := range names {
		want, err := os.ReadFile(name)
		must(t, err)
		if got, err := cuda.Headers.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not embedded as it is (%v)", name, err)
		}
	}
}
