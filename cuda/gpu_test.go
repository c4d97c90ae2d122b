//go:build cuda

package cuda_test

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/emulated"
	"github.com/waveprior/waveprior/cuda/internal/probe"
)

var deviceNames = []string{"cpu", "cuda:0"}

func gpu(t *testing.T) cuda.Device {
	t.Helper()
	d, err := cuda.Open("cuda:0", 1)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// onEmulated skips the test on a real GPU, which a planted fault may upset.
func onEmulated(t *testing.T) {
	t.Helper()
	if !emulated.Present() {
		t.Skip("needs the emulated driver: make cuda-test-emulated")
	}
}

func upload[T float32 | float64 | int64](t *testing.T, d cuda.Device, x []T) cuda.Buffer {
	t.Helper()
	raw := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*int(unsafe.Sizeof(x[0])))
	b := alloc(t, d, len(raw))
	must(t, d.Upload(b, raw))
	return b
}

func values[T float32 | float64 | int64](t *testing.T, d cuda.Device, b cuda.Buffer) []T {
	t.Helper()
	var zero T
	out := make([]T, b.Bytes()/int(unsafe.Sizeof(zero)))
	must(t, d.Download(unsafe.Slice((*byte)(unsafe.Pointer(&out[0])), b.Bytes()), b))
	return out
}

// TestGPURun: every unit once, in the order of the calls, and nothing for no units.
func TestGPURun(t *testing.T) {
	d := gpu(t)
	if d.Name() != "cuda" || d.Threads() != 1 {
		t.Errorf("%s with %d threads", d.Name(), d.Threads())
	}
	for _, units := range []int{1, 2, 7, 1001} {
		ran, state, product := alloc(t, d, 8*units), alloc(t, d, 8*units), alloc(t, d, 8*units)
		must(t, d.Upload(product, binary.LittleEndian.AppendUint64(nil, math.Float64bits(1))))
		for range 3 {
			must(t, d.Run(&probe.Kernel, units, ran.Arg(), state.Arg(), product.Arg(), cuda.Int(-1)))
			must(t, d.Run(&probe.Kernel, 0, ran.Arg(), state.Arg(), product.Arg(), cuda.Int(-1)))
		}
		must(t, d.Synchronise())
		for u, n := range values[int64](t, d, ran) {
			if n != 3 {
				t.Fatalf("%d units: unit %d was done %d times of 3", units, u, n)
			}
		}
		if got := values[float64](t, d, product)[0]; got != 0 {
			t.Errorf("the kernel ran before the upload that came first: %g", got)
		}
	}
	if err := d.Run(&probe.Kernel, -1); err == nil {
		t.Error("-1 units were done")
	}
}

// TestGPUFromManyGoroutines: calls from anywhere, each goroutine's in its order, memory that changes hands in between.
func TestGPUFromManyGoroutines(t *testing.T) {
	d := gpu(t)
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			for i := range 20 {
				n := 100 + 300*g + i
				x := make([]float32, n)
				for j := range x {
					x[j] = float32(j % 97)
				}
				bx, by := upload(t, d, x), alloc(t, d, 4*n)
				for range 3 {
					must(t, d.Run(&probe.Axpy, cuda.Blocks(n, 256), by.Arg(), bx.Arg(), cuda.Int(n), cuda.Float32(2)))
				}
				for j, y := range values[float32](t, d, by) {
					if y != 6*x[j] {
						t.Errorf("goroutine %d, round %d: y[%d] = %g, want %g", g, i, j, y, 6*x[j])
						return
					}
				}
				must(t, d.Free(bx))
				must(t, d.Free(by))
			}
		})
	}
	wait.Wait()
}

// TestGPUSum: barriers, warps and shared memory of kernel.h, against the tree written out here.
func TestGPUSum(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 5000)
	for i := range x {
		x[i] = random.NormFloat64()
	}
	want := make([]float64, cuda.Blocks(len(x), 1024))
	for b := range want {
		var threads [256]float64
		for i := 1024 * b; i < min(1024*(b+1), len(x)); i++ {
			threads[i%256] += x[i]
		}
		var warps [32]float64
		for w := range 8 {
			warps[w] = halve([32]float64(threads[32*w:]))
		}
		want[b] = halve(warps)
	}
	d := gpu(t)
	bx := upload(t, d, x)
	for _, order := range orders(t) {
		out := alloc(t, d, 8*len(want))
		must(t, d.Run(&probe.Sum, len(want), out.Arg(), bx.Arg(), cuda.Int(len(x))))
		for b, got := range values[float64](t, d, out) {
			if got != want[b] {
				t.Errorf("%s: block %d: %v, want %v", order, b, got, want[b])
			}
		}
	}
}

func halve(x [32]float64) float64 {
	for half := 16; half > 0; half /= 2 {
		for i := range half {
			x[i] += x[i+half]
		}
	}
	return x[0]
}

// orders goes through the orders of a block's threads where the device is emulated.
func orders(t *testing.T) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		if !emulated.Present() {
			yield(0, "a GPU's order")
			return
		}
		was := os.Getenv("WAVEPRIOR_EMULATED_ORDER")
		if was == "" {
			was = emulated.Orders[0]
		}
		defer func() { must(t, emulated.SetOrder(was)) }()
		for i, order := range emulated.Orders {
			must(t, emulated.SetOrder(order))
			if !yield(i, order) {
				return
			}
		}
	}
}

