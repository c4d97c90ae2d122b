package nn_test

import (
	"bytes"
	"cmp"
	"flag"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/cuda"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// testDevice is the device that the tests run on: "cpu", or "cuda:0" in a build with -tags cuda.
var testDevice = cmp.Or(os.Getenv("WAVEPRIOR_TEST_DEVICE"), "cpu")

func device(t testing.TB, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.Open(testDevice, threads)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

// onEachISA runs f at every instruction set that this processor has; on a GPU it runs it once.
func onEachISA(t *testing.T, f func(t *testing.T)) {
	if testDevice != "cpu" {
		t.Run(testDevice, f)
		return
	}
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	for level := 3; level <= best; level++ {
		must(t, cuda.SetISA(level))
		t.Run(map[int]string{3: "v3", 4: "v4"}[level], f)
	}
}

func bytesOf[T cuda.Float](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), len(x)*cuda.SizeOf[T]())
}

func zeros[T cuda.Float](t testing.TB, d cuda.Device, n int) cuda.Buffer {
	t.Helper()
	b, err := d.Alloc(n * cuda.SizeOf[T]())
	must(t, err)
	t.Cleanup(func() { d.Free(b) }) // an error where the test closed the device
	return b
}

func upload[T cuda.Float](t testing.TB, d cuda.Device, x []T) cuda.Buffer {
	t.Helper()
	b := zeros[T](t, d, len(x))
	must(t, d.Upload(b, bytesOf(x)))
	return b
}

// download is the first n numbers of a buffer.
func download[T cuda.Float](t testing.TB, d cuda.Device, b cuda.Buffer, n int) []T {
	t.Helper()
	x := make([]T, n)
	must(t, d.Download(bytesOf(x), b))
	return x
}

// indices uploads int32.
func indices(t testing.TB, d cuda.Device, x []int32) cuda.Buffer {
	t.Helper()
	b, err := d.Alloc(4 * len(x))
	must(t, err)
	t.Cleanup(func() { d.Free(b) })
	must(t, d.Upload(b, unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))))
	return b
}

// seed is what all random numbers of one run of the tests come from; -seed repeats a failure.
var seed = flag.Uint64("seed", rand.Uint64(), "seed of the random numbers")

// normals draws n numbers of that standard deviation: other ones in every call within a test, the same in every run of the
// test with this seed.
func normals[T cuda.Float](t testing.TB, n int, std float64) []T {
	t.Helper()
	r := generator(t)
	x := make([]T, n)
	for i := range x {
		x[i] = T(std * r.NormFloat64())
	}
	return x
}

var (
	generatorsMu sync.Mutex
	generators   = map[string]*rand.Rand{}
)

func generator(t testing.TB) *rand.Rand {
	generatorsMu.Lock()
	defer generatorsMu.Unlock()
	r, ok := generators[t.Name()]
	if !ok {
		h := fnv.New64a()
		h.Write([]byte(t.Name()))
		r = rand.New(rand.NewPCG(*seed, h.Sum64()))
		generators[t.Name()] = r
		t.Cleanup(func() {
			generatorsMu.Lock()
			defer generatorsMu.Unlock()
			delete(generators, t.Name())
			if t.Failed() {
				t.Logf("repeat with -seed %d", *seed)
			}
		})
	}
	return r
}

// near fails unless |got - want| <= bound*scale.
func near(t testing.TB, what string, i int, got, want, bound, scale float64) {
	if e := math.Abs(got - want); !(e <= bound*scale) {
		t.Helper() // not before: it costs more than the comparison
		t.Fatalf("%s[%d] = %g, want %g: off by %.3g, allowed %.3g", what, i, got, want, e, bound*scale)
	}
}

// sameBits runs f on devices with 1, 2, 3 and 4 threads, on a GPU twice, and fails unless every bit of what it returns is the
// same.
func sameBits[T cuda.Float](t testing.TB, f func(d cuda.Device) []T) {
	t.Helper()
	var first []T
	counts := []int{1, 2, 3, 4}
	if testDevice != "cpu" {
		counts = []int{1, 1}
	}
	for _, threads := range counts {
		got := f(device(t, threads))
		if first == nil {
			first = slices.Clone(got)
			continue
		}
		if len(got) != len(first) {
			t.Fatalf("%d threads: %d numbers, one thread gave %d", threads, len(got), len(first))
		}
		if !bytes.Equal(bytesOf(first), bytesOf(got)) {
			for i := range first {
				if first[i] != got[i] {
					t.Fatalf("%d threads: number %d is %g, one thread gave %g", threads, i, got[i], first[i])
				}
			}
			t.Fatalf("%d threads: other bits than one thread", threads)
		}
	}
}
