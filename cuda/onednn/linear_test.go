package onednn_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
	"github.com/waveprior/waveprior/cuda/onednn"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func device(t testing.TB, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.NewCPU(threads)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func filled(t testing.TB, d cuda.Device, n int, f func() float32) cuda.Buffer {
	t.Helper()
	b, err := d.Alloc(4 * n)
	must(t, err)
	for i := range b.Float32s() {
		b.Float32s()[i] = f()
	}
	return b
}

// products runs the three products by oneDNN and by package nn, each into its own buffers, and returns both as pairs.
func products(t testing.TB, d cuda.Device, s nn.LinearShape, accumulate bool, seed uint64) (got, want [3][]float32) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 2))
	normal := func() float32 { return float32(r.NormFloat64()) }
	one := func() float32 { return 1 }
	x, w, b, dy := filled(t, d, s.Rows*s.In, normal), filled(t, d, s.In*s.Out, normal), filled(t, d, s.Out, normal), filled(t, d, s.Rows*s.Out, normal)
	for i, out := range []*[3][]float32{&got, &want} {
		y, dx, dw := filled(t, d, s.Rows*s.Out, one), filled(t, d, s.Rows*s.In, one), filled(t, d, s.In*s.Out, one)
		if i == 0 {
			must(t, onednn.LinearForward(d, y, x, w, b, s))
			must(t, onednn.LinearBackwardInput(d, dx, dy, w, s, accumulate))
			must(t, onednn.LinearBackwardWeight(d, dw, x, dy, s, accumulate))
		} else {
			must(t, nn.LinearForward[float32](d, y, x, w, b, s))
			must(t, nn.LinearBackwardInput[float32](d, dx, dy, w, s, accumulate))
			must(t, nn.LinearBackwardWeight[float32](d, dw, cuda.Buffer{}, x, dy, s, accumulate))
		}
		*out = [3][]float32{slices.Clone(y.Float32s()), slices.Clone(dx.Float32s()), slices.Clone(dw.Float32s())}
	}
	return got, want
}

// TestLinear holds oneDNN to the products of package nn, which stand on triple loops in float64: sums of n normals, both
// off by some sqrt(n) roundings of numbers of size sqrt(n).
func TestLinear(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for _, s := range []nn.LinearShape{{Rows: 1, In: 1, Out: 1}, {Rows: 33, In: 100, Out: 356}, {Rows: 50, In: 356, Out: 600}, {Rows: 64, In: 600, Out: 100, Tile: 32}} {
		for _, accumulate := range []bool{false, true} {
			var first [3][]float32
			for _, threads := range []int{1, 2, 4} {
				got, want := products(t, device(t, threads), s, accumulate, seed)
				for p, terms := range []int{s.In, s.Out, s.Rows} {
					for i := range got[p] {
						if e := math.Abs(float64(got[p][i] - want[p][i])); !(e <= 1e-6*float64(terms+1)) {
							t.Fatalf("%+v, product %d, element %d: %g, want %g", s, p, i, got[p][i], want[p][i])
						}
					}
					if threads == 1 {
						first[p] = got[p]
					} else if !slices.Equal(first[p], got[p]) {
						t.Fatalf("%+v, product %d: %d threads give other bits than one", s, p, threads)
					}
				}
			}
		}
	}
}