// TestGPUErrorsComeLater: Run returns, Synchronise says what went wrong, and nothing goes on: neither what was queued behind it,
// nor any later call, from whichever goroutine.
func TestGPUErrorsComeLater(t *testing.T) {
	d, err := cuda.Open("cuda:0", 1)
	must(t, err)
	y, big := alloc(t, d, 4*256), make([]byte, 1<<20)
	wide := alloc(t, d, len(big))
	must(t, d.Run(&probe.Axpy, 1, y.Arg(), y.Arg(), cuda.Int(256), cuda.Float32(1)))
	must(t, d.Run(&probe.Missing, 1, y.Arg()))
	failed := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "probe_missing") || errors.As(err, new(*cuda.LostError)) {
			t.Errorf("%s, after a kernel that is nowhere: %v", what, err)
		}
	}
	for range 2 {
		failed("Synchronise", d.Synchronise())
	}
	_, err = d.Alloc(8)
	failed("Alloc", err)
	_, err = d.Alloc(3 << 20)
	failed("Alloc", err)
	failed("Upload", d.Upload(y, big[:4]))
	failed("Upload", d.Upload(wide, big))
	failed("Run", d.Run(&probe.Axpy, 1, y.Arg(), y.Arg(), cuda.Int(256), cuda.Float32(1)))
	failed("Run", d.Run(&probe.Axpy, 0, y.Arg(), y.Arg(), cuda.Int(256), cuda.Float32(1)))
	other := make(chan error)
	go func() { other <- d.Download(big, wide) }()
	failed("Download", <-other)
	must(t, d.Free(y))
	must(t, d.Close()) // it was told
	d, err = cuda.Open("cuda:0", 1)
	must(t, err)
	must(t, d.Run(&probe.Missing, 1))
	failed("Close", d.Close())
}

// TestLostGPU: after a fault, what every call returns is a LostError with the kernel's name, and no lack of memory or the like.
func TestLostGPU(t *testing.T) {
	onEmulated(t)
	for _, pool := range []string{"on", "off"} {
		t.Setenv("WAVEPRIOR_CUDA_POOL", pool)
		for what, call := range map[string]func(d cuda.Device, y cuda.Buffer) error{
			"Synchronise": func(d cuda.Device, y cuda.Buffer) error { return d.Synchronise() },
			"Download":    func(d cuda.Device, y cuda.Buffer) error { return d.Download(make([]byte, 4), y) },
			"Alloc":       func(d cuda.Device, y cuda.Buffer) error { _, err := d.Alloc(1 << 20); return err },
			"Upload":      func(d cuda.Device, y cuda.Buffer) error { return d.Upload(y, make([]byte, 1<<17)) },
			"Close":       func(d cuda.Device, y cuda.Buffer) error { return d.Close() },
		} {
			d, err := cuda.Open("cuda:0", 1)
			must(t, err)
			y := alloc(t, d, 1<<17)
			must(t, d.Run(&probe.Unguarded, 1<<10, y.Arg(), cuda.Int(1<<10)))
			err = call(d, y)
			var lost *cuda.LostError
			if !errors.As(err, &lost) || !contract.IsDeviceLoss(err) || errors.Is(err, cuda.ErrOutOfMemory) || !strings.Contains(err.Error(), "probe_unguarded") {
				t.Errorf("%s after a fault: %v", what, err)
			}
			if what == "Close" {
				continue
			}
			if again := d.Synchronise(); again == nil || again.Error() != err.Error() {
				t.Errorf("%s after a fault: %v, and then %v", what, err, again)
			}
			must(t, d.Free(y))
			must(t, d.Close())
		}
	}
}

// TestCounts: bytes and operations of a kernel, as its formula says.
func TestCounts(t *testing.T) {
	onEmulated(t)
	d := gpu(t)
	const n = 1000
	x, y := alloc(t, d, 4*n), alloc(t, d, 4*n)
	_, err := emulated.Count("probe_axpy", true)
	must(t, err)
	for range 3 {
		must(t, d.Run(&probe.Axpy, cuda.Blocks(n, 256), y.Arg(), x.Arg(), cuda.Int(n), cuda.Float32(1)))
	}
	must(t, d.Synchronise())
	got, err := emulated.Count("probe_axpy", true)
	must(t, err)
	if want := (emulated.Counts{Read: 3 * 8 * n, Written: 3 * 4 * n, Operations: 3 * 2 * n, Launches: 3}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, _ := emulated.Count("probe_axpy", false); got != (emulated.Counts{}) {
		t.Errorf("%+v after a reset", got)
	}
	if _, err := emulated.Count("probe_missing", false); err == nil {
		t.Error("counts of a kernel that is nowhere")
	}
	if k := emulated.Kernels()["probe_axpy"]; k.Parameters != "ppif" || k.File != "cuda/internal/probe/probe.cu" {
		t.Errorf("%+v", k)
	}
	if emulated.SetOrder("sideways") == nil {
		t.Error("an order of no such name")
	}
}
