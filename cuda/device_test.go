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

func must(t testing.TB, err error) {
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

// devices are those that this test binary can open: the CPU, and with -tags cuda a GPU, real or emulated.
func devices(t *testing.T, test func(t *testing.T, d cuda.Device)) {
	t.Helper()
	for _, name := range deviceNames {
		t.Run(name, func(t *testing.T) {
			d, err := cuda.Open(name, 2)
			must(t, err)
			t.Cleanup(func() { d.Close() })
			test(t, d)
		})
	}
}

func download(t *testing.T, d cuda.Device, b cuda.Buffer) []byte {
	t.Helper()
	out := make([]byte, b.Bytes())
	must(t, d.Download(out, b))
	return out
}

func TestBuffers(t *testing.T) {
	devices(t, func(t *testing.T, d cuda.Device) {
		for _, n := range []int{0, 1, 63, 4096, 100000, 5 << 20} {
			for range 2 { // the second may get the memory of the first
				b := alloc(t, d, n)
				if b.Bytes() != n || b.IsNil() || b.Arg()%64 != 0 {
					t.Fatalf("Alloc(%d): %d bytes at %#x", n, b.Bytes(), b.Arg())
				}
				if !bytes.Equal(download(t, d, b), make([]byte, n)) {
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
		}
		for _, n := range []int{-1, math.MaxInt} {
			if _, err := d.Alloc(n); err == nil {
				t.Errorf("Alloc(%d) returned a buffer", n)
			}
		}
		b := alloc(t, d, 64)
		must(t, d.Upload(b.Slice(8, 8), []byte{1, 2, 3}))
		if got := download(t, d, b); got[9] != 2 || b.Slice(8, 8).Bytes() != 8 || b.Slice(8, 8).Arg() != b.Arg()+8 {
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
	})
	b := alloc(t, device(t, 1), 64)
	b.Float32s()[3] = 5
	if part := b.Slice(8, 8); part.Float32s()[1] != 5 {
		t.Error("a part is not the memory it is cut from")
	}
	if !(cuda.Buffer{}).IsNil() || (cuda.Buffer{}).Float64s() != nil || (cuda.Buffer{}).Arg() != 0 {
		t.Error("the zero buffer is something")
	}
}

// TestUploadIsDone: what Upload was given may change when it has returned.
func TestUploadIsDone(t *testing.T) {
	devices(t, func(t *testing.T, d cuda.Device) {
		for _, n := range []int{100, 1 << 20} {
			b, src := alloc(t, d, n), bytes.Repeat([]byte{3}, n)
			must(t, d.Upload(b, src))
			clear(src)
			if got := download(t, d, b); !bytes.Equal(got, bytes.Repeat([]byte{3}, n)) {
				t.Errorf("%d bytes changed after their upload", n)
			}
		}
	})
}

// TestMemory: what is in use goes up and down with the buffers, the peak only up, and is never less.
func TestMemory(t *testing.T) {
	devices(t, func(t *testing.T, d cuda.Device) {
		used := func(want int) (peak int) {
			t.Helper()
			got, peak := d.Memory()
			if got != want || peak < got {
				t.Fatalf("%d bytes in use, at most %d; %d are", got, peak, want)
			}
			return peak
		}
		if peak := used(0); peak != 0 {
			t.Fatalf("a new device has held %d bytes", peak)
		}
		a := alloc(t, d, 1000)
		b := alloc(t, d, 1<<20)
		peak := used(1000 + 1<<20)
		if peak > (1000+1<<20)*5/4 {
			t.Errorf("%d bytes held for %d", peak, 1000+1<<20)
		}
		must(t, d.Free(b))
		if used(1000) != peak {
			t.Error("the peak changed with a Free")
		}
		for range 10 {
			c := alloc(t, d, 1<<20)
			must(t, d.Free(c))
		}
		if got := used(1000); got != peak {
			t.Errorf("peak %d after buffers of the same size came and went, was %d", got, peak)
		}
		must(t, d.Free(a))
		used(0)
	})
}

func TestClosed(t *testing.T) {
	closed := func(t *testing.T, d cuda.Device) {
		b := alloc(t, d, 8)
		must(t, d.Close())
		_, errAlloc := d.Alloc(1)
		for name, err := range map[string]error{
			"Close": d.Close(), "Alloc": errAlloc, "Upload": d.Upload(b, nil), "Download": d.Download(nil, b),
			"Run": d.Run(&probe.Kernel, 1), "Synchronise": d.Synchronise(), "Free": d.Free(b),
		} {
			if !errors.Is(err, cuda.ErrClosed) {
				t.Errorf("%s of a closed device: %v", name, err)
			}
		}
	}
	devices(t, closed)
	t.Run("ledger", func(t *testing.T) {
		closed(t, cuda.NewLedger(func(k *cuda.Kernel, _ int, _ []cuda.Arg) { t.Errorf("kernel %s was launched", k.Name) }))
	})
}

func TestOpen(t *testing.T) {
	d, err := cuda.Open("cpu", 3)
	must(t, err)
	defer d.Close()
	if d.Name() != "cpu" || d.Threads() != 3 {
		t.Errorf("%s with %d threads", d.Name(), d.Threads())
	}
	for _, name := range []string{"", "gpu", "cuda", "cuda:", "cuda:-1", "cuda:256", "cuda:01", "cuda:+1", "CPU", "cpu:0"} {
		if _, err := cuda.Open(name, 1); err == nil || !strings.Contains(err.Error(), `"cuda:0"`) {
			t.Errorf("Open(%q): %v, want an error that says what is allowed", name, err)
		}
	}
	if len(deviceNames) == 1 {
		if _, err := cuda.Open("cuda:0", 1); err == nil || !strings.Contains(err.Error(), "-tags cuda") {
			t.Errorf("cuda:0 in a binary without GPU support: %v", err)
		}
	}
}

// TestLaunchOf: the default, the zeros, and what no device takes.
func TestLaunchOf(t *testing.T) {
	of := func(units int, l cuda.Launch) (cuda.Launch, error) {
		k := cuda.Kernel{Name: "k", Launch: func(int, []cuda.Arg) cuda.Launch { return l }}
		return k.LaunchOf(units, nil)
	}
	if l, err := (&cuda.Kernel{}).LaunchOf(7, nil); err != nil || l != (cuda.Launch{Grid: [3]int{7, 1, 1}, Block: [3]int{256, 1, 1}}) {
		t.Errorf("default: %v, %v", l, err)
	}
	most := cuda.Launch{Grid: [3]int{1<<31 - 1, 65535, 65535}, Block: [3]int{4, 4, 64}, Shared: 49152}
	if l, err := of(1, most); err != nil || l != most {
		t.Errorf("the largest launch: %v, %v", l, err)
	}
	if l, err := of(1, cuda.Launch{Grid: [3]int{3}, Block: [3]int{0, 64}}); err != nil || l != (cuda.Launch{Grid: [3]int{3, 1, 1}, Block: [3]int{1, 64, 1}}) {
		t.Errorf("zeros: %v, %v", l, err)
	}
	for _, l := range []cuda.Launch{
		{Grid: [3]int{1 << 31}}, {Grid: [3]int{1, 65536}}, {Grid: [3]int{1, 1, 65536}}, {Grid: [3]int{-1}},
		{Block: [3]int{1025}}, {Block: [3]int{1, 1025}}, {Block: [3]int{1, 1, 65}}, {Block: [3]int{32, 33}}, {Block: [3]int{-1}},
		{Shared: 49153}, {Shared: -1},
	} {
		if _, err := of(1, l); err == nil || !strings.Contains(err.Error(), "kernel k") {
			t.Errorf("%v: %v, want an error with the kernel's name", l, err)
		}
	}
	if _, err := of(0, cuda.Launch{}); err == nil {
		t.Error("0 units were launched")
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