// TestOtherThread makes the primitives of a shape on one locked OS thread and runs them on another, new one, which is what
// Go does to every goroutine: no primitive is made twice, bits are the same, memory of the first thread (which is gone by
// then) is not used, and the library stays at one thread, on the new thread, too.
func TestOtherThread(t *testing.T) {
	s := nn.LinearShape{Rows: 512, In: 211, Out: 777}
	d := device(t, 1)
	before := onednn.Look()
	type result struct {
		thread int
		bits   [3][]float32
		state  onednn.State
	}
	results := make(chan result)
	run := func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		got, _ := products(t, d, s, false, 7)
		results <- result{syscall.Gettid(), got, onednn.Look()}
	}
	go run()
	a := <-results
	go run()
	b := <-results
	if a.thread == b.thread {
		t.Fatalf("both ran on thread %d: the test is to use two", a.thread)
	}
	// 777 columns are two panels, the 211 rows of dw and columns of dx one each: four shapes.
	if a.state.Primitives-before.Primitives != 4 || b.state.Primitives != a.state.Primitives {
		t.Errorf("%d primitives before, %d after the first thread, %d after the second: want 4 more, then none",
			before.Primitives, a.state.Primitives, b.state.Primitives)
	}
	if b.state.ScratchBytes == 0 && cuda.ISA() == 4 { // with AVX2 the library takes another way
		t.Error("no primitive needs scratch memory: the test does not see whose it is")
	}
	if a.state.Threads != 1 || b.state.Threads != 1 {
		t.Errorf("OpenMP would use %d and %d threads", a.state.Threads, b.state.Threads)
	}
	for p := range a.bits {
		if !slices.Equal(a.bits[p], b.bits[p]) {
			t.Errorf("product %d: the second thread gives other bits", p)
		}
	}
}

func TestRefuses(t *testing.T) {
	d := device(t, 1)
	b := filled(t, d, 16, func() float32 { return 1 })
	for _, s := range []nn.LinearShape{{}, {Rows: 1, In: -1, Out: 1}, {Rows: 3, In: 1, Out: 1, Tile: 2}, {Rows: 4, In: 5, Out: 4}} {
		if onednn.LinearForward(d, b, b, b, cuda.Buffer{}, s) == nil || onednn.LinearBackwardInput(d, b, b, b, s, false) == nil ||
			onednn.LinearBackwardWeight(d, b, b, b, s, false) == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

// BenchmarkLinear: oneDNN beside package nn, one thread, a hidden layer of the published network at training's and at
// inference's number of rows, six layers' weights in turn. GFLOP per second of CPU time, so that other processes on the
// machine count less.
func BenchmarkLinear(b *testing.B) {
	const width, count = 2048, 6
	d := device(b, 1)
	r := rand.New(rand.NewPCG(1, 2))
	normal := func() float32 { return float32(r.NormFloat64()) }
	x, y, bias := filled(b, d, 50*width, normal), filled(b, d, 50*width, normal), filled(b, d, width, normal)
	var w, dw [count]cuda.Buffer
	for i := range w {
		w[i], dw[i] = filled(b, d, width*width, normal), filled(b, d, width*width, normal)
	}
	for _, rows := range []int{50, 32} {
		s := nn.LinearShape{Rows: rows, In: width, Out: width}
		for _, p := range []struct {
			name string
			run  func(i int) error
		}{
			{"forward/own", func(i int) error { return nn.LinearForward[float32](d, y, x, w[i], bias, s) }},
			{"forward/onednn", func(i int) error { return onednn.LinearForward(d, y, x, w[i], bias, s) }},
			{"backward-input/own", func(i int) error { return nn.LinearBackwardInput[float32](d, y, x, w[i], s, false) }},
			{"backward-input/onednn", func(i int) error { return onednn.LinearBackwardInput(d, y, x, w[i], s, false) }},
			{"backward-weight/own", func(i int) error {
				return nn.LinearBackwardWeight[float32](d, dw[i], cuda.Buffer{}, x, y, s, false)
			}},
			{"backward-weight/onednn", func(i int) error { return onednn.LinearBackwardWeight(d, dw[i], x, y, s, false) }},
		} {
			b.Run(fmt.Sprintf("%s/rows=%d", p.name, rows), func(b *testing.B) {
				n, before := 0, cpuSeconds(b)
				for b.Loop() {
					must(b, p.run(n%count))
					n++
				}
				b.ReportMetric(2*float64(rows)*width*width*float64(n)/(cpuSeconds(b)-before)/1e9, "GFLOP/cpu-s")
			})
		}
	}
}

func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}
