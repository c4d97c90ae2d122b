package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

func TestAxpby(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, n := range []int{1, 33, 4096, 9001} {
			axpby[float32](t, n, 2e-7)
			axpby[float64](t, n, 4e-16)
		}
	})
}

func axpby[T cuda.Float](t *testing.T, n int, bound float64) {
	t.Helper()
	x, z := normals[T](t, n, 1), normals[T](t, n, 1)
	var sum, scaled []T
	sameBits(t, func(d cuda.Device) []T {
		bx, bz, y := upload(t, d, x), upload(t, d, z), zeros[T](t, d, n)
		must(t, nn.Axpby[T](d, y, 0.5, bx, -3, cuda.Buffer{}, n))
		scaled = download[T](t, d, y, n)
		must(t, nn.Axpby[T](d, bx, 0.5, bx, -3, bz, n)) // in place
		sum = download[T](t, d, bx, n)
		return slices.Concat(sum, scaled)
	})
	for i := range x {
		near(t, "a x + b z", i, float64(sum[i]), 0.5*float64(x[i])-3*float64(z[i]), bound, 10)
		near(t, "a x", i, float64(scaled[i]), 0.5*float64(x[i]), 0, 0)
	}
}

func TestRowAxpby(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, shape := range [][2]int{{1, 1}, {33, 100}, {50, 356}} {
			rowAxpby[float32](t, shape[0], shape[1], 3e-7)
			rowAxpby[float64](t, shape[0], shape[1], 6e-16)
		}
	})
}

func rowAxpby[T cuda.Float](t *testing.T, rows, width int, bound float64) {
	t.Helper()
	n := rows * width
	x, z, a, b := normals[T](t, n, 1), normals[T](t, n, 1), normals[T](t, rows, 1), normals[T](t, rows, 1)
	var y []T
	sameBits(t, func(d cuda.Device) []T {
		by := zeros[T](t, d, n)
		must(t, nn.RowAxpby[T](d, by, upload(t, d, a), upload(t, d, x), upload(t, d, b), upload(t, d, z), rows, width))
		y = download[T](t, d, by, n)
		return y
	})
	for i := range y {
		r := i / width
		near(t, "y", i, float64(y[i]), float64(a[r])*float64(x[i])+float64(b[r])*float64(z[i]), bound, 10)
	}
}

// TestCopies: columns joined and cut, a table's rows taken; what lies beside is left alone.
func TestCopies(t *testing.T) {
	const rows, left, right, entries = 33, 5, 3, 7
	d := device(t, 3)
	x, table := normals[float32](t, rows*left, 1), normals[float32](t, entries*right, 1)
	joined := upload(t, d, filled[float32](rows*(left+right+1), 9))
	numbers := make([]int32, rows)
	for i := range numbers {
		numbers[i] = int32(i * 5 % entries)
	}
	index := indices(t, d, numbers)
	must(t, nn.CopyRows[float32](d, joined, left+right+1, upload(t, d, x), left, rows, left))
	tail := joined.Slice(4*left, joined.Bytes()-4*left)
	must(t, nn.GatherRows[float32](d, tail, left+right+1, upload(t, d, table), index, entries, rows, right))
	all := download[float32](t, d, joined, rows*(left+right+1))
	for i := range rows {
		want := slices.Concat(x[i*left:(i+1)*left], table[i*5%entries*right:][:right], []float32{9})
		if got := all[i*(left+right+1):][:left+right+1]; !slices.Equal(got, want) {
			t.Fatalf("row %d is %v, want %v", i, got, want)
		}
	}
	back := zeros[float32](t, d, rows*left)
	must(t, nn.CopyRows[float32](d, back, left, joined, left+right+1, rows, left))
	if !slices.Equal(download[float32](t, d, back, len(x)), x) {
		t.Error("cut out again the columns are others")
	}
	for _, bad := range []int32{-1, entries} {
		numbers[rows-1] = bad
		index := indices(t, d, numbers)
		must(t, nn.GatherRows[float32](d, tail, left+right+1, upload(t, d, table), index, entries, rows, right))
		for i, v := range download[float32](t, d, joined, rows*(left+right+1))[(rows-1)*(left+right+1)+left:][:right] {
			if v == v {
				t.Errorf("index %d of a table of %d rows: number %d is %g, want NaN", bad, entries, i, v)
			}
		}
	}
	if err := nn.CopyRows[float32](d, back, left-1, joined, left+right+1, rows, left); err == nil {
		t.Error("rows that overlap were written")
	}
}

// TestTimeTable holds the embedding to its formula, at the precision of the argument t f.
func TestTimeTable(t *testing.T) {
	const levels = 200
	d := device(t, 1)
	table32, err := nn.TimeTable[float32](d, levels)
	must(t, err)
	table64, err := nn.TimeTable[float64](d, levels)
	must(t, err)
	t.Cleanup(func() {
		must(t, d.Free(table32))
		must(t, d.Free(table64))
	})
	if nn.TimeWidth != 256 {
		t.Fatalf("an embedding of %d", nn.TimeWidth)
	}
	rows32, rows64 := download[float32](t, d, table32, levels*256), download[float64](t, d, table64, levels*256)
	for level := range levels {
		for i := range 128 {
			phase := float64(level) * math.Pow(10000, -float64(i)/127)
			for half, want := range []float64{math.Sin(phase), math.Cos(phase)} {
				at := level*256 + half*128 + i
				near(t, "float64", at, rows64[at], want, 1e-13, 1)
				near(t, "float32", at, float64(rows32[at]), want, 6e-8, 1)
			}
		}
	}
	if _, err := nn.TimeTable[float32](d, 0); err == nil {
		t.Error("a table of no levels")
	}
}
