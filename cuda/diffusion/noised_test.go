package diffusion_test

import (
	"errors"
	"math"
	"testing"
	"unsafe"

	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/diffusion"
)

// bytesOf is the memory of a slice.
func bytesOf[T any](x []T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(x[0])))
}

func upload[T any](t *testing.T, d cuda.Device, x []T) cuda.Buffer {
	t.Helper()
	b, err := d.Alloc(len(bytesOf(x)))
	if err == nil {
		err = d.Upload(b, bytesOf(x))
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// devices are the CPU with two numbers of threads and, in a build for GPUs, the first of them.
func devices(t *testing.T) map[string]cuda.Device {
	t.Helper()
	all := map[string]cuda.Device{}
	open := func(what, name string, threads int) {
		d, err := cuda.Open(name, threads)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		all[what] = d
	}
	open("cpu, 1 thread", "cpu", 1)
	open("cpu, 3 threads", "cpu", 3)
	if gpu {
		open("cuda:0", "cuda:0", 0)
	}
	return all
}

// TestNoised: the numbers of core/rng, mixed as core/diffusion says, to the last bit; for odd and even widths, with repeated
// examples, on every device.
func TestNoised(t *testing.T) {
	const examples, levels, step, seed = 7, 11, 123_456, 99
	stream := rng.New(seed, "test/noise")
	alpha, sigma := make([]float64, levels), make([]float64, levels)
	for i := range alpha {
		alpha[i] = math.Cos(float64(i) / 8)
		sigma[i] = math.Sin(float64(i) / 8)
	}
	for name, d := range devices(t) {
		for _, rows := range []int{1, 5, 50} {
			for _, width := range []int{1, 2, 99, 100, 700} {
				z, index, level := make([]float32, examples*width), make([]int32, rows), make([]int32, rows)
				rng.New(1, "test/z").At(0, 0, 0).Normals32(z)
				for r := range rows {
					index[r], level[r] = int32((3*r+1)%examples), int32((5*r+10)%levels)
				}
				set := diffusion.Set{Z: upload(t, d, z), Alpha: upload(t, d, alpha), Sigma: upload(t, d, sigma), Examples: examples, Width: width, Levels: levels}
				x, eps := make([]float32, rows*width), make([]float32, rows*width)
				dx, de := upload(t, d, x), upload(t, d, eps)
				b := diffusion.Batch{Index: upload(t, d, index), Level: upload(t, d, level), Rows: rows}
				if err := diffusion.Noised(d, dx, de, b, set, stream.Key(), step); err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(d.Download(bytesOf(x), dx), d.Download(bytesOf(eps), de)); err != nil {
					t.Fatal(err)
				}
				want := make([]float32, width)
				for r := range rows {
					i, l := int(index[r]), level[r]
					stream.At(step, uint32(i), 0).Normals32(want)
					for j, e := range want {
						w := float32(math.FMA(sigma[l], float64(e), float64(alpha[l]*float64(z[i*width+j]))))
						if at := r*width + j; math.Float32bits(eps[at]) != math.Float32bits(e) || math.Float32bits(x[at]) != math.Float32bits(w) {
							t.Fatalf("%s, %d rows of %d: row %d, number %d: noise %v and x %v, want %v and %v", name, rows, width, r, j, eps[at], x[at], e, w)
						}
					}
				}
				for _, buf := range []cuda.Buffer{set.Z, set.Alpha, set.Sigma, dx, de, b.Index, b.Level} {
					if err := d.Free(buf); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	}
}

// TestNoisedRefuses: sizes that do not fit are errors, and an index or level outside of its table reads nothing: the CPU
// refuses it, a GPU makes NaN of its row.
func TestNoisedRefuses(t *testing.T) {
	for name, d := range devices(t) {
		const rows, width, examples, levels = 2, 3, 4, 5
		f32, f64 := func(n int) cuda.Buffer { return upload(t, d, make([]float32, n)) }, func(n int) cuda.Buffer { return upload(t, d, make([]float64, n)) }
		set := diffusion.Set{Z: f32(examples * width), Alpha: f64(levels), Sigma: f64(levels), Examples: examples, Width: width, Levels: levels}
		x, eps := f32(rows*width), f32(rows*width)
		for _, c := range []struct {
			index, level []int32
			bad          bool
		}{
			{[]int32{0, 3}, []int32{4, 0}, false}, {[]int32{4, 0}, []int32{0, 0}, true}, {[]int32{0, -1}, []int32{0, 0}, true},
			{[]int32{0, 0}, []int32{0, 5}, true}, {[]int32{0, 0}, []int32{-1, 0}, true},
		} {
			err := diffusion.Noised(d, x, eps, diffusion.Batch{Index: upload(t, d, c.index), Level: upload(t, d, c.level), Rows: rows}, set, [2]uint32{}, 0)
			if d.Name() == "cpu" {
				var k *cuda.KernelError
				if errors.As(err, &k) != c.bad {
					t.Errorf("%s: %v: %v", name, c, err)
				}
				continue
			}
			got := make([]float32, rows*width)
			if err := errors.Join(err, d.Download(bytesOf(got), x)); err != nil {
				t.Fatal(err)
			}
			missing := false
			for _, v := range got {
				missing = missing || v != v
			}
			if missing != c.bad {
				t.Errorf("%s: %v: %v", name, c, got)
			}
		}
		good := diffusion.Batch{Index: upload(t, d, make([]int32, rows)), Level: upload(t, d, make([]int32, rows)), Rows: rows}
		for what, try := range map[string]func() error{
			"short x": func() error { return diffusion.Noised(d, x.Slice(0, 4*rows*width-4), eps, good, set, [2]uint32{}, 0) },
			"short level": func() error {
				b := good
				b.Level = b.Level.Slice(0, 4)
				return diffusion.Noised(d, x, eps, b, set, [2]uint32{}, 0)
			},
			"short sigma": func() error {
				s := set
				s.Sigma = s.Sigma.Slice(0, 8)
				return diffusion.Noised(d, x, eps, good, s, [2]uint32{}, 0)
			},
			"no rows": func() error { b := good; b.Rows = 0; return diffusion.Noised(d, x, eps, b, set, [2]uint32{}, 0) },
			"step":    func() error { return diffusion.Noised(d, x, eps, good, set, [2]uint32{}, -1) },
		} {
			if err := try(); err == nil {
				t.Errorf("%s: %s passed", name, what)
			}
		}
	}
}

func BenchmarkNoised(b *testing.B) {
	const rows, width, examples = 50, 100, 200
	d, err := cuda.NewCPU(0)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	alloc := func(n int) cuda.Buffer {
		m, err := d.Alloc(n)
		if err != nil {
			b.Fatal(err)
		}
		return m
	}
	set := diffusion.Set{Z: alloc(4 * examples * width), Alpha: alloc(8), Sigma: alloc(8), Examples: examples, Width: width, Levels: 1}
	x, eps, batch := alloc(4*rows*width), alloc(4*rows*width), diffusion.Batch{Index: alloc(4 * rows), Level: alloc(4 * rows), Rows: rows}
	for b.Loop() {
		if err := diffusion.Noised(d, x, eps, batch, set, [2]uint32{1, 2}, 3); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*width*b.N)/b.Elapsed().Seconds()/1e6, "Mnormals/s")
}
