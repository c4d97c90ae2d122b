package badinput

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// inTime is a solver in time on a small grid: velocities 1125..6123 m/s.
const inTime = `name = "waves"
[solver]
plugin = "acoustic"
preset = "none"
dt_s = 1e-3
nt = 60
workers = 2
[solver.grid]
nz = 10
nx = 13
spacing_m = 10.0
[solver.boundary]
cells = 5
[solver.wavelet]
peak_hz = 15.0
delay_s = 0.02
[solver.sources]
positions_m = [[20.0, 30.0], [43.0, 66.0]]
[solver.receivers]
z_m = 50.0
x_first_m = 0.0
x_last_m = 120.0
count = 4
`

// writeMaps writes maps of one velocity each to a file, with another one in the middle where it is given.
func writeMaps(t *testing.T, path string, middle ...float64) *tensor.Tensor {
	t.Helper()
	m := tensor.New(tensor.Float32, len(middle), 1, 10, 13)
	for i, v := range middle {
		x := m.Item(i).Float32s()
		for k := range x {
			x[k] = 2000 + float32(k)
		}
		if v != 0 {
			x[4*13+6] = float32(v)
		}
	}
	if err := npy.Write(path, m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWaveModels: of a batch, a model that is too fast for the time step, one too slow for the grid, one with a NaN and one
// that is not above 0 get a status each with the numbers, in forward and gradient; the others have the bits that they have
// in a batch without those.
func TestWaveModels(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", inTime)
	writeMaps(t, b.path("m.npy"), 0, 6200, 3000, 1000, math.NaN(), 0, -1, math.Inf(1))
	writeMaps(t, b.path("good.npy"), 0, 3000, 0)
	bad := []string{
		"item 1: UNSTABLE", "vp is 6200 m/s at (iz 4, ix 6): v dt/h is 0.6200; order 4 is stable up to v dt/h = 0.6124, which is 6123.72 m/s for a time step of 0.001 s and a spacing of 10 m",
		"item 3: UNSTABLE", "vp is 1000 m/s at (iz 4, ix 6): 2.67 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s",
		"item 4: OUT_OF_BOUNDS", "vp is NaN at (iz 4, ix 6), it must be finite",
		"item 6: OUT_OF_BOUNDS", "vp is -1 m/s at (iz 4, ix 6), it must be above 0",
		"item 7: OUT_OF_BOUNDS", "vp is +Inf at (iz 4, ix 6), it must be finite",
	}
	same := func(what, all, alone string) {
		t.Helper()
		x, err := npy.Read(b.path(all))
		if err != nil {
			t.Fatal(err)
		}
		y, err := npy.Read(b.path(alone))
		if err != nil {
			t.Fatal(err)
		}
		for k, i := range []int{0, 2, 5} {
			v := y.Item(k).AppendReals(nil)
			if !bytes.Equal(x.Item(i).Data, y.Item(k).Data) || slices.Max(v) == slices.Min(v) {
				t.Errorf("%s: item %d has other bits beside bad ones than alone, or none", what, i)
			}
		}
	}
	if r := b.run("forward", "-q", "x.toml", "--model", "good.npy", "-o", "alone.npy"); r.code != 0 {
		t.Fatal(r)
	}
	r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
	r.fails(t, 1, bad...)
	for _, i := range []string{"item 0", "item 2", "item 5"} {
		if strings.Contains(r.stderr, i) {
			t.Errorf("%v\n%s is sound and is blamed", r, i)
		}
	}
	same("data", "d.npy", "alone.npy")
	data, err := npy.Read(b.path("alone.npy"))
	if err != nil {
		t.Fatal(err)
	}
	observed := data.Slice(1, 2).AppendReals(nil)
	for i := range observed {
		observed[i] *= 0.9
	}
	obs := tensor.New(tensor.Float32, 1, 1, 2, 60, 4)
	obs.SetReals(observed)
	if err := npy.Write(b.path("obs.npy"), obs); err != nil {
		t.Fatal(err)
	}
	if r := b.run("gradient", "-q", "x.toml", "--model", "good.npy", "--data", "obs.npy", "--noise-std", "0.5", "-o", "alone_g.npy"); r.code != 0 {
		t.Fatal(r)
	}
	r = b.run("gradient", "-q", "x.toml", "--model", "m.npy", "--data", "obs.npy", "--noise-std", "0.5", "-o", "g.npy")
	r.fails(t, 1, bad...)
	same("gradient", "g.npy", "alone_g.npy")
}

// TestWaveSetups: what no model can make up for is one error before anything is computed.
func TestWaveSetups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new string
		want           []string
	}{
		{"source outside", "[43.0, 66.0]", "[43.0, 126.0]", []string{"sources: position 1 lies outside the grid (x = 126 m, the grid's nodes are at 0..120 m)"}},
		{"receivers outside", "x_last_m = 120.0", "x_last_m = 150.0", []string{"receivers: position 3 lies outside the grid (x = 150 m, the grid's nodes are at 0..120 m)"}},
		{"a NaN position", "z_m = 50.0", "z_m = nan", []string{"z_m", "x.toml:"}},
		{"too long a step", "dt_s = 1e-3", "dt_s = 6e-3", []string{"no velocity suits both: order 4 is stable up to v dt/h = 0.6124, which is 1020.62 m/s for a time step of 0.006 s", "1125 m/s"}},
		{"too high a frequency", "peak_hz = 15.0", "peak_hz = 90.0", []string{"no velocity suits both", "at least 3 nodes per wavelength at 225 Hz and a spacing of 10 m are 6750 m/s"}},
		{"no wavelet file", "peak_hz = 15.0\ndelay_s = 0.02", "kind = \"file\"\npath = \"q.npy\"", []string{"x.toml:16: solver.wavelet.path: ", "q.npy: no such file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if !strings.Contains(inTime, c.old) {
				t.Fatalf("no %q in the file", c.old)
			}
			b.write("x.toml", strings.Replace(inTime, c.old, c.new, 1))
			writeMaps(t, b.path("m.npy"), 0)
			r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
			r.fails(t, 2, c.want...)
			r.one(t)
		})
	}
	for _, c := range []struct {
		name  string
		model *tensor.Tensor
		want  string
	}{
		{"transposed", tensor.New(tensor.Float32, 1, 1, 13, 10), "[1 1 13 10]"},
		{"no field axis", tensor.New(tensor.Float32, 2, 10, 13), "[2 10 13]"},
		{"complex", tensor.New(tensor.Complex64, 1, 1, 10, 13), "complex64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", inTime)
			if err := npy.Write(b.path("m.npy"), c.model); err != nil {
				t.Fatal(err)
			}
			r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
			r.fails(t, 2, "m.npy", c.want)
			r.one(t)
		})
	}
}
