package nn_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// twin is a comparison of a kernel's CPU loops with its CUDA twin: run calls it through its Go wrapper on a device and
// returns what it wrote. Both number types of NAME are NAME_f32 and NAME_f64.
type twin struct {
	kernel string
	// equal: the same bits; else a normalised mean square error of at most 1e-7 (float32) or 1e-24 (float64).
	equal bool
	f32   func(t testing.TB, d cuda.Device) output
	f64   func(t testing.TB, d cuda.Device) output
}

// output is what a comparison looks at: in float64, which holds both types exactly.
type output [][]float64

// twins lists every kernel of the package. Only dense products of few rows are summed in another order on a GPU (product.h).
var twins = []twin{
	{"nn_axpby", true, axpbyTwin[float32], axpbyTwin[float64]},
	{"nn_row_axpby", true, rowAxpbyTwin[float32], rowAxpbyTwin[float64]},
	{"nn_copy_rows", true, copyTwin[float32], copyTwin[float64]},
	{"nn_gather_rows", true, gatherTwin[float32], gatherTwin[float64]},
	{"nn_gelu", true, geluTwin[float32], geluTwin[float64]},
	{"nn_gelu_backward", true, geluBackwardTwin[float32], geluBackwardTwin[float64]},
	{"nn_phi", true, phiTwin[float32], phiTwin[float64]},
	{"nn_layernorm", true, normTwin[float32], normTwin[float64]},
	{"nn_layernorm_backward", true, normBackwardTwin[float32], normBackwardTwin[float64]},
	{"nn_square_error", true, squareErrorTwin[float32], squareErrorTwin[float64]},
	{"nn_sum_squares", true, sumSquaresTwin[float32], sumSquaresTwin[float64]},
	{"nn_tree_sum", true, treeSumTwin, treeSumTwin},
	{"nn_adam", true, adamTwin[float32], adamTwin[float64]},
	{"nn_outer_squares", true, outerSquaresTwin[float32], outerSquaresTwin[float64]},
	{"nn_outer_adam", true, outerAdamTwin[float32], outerAdamTwin[float64]},
	{"nn_linear", false, linearTwin[float32], linearTwin[float64]},
	{"nn_linear_backward_input", false, backwardInputTwin[float32], backwardInputTwin[float64]},
	{"nn_linear_backward_weight", true, backwardWeightTwin[float32], backwardWeightTwin[float64]},
	{"nn_column_sums", true, columnSumsTwin[float32], columnSumsTwin[float64]},
}

// recorder notes which kernels a device runs.
type recorder struct {
	cuda.Device
	mu  sync.Mutex
	ran map[string]bool
}

func (r *recorder) Run(k *cuda.Kernel, units int, args ...cuda.Arg) error {
	r.mu.Lock()
	r.ran[k.Name] = true
	r.mu.Unlock()
	return r.Device.Run(k, units, args...)
}

// TestTwinsAreComplete: every kernel of the package is in the table, and the table's entry runs it and writes something.
func TestTwinsAreComplete(t *testing.T) {
	covered := map[string]bool{}
	for _, w := range twins {
		for suffix, run := range map[string]func(testing.TB, cuda.Device) output{"_f32": w.f32, "_f64": w.f64} {
			d, err := cuda.NewCPU(1)
			must(t, err)
			r := &recorder{Device: d, ran: map[string]bool{}}
			written := 0
			for _, x := range run(t, r) {
				for _, v := range x {
					if v != 0 {
						written++
					}
				}
			}
			must(t, d.Close())
			name := w.kernel + suffix
			if !r.ran[name] && r.ran[w.kernel] {
				name = w.kernel // no number type
			}
			if !r.ran[name] || written == 0 {
				t.Errorf("the comparison of %s ran %v and wrote %d numbers that are not 0", name, r.ran, written)
			}
			covered[name] = true
		}
	}
	for _, k := range cuda.Kernels() {
		if strings.HasPrefix(k.Name, "nn_") && !covered[k.Name] {
			t.Errorf("%s has no entry in the table of twins", k.Name)
		}
	}
}

// The sizes are odd on purpose: one number, one row, a row more than a tile, widths beside packs of 16 bytes, and rows that
// do not begin at such an address.
var (
	twinLengths = []int{1, 3, 33, 1023, 4097}
	twinRows    = [][2]int{{1, 1}, {1, 356}, {33, 100}, {3, 33}, {5, 2048}, {2, 2603}}
	twinLayers  = []nn.LinearShape{
		{Rows: 1, In: 1, Out: 1}, {Rows: 1, In: 356, Out: 100}, {Rows: 33, In: 100, Out: 70}, {Rows: 50, In: 257, Out: 132},
		{Rows: 64, In: 40, Out: 300, Tile: 32}, {Rows: 131, In: 31, Out: 64}, {Rows: 65, In: 129, Out: 257},
	}
)

func axpbyTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		x, z, y := uploaded[T](t, d, n, 1), uploaded[T](t, d, n, 2), zeros[T](t, d, n)
		must(t, nn.Axpby[T](d, y, 0.3, x, -1.7, z, n))
		out = append(out, wide[T](t, d, y, n))
		must(t, nn.Axpby[T](d, x, 0.3, x, 0, cuda.Buffer{}, n)) // in place, without z
		out = append(out, wide[T](t, d, x, n))
		if n > 1 { // not at a multiple of 16 bytes
			size := cuda.SizeOf[T]()
			must(t, nn.Axpby[T](d, y.Slice(size, (n-1)*size), 1.1, z.Slice(size, (n-1)*size), 0.7, x.Slice(size, (n-1)*size), n-1))
			out = append(out, wide[T](t, d, y, n))
		}
	}
	return out
}

func rowAxpbyTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinRows {
		n := s[0] * s[1]
		x, z, y := uploaded[T](t, d, n, 1), uploaded[T](t, d, n, 2), zeros[T](t, d, n)
		must(t, nn.RowAxpby[T](d, y, uploaded[T](t, d, s[0], 3), x, uploaded[T](t, d, s[0], 4), z, s[0], s[1]))
		out = append(out, wide[T](t, d, y, n))
	}
	return out
}

func copyTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinRows {
		for _, gap := range []int{0, 1, 4} {
			rows, width := s[0], s[1]
			dst, src := uploaded[T](t, d, rows*(width+gap), 5), uploaded[T](t, d, rows*(width+2*gap), 6)
			must(t, nn.CopyRows[T](d, dst, width+gap, src, width+2*gap, rows, width))
			out = append(out, wide[T](t, d, dst, rows*(width+gap)))
		}
	}
	return out
}

func gatherTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	const entries = 7
	for _, s := range twinRows {
		rows, width := s[0], s[1]
		index := make([]int32, rows)
		for i := range index {
			index[i] = int32(i * 5 % entries)
		}
		dst := uploaded[T](t, d, rows*(width+4), 7)
		must(t, nn.GatherRows[T](d, dst, width+4, uploaded[T](t, d, entries*width, 8), indices(t, d, index), entries, rows, width))
		out = append(out, wide[T](t, d, dst, rows*(width+4)))
	}
	// Rows that the table does not have.
	dst := uploaded[T](t, d, 3*8, 9)
	must(t, nn.GatherRows[T](d, dst, 8, uploaded[T](t, d, entries*8, 10), indices(t, d, []int32{-1, 2, entries}), entries, 3, 8))
	return append(out, wide[T](t, d, dst, 3*8))
}

func geluTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		x, y := uploaded[T](t, d, n, 11), zeros[T](t, d, n)
		must(t, nn.GeluForward[T](d, y, x, n))
		out = append(out, wide[T](t, d, y, n))
	}
	return out
}

func geluBackwardTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		x, dy := uploaded[T](t, d, n, 12), uploaded[T](t, d, n, 13)
		must(t, nn.GeluBackward[T](d, dy, dy, x, n))
		out = append(out, wide[T](t, d, dy, n))
	}
	return out
}

func phiTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		x, y := uploaded[T](t, d, n, 14), zeros[T](t, d, n)
		must(t, nn.Phi[T](d, y, x, n))
		out = append(out, wide[T](t, d, y, n))
	}
	return out
}

func normTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range append(twinRows, [2]int{1, 11001}) { // the last does not fit into shared memory
		rows, width := s[0], s[1]
		u, r, gamma, beta := uploaded[T](t, d, rows*width, 15), uploaded[T](t, d, rows*width, 16), uploaded[T](t, d, width, 17), uploaded[T](t, d, width, 18)
		y, stats := zeros[T](t, d, rows*width), zeros[T](t, d, 2*rows)
		must(t, nn.LayerNormForward[T](d, y, u, gamma, beta, stats, rows, width))
		out = append(out, wide[T](t, d, y, rows*width), wide[T](t, d, stats, 2*rows))
		must(t, nn.NormGeluForward[T](d, y, u, cuda.Buffer{}, gamma, beta, cuda.Buffer{}, rows, width))
		out = append(out, wide[T](t, d, y, rows*width))
		must(t, nn.NormGeluForward[T](d, u, u, r, gamma, beta, stats, rows, width)) // in place
		out = append(out, wide[T](t, d, u, rows*width))
	}
	return out
}

func normBackwardTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinRows {
		rows, width := s[0], s[1]
		n := rows * width
		u, dy, gamma, beta := uploaded[T](t, d, n, 19), uploaded[T](t, d, n, 20), uploaded[T](t, d, width, 21), uploaded[T](t, d, width, 22)
		y, stats, du := zeros[T](t, d, n), zeros[T](t, d, 2*rows), zeros[T](t, d, n)
		dg, db, scratch := uploaded[T](t, d, width, 23), uploaded[T](t, d, width, 24), zeros[T](t, d, nn.NormScratch(rows, width))
		must(t, nn.LayerNormForward[T](d, y, u, gamma, beta, stats, rows, width))
		must(t, nn.LayerNormBackward[T](d, du, dg, db, dy, u, gamma, stats, scratch, rows, width, false))
		out = append(out, wide[T](t, d, du, n), wide[T](t, d, dg, width), wide[T](t, d, db, width))
		must(t, nn.NormGeluBackward[T](d, du, dg, db, dy, u, gamma, beta, stats, scratch, rows, width, true))
		out = append(out, wide[T](t, d, du, n), wide[T](t, d, dg, width), wide[T](t, d, db, width))
		must(t, nn.NormGeluBackward[T](d, dy, cuda.Buffer{}, cuda.Buffer{}, dy, u, gamma, beta, stats, cuda.Buffer{}, rows, width, false))
		out = append(out, wide[T](t, d, dy, n))
	}
	return out
}
