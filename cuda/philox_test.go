package cuda_test

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/cuda"
)

// noiseShapes are rows, width and stride: one number, odd and even widths, rows that begin beside a pair, and more than a
// unit of the CPU's loops.
var noiseShapes = [][3]int{{1, 1, 1}, {3, 2, 2}, {5, 7, 7}, {33, 100, 101}, {4, 99, 100}, {2, 9001, 9002}}

// TestNormals: the kernel's bits are core/rng's, for rows that count on and for chains of any number.
func TestNormals(t *testing.T) {
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	for level := 3; level <= best; level++ {
		must(t, cuda.SetISA(level))
		for _, threads := range []int{1, 3} {
			d, err := cuda.NewCPU(threads)
			must(t, err)
			for _, s := range noiseShapes {
				normalsAreRng[float32](t, d, s[0], s[1], s[2])
				normalsAreRng[float64](t, d, s[0], s[1], s[2])
			}
			must(t, d.Close())
		}
	}
}

// normalsAreRng fills a buffer on the device and compares it with core/rng, bit by bit, and what is between rows with what
// was there.
func normalsAreRng[T cuda.Float](t testing.TB, d cuda.Device, rows, width, stride int) {
	t.Helper()
	stream := rng.New(20240601, "cuda/normals")
	chains := make([]uint32, rows)
	for i := range chains {
		chains[i] = uint32(i) * 0x9e3779b9
	}
	size := cuda.SizeOf[T]()
	n := (rows-1)*stride + width
	x := make([]T, n)
	for i := range x {
		x[i] = 7
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), n*size)
	dst, err := d.Alloc(n * size)
	must(t, err)
	at, err := d.Alloc(4 * rows)
	must(t, err)
	must(t, d.Upload(dst, memory))
	must(t, d.Upload(at, unsafe.Slice((*byte)(unsafe.Pointer(&chains[0])), 4*rows)))
	for name, noise := range map[string]cuda.Noise{
		"counted": {Key: stream.Key(), Step: 3, Draw: 0xfffffff0, First: 0xfffffffe},
		"chains":  {Key: stream.Key(), Step: 0x80000001, Draw: 2, Chains: at},
	} {
		must(t, cuda.Normals[T](d, dst, stride, noise, rows, width))
		must(t, d.Download(memory, dst))
		want := make([]float64, width)
		for i := range rows {
			chain := noise.First + uint32(i)
			if name == "chains" {
				chain = chains[i]
			}
			stream.At(noise.Step, chain, noise.Draw).Normals(want)
			for j, w := range want {
				if got := x[i*stride+j]; got != T(w) {
					t.Fatalf("%s, %d rows of %d, %d-byte numbers: row %d, number %d is %.17g, core/rng gives %.17g",
						name, rows, width, size, i, j, got, T(w))
				}
			}
			for j := i*stride + width; i < rows-1 && j < (i+1)*stride; j++ {
				if x[j] != 7 {
					t.Fatalf("%s: number %d, between rows, became %g", name, j, x[j])
				}
			}
		}
	}
	must(t, d.Free(dst))
	must(t, d.Free(at))
}

func TestNormalsRefuses(t *testing.T) {
	d, err := cuda.NewCPU(1)
	must(t, err)
	defer d.Close()
	b, err := d.Alloc(4 * 20)
	must(t, err)
	for _, bad := range []struct {
		rows, width, stride int
		chains              cuda.Buffer
	}{
		{0, 5, 5, cuda.Buffer{}}, {2, 0, 5, cuda.Buffer{}}, {2, 6, 5, cuda.Buffer{}}, {4, 5, 6, cuda.Buffer{}}, {4, 5, 5, b.Slice(0, 12)},
	} {
		if err := cuda.Normals[float32](d, b, bad.stride, cuda.Noise{Chains: bad.chains}, bad.rows, bad.width); err == nil {
			t.Errorf("%d rows of %d, %d apart, chains of %d bytes: taken", bad.rows, bad.width, bad.stride, bad.chains.Bytes())
		}
	}
	must(t, cuda.Normals[float32](d, b, 5, cuda.Noise{}, 4, 5))
}

func BenchmarkNormals(b *testing.B) {
	const rows, width = 50, 100
	for _, threads := range []int{1, 2} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			d, err := cuda.NewCPU(threads)
			must(b, err)
			defer d.Close()
			x, err := d.Alloc(4 * rows * width)
			must(b, err)
			for b.Loop() {
				must(b, cuda.Normals[float32](d, x, width, cuda.Noise{Key: [2]uint32{1, 2}}, rows, width))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows*width), "ns/element")
		})
	}
}
