package badinput

import (
	"bytes"
	"fmt"
	"math"
	"os"
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

// elasticInTime is the elastic one: vp up to 6060 m/s, shear waves from 1125 m/s, and vp, vs, rho are the model.
var elasticInTime = strings.NewReplacer("acoustic", "elastic", "cells = 5", "cells = 6").Replace(inTime)

// datasets is the scheme of the OpenFWI data sets, one shot and few of its steps.
const datasets = `name = "waves"
[solver]
plugin = "acoustic"
preset = "openfwi"
nt = 160
workers = 2
[solver.sources]
positions_m = [[10.0, 340.0]]
`

// TestWaveModels: of a batch, a model that is too fast for the time step, one too slow for the grid, one with a NaN and others
// that cannot be get a status each with the numbers, in forward and gradient; the others have the bits that they have
// in a batch without those.
func TestWaveModels(t *testing.T) {
	t.Parallel()
	sound := []float64(nil)
	for _, c := range []struct {
		name, file string
		shape      []int       // fields, rows, columns
		base       []float64   // of each field in its first node
		items      [][]float64 // what node (4, 6) has instead of that
		good       []int
		bad        []string
	}{
		{"acoustic", inTime, []int{1, 10, 13}, []float64{2000},
			[][]float64{sound, {6200}, {3000}, {1000}, {math.NaN()}, sound, {-1}, {math.Inf(1)}}, []int{0, 2, 5}, []string{
				"item 1: UNSTABLE", "vp is 6200 m/s at (iz 4, ix 6): v dt/h is 0.6200; order 4 is stable up to v dt/h = 0.6124, which is 6123.72 m/s for a time step of 0.001 s and a spacing of 10 m",
				"item 3: UNSTABLE", "vp is 1000 m/s at (iz 4, ix 6): 2.67 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s",
				"item 4: OUT_OF_BOUNDS", "vp is NaN at (iz 4, ix 6), it must be finite",
				"item 6: OUT_OF_BOUNDS", "vp is -1 m/s at (iz 4, ix 6), it must be above 0",
				"item 7: OUT_OF_BOUNDS", "vp is +Inf at (iz 4, ix 6), it must be finite",
			}},
		// The slowest node of a map decides its damping: that of item 2 is its own, and no bad item's.
		{"openfwi", datasets, []int{1, 70, 70}, []float64{2000},
			[][]float64{sound, {6200}, {1200}, {1000}, {math.NaN()}, sound, {0}, {math.Inf(-1)}}, []int{0, 2, 5}, []string{
				"item 1: UNSTABLE", "vp is 6200 m/s at (iz 4, ix 6): v dt/h is 0.6200; order 4 is stable up to v dt/h = 0.6124",
				"item 3: UNSTABLE", "vp is 1000 m/s at (iz 4, ix 6): 2.67 nodes per wavelength",
				"item 4: OUT_OF_BOUNDS", "vp is NaN at (iz 4, ix 6), it must be finite",
				"item 6: OUT_OF_BOUNDS", "vp is 0 m/s at (iz 4, ix 6), it must be above 0",
				"item 7: OUT_OF_BOUNDS", "vp is -Inf at (iz 4, ix 6), it must be finite",
			}},
		{"elastic", elasticInTime, []int{3, 10, 13}, []float64{3000, 1500, 2000},
			[][]float64{sound, {6200, 3000, 2000}, {1500, 0, 1000}, {3000, 900, 2000}, {3000, 1500, math.NaN()}, sound, {3000, 2200, 2000}, {3000, math.Inf(1), 2000}, {3000, 1500, 0.5}}, []int{0, 2, 5}, []string{
				"item 1: UNSTABLE", "vp is 6200 m/s at (iz 4, ix 6): vp dt/h is 0.6200; order 4 is stable up to vp dt/h = 0.6061, which is 6060.91 m/s for a time step of 0.001 s and a spacing of 10 m",
				"item 3: UNSTABLE", "the slowest wave has 900 m/s at (iz 4, ix 6): 2.4 nodes per wavelength; at least 3 nodes per wavelength at 37.5 Hz and a spacing of 10 m are 1125 m/s",
				"item 4: OUT_OF_BOUNDS", "rho is NaN at (iz 4, ix 6), it must be finite",
				"item 6: OUT_OF_BOUNDS", "vs is 2200 m/s at (iz 4, ix 6), more than vp/sqrt(2) = 2121.32 m/s",
				"item 7: OUT_OF_BOUNDS", "vs is +Inf at (iz 4, ix 6), it must be finite",
				"item 8: OUT_OF_BOUNDS", "rho is 0.5 kg/m3 at (iz 4, ix 6), at least 1 are allowed",
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", c.file)
			n, node := c.shape[1]*c.shape[2], 4*c.shape[2]+6
			m := tensor.New(tensor.Float32, append([]int{len(c.items)}, c.shape...)...)
			alone := tensor.New(tensor.Float32, append([]int{len(c.good)}, c.shape...)...)
			for i, item := range c.items {
				x := m.Item(i).Float32s()
				for k := range x {
					x[k] = float32(c.base[k/n]) + float32(k%n%100)
				}
				for f, v := range item {
					x[f*n+node] = float32(v)
				}
			}
			for k, i := range c.good {
				alone.Item(k).CopyFrom(m.Item(i))
			}
			for name, x := range map[string]*tensor.Tensor{"m.npy": m, "good.npy": alone} {
				if err := npy.Write(b.path(name), x); err != nil {
					t.Fatal(err)
				}
			}
			same := func(what, all, alone string) {
				t.Helper()
				x, y := b.read(t, all), b.read(t, alone)
				for k, i := range c.good {
					v := y.Item(k).AppendReals(nil)
					if !bytes.Equal(x.Item(i).Data, y.Item(k).Data) || slices.Max(v) == slices.Min(v) {
						t.Errorf("%s: item %d has other bits beside bad ones than alone, or none", what, i)
					}
				}
				for i := range c.items {
					if !slices.Contains(c.good, i) && !allNaN(x.Item(i)) {
						t.Errorf("%s: item %d cannot be, and there are numbers", what, i)
					}
				}
			}
			if r := b.run("forward", "-q", "x.toml", "--model", "good.npy", "-o", "alone.npy"); r.code != 0 {
				t.Fatal(r)
			}
			r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
			r.fails(t, 1, c.bad...)
			for _, i := range c.good {
				if item := fmt.Sprintf("item %d", i); strings.Contains(r.stderr, item) {
					t.Errorf("%v\n%s is sound and is blamed", r, item)
				}
			}
			same("data", "d.npy", "alone.npy")
			obs := b.read(t, "alone.npy").Slice(1, 2).Clone()
			observed := obs.AppendReals(nil)
			for i := range observed {
				observed[i] *= 0.9
			}
			obs.SetReals(observed)
			if err := npy.Write(b.path("obs.npy"), obs); err != nil {
				t.Fatal(err)
			}
			if r := b.run("gradient", "-q", "x.toml", "--model", "good.npy", "--data", "obs.npy", "--noise-std", "0.5", "-o", "alone_g.npy"); r.code != 0 {
				t.Fatal(r)
			}
			r = b.run("gradient", "-q", "x.toml", "--model", "m.npy", "--data", "obs.npy", "--noise-std", "0.5", "-o", "g.npy")
			r.fails(t, 1, c.bad...)
			same("gradient", "g.npy", "alone_g.npy")
		})
	}
}

// TestWaveSetups: what no model can make up for is one error before anything is computed.
func TestWaveSetups(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, file, old, new string
		want                 []string
	}{
		{"source outside", inTime, "[43.0, 66.0]", "[43.0, 126.0]", []string{"sources: position 1 lies outside the grid (x = 126 m, the grid's nodes are at 0..120 m)"}},
		{"receivers outside", inTime, "x_last_m = 120.0", "x_last_m = 150.0", []string{"receivers: position 3 lies outside the grid (x = 150 m, the grid's nodes are at 0..120 m)"}},
		{"a NaN position", inTime, "z_m = 50.0", "z_m = nan", []string{"z_m", "x.toml:"}},
		{"too long a step", inTime, "dt_s = 1e-3", "dt_s = 6e-3", []string{"no velocity suits both: order 4 is stable up to v dt/h = 0.6124, which is 1020.62 m/s for a time step of 0.006 s", "1125 m/s"}},
		{"too high a frequency", inTime, "peak_hz = 15.0", "peak_hz = 90.0", []string{"no velocity suits both", "at least 3 nodes per wavelength at 225 Hz and a spacing of 10 m are 6750 m/s"}},
		{"no wavelet file", inTime, "peak_hz = 15.0\ndelay_s = 0.02", "kind = \"file\"\npath = \"q.npy\"", []string{"x.toml:16: solver.wavelet.path: ", "q.npy: no such file"}},
		{"elastic, source outside", elasticInTime, "[43.0, 66.0]", "[93.0, 66.0]", []string{"sources: position 1 lies outside the grid (z = 93 m, the grid's nodes are at 0..90 m)"}},
		{"elastic, receivers outside", elasticInTime, "x_first_m = 0.0", "x_first_m = -30.0", []string{"receivers: position 0 lies outside the grid (x = -30 m, the grid's nodes are at 0..120 m)"}},
		{"elastic, too high a frequency", elasticInTime, "peak_hz = 15.0", "peak_hz = 90.0", []string{"no velocity suits both: order 4 is stable up to vp dt/h = 0.6061", "at least 3 nodes per wavelength at 225 Hz and a spacing of 10 m are 6750 m/s"}},
		{"data sets, source outside", datasets, "[10.0, 340.0]", "[10.0, 700.0]", []string{"sources: position 0 lies outside the grid (x = 700 m, the grid's nodes are at 0..690 m)"}},
		{"data sets, another order", datasets, "nt = 160", "order = 8", []string{"order 8 with boundary.kind"}},
		{"data sets, too long a step", datasets, "nt = 160", "dt_s = 6e-3", []string{"no velocity suits both: order 4 is stable up to v dt/h = 0.6124, which is 1020.62 m/s for a time step of 0.006 s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			if !strings.Contains(c.file, c.old) {
				t.Fatalf("no %q in the file", c.old)
			}
			b.write("x.toml", strings.Replace(c.file, c.old, c.new, 1))
			if err := npy.Write(b.path("m.npy"), tensor.New(tensor.Float32, 1, 1, 10, 13)); err != nil {
				t.Fatal(err)
			}
			r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
			r.fails(t, 2, c.want...)
			r.one(t)
		})
	}
	for _, c := range []struct {
		name, file string
		model      *tensor.Tensor
		want       string
	}{
		{"transposed", inTime, tensor.New(tensor.Float32, 1, 1, 13, 10), "[1 1 13 10]"},
		{"three fields", inTime, tensor.New(tensor.Float32, 2, 3, 10, 13), "[2 3 10 13]"},
		{"complex", inTime, tensor.New(tensor.Complex64, 1, 1, 10, 13), "complex64"},
		{"elastic, vp alone", elasticInTime, tensor.New(tensor.Float32, 2, 1, 10, 13), "[2 1 10 13]"},
		{"elastic, fields last", elasticInTime, tensor.New(tensor.Float32, 2, 10, 13, 3), "[2 10 13 3]"},
		{"data sets, with its padding", datasets, tensor.New(tensor.Float32, 1, 1, 310, 310), "[1 1 310 310]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", c.file)
			if err := npy.Write(b.path("m.npy"), c.model); err != nil {
				t.Fatal(err)
			}
			r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
			r.fails(t, 2, "m.npy", c.want)
			r.one(t)
		})
	}
}

// inversion is an inversion of acoustic data on a small grid: the mixture is so wide that some chains come to velocities that the
// grid does not carry.
const inversion = `name = "waves"
seed = 3
[solver]
plugin = "acoustic"
preset = "none"
dt_s = 2e-3
nt = 60
grid = { nz = 12, nx = 12, spacing_m = 10.0 }
boundary = { cells = 5 }
wavelet = { peak_hz = 8.0, delay_s = 0.03 }
sources = { positions_m = [[20.0, 30.0], [43.0, 66.0]] }
receivers = { z_m = 50.0, x_first_m = 0.0, x_last_m = 110.0, count = 4 }
[prior]
plugin = "gmm"
components = "training"
width = 30.0
[prior.schedule]
steps = 20
beta_last = 0.5
[prior.data]
kind = "gaussian-field"
kl_modes = 4
examples = 20
held_out = 2
[observation]
truth = "held-out"
noise = 0.2
[sampler]
plugin = "dps"
zeta = 0.05
chains = 8
`

// TestWaveChains: chains whose waves the grid does not carry are dropped with the numbers; the others end as they do without those,
// to the last bit, and the run has a report.
func TestWaveChains(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", inversion)
	for name, chains := range map[string]string{"all": "8", "two": "2"} {
		if r := b.run("run", "-q", "-o", name, "--no-figures", "--set", "sampler.chains="+chains, "x.toml"); r.code != 0 {
			t.Fatal(r)
		}
	}
	var dropped, alone []struct {
		Chain, Step int
		Code, Text  string
	}
	readJSON(t, b.path("all/sample/status.json"), &dropped)
	readJSON(t, b.path("two/sample/status.json"), &alone)
	all, two := b.read(t, "all/sample/model.npy"), b.read(t, "two/sample/model.npy")
	if len(dropped) == 0 || len(dropped) > 6 || len(alone) != 0 {
		t.Fatalf("of 8 chains %d were dropped, of 2 %d: the test needs some and none", len(dropped), len(alone))
	}
	for _, d := range dropped {
		if d.Code != "UNSTABLE" || !strings.Contains(d.Text, "nodes per wavelength; at least 3 nodes per wavelength at 20 Hz and a spacing of 10 m are 600 m/s") {
			t.Errorf("dropped: %+v", d)
		}
		if !allNaN(all.Item(d.Chain)) {
			t.Errorf("chain %d was dropped and has a model", d.Chain)
		}
	}
	for i := range 2 {
		if !bytes.Equal(all.Item(i).Data, two.Item(i).Data) || allNaN(two.Item(i)) {
			t.Errorf("chain %d has other bits beside chains that were dropped, or none", i)
		}
	}
	if _, err := os.Stat(b.path("all/report.html")); err != nil {
		t.Error(err)
	}
}

// TestWaveInputs: observations, models and wavelets that hold what no number is, and a set whose maps the solver cannot take, each
// with its place; nothing is written.
func TestWaveInputs(t *testing.T) {
	t.Parallel()
	fill := func(v float32, shape ...int) *tensor.Tensor {
		x := tensor.New(tensor.Float32, shape...)
		for i := range x.Float32s() {
			x.Float32s()[i] = v
		}
		return x
	}
	holed := fill(0, 1, 1, 2, 60, 4)
	holed.Float32s()[60*4+7*4+2] = float32(math.NaN())
	gradient := []string{"gradient", "-q", "x.toml", "--model", "m.npy", "--data", "d.npy", "--noise-std", "0.5", "-o", "out"}
	for _, c := range []struct {
		name, file string
		model      *tensor.Tensor
		data       *tensor.Tensor
		args       []string
		code       int
		want       []string
	}{
		{"NaN in the data", inTime, fill(2000, 1, 1, 10, 13), holed, gradient, 2, []string{"observation 0: pressure is NaN at [0 1 7 2], it must be finite"}},
		{"data of a step less", inTime, fill(2000, 1, 1, 10, 13), fill(0, 1, 1, 2, 59, 4), gradient, 2, []string{"d.npy has shape [1 1 2 59 4]", "shape [1 2 60 4]"}},
		{"data of two, one model", inTime, fill(2000, 1, 1, 10, 13), fill(0, 2, 1, 2, 60, 4), gradient, 2, []string{"d.npy holds 2 observations, m.npy 1 models"}},
		{"NaN in elastic data", strings.Replace(elasticInTime, "[solver.grid]", "vs = { poisson = 0.25 }\nrho = { gardner = true }\n[solver.grid]", 1), fill(3000, 1, 1, 10, 13), fill(float32(math.NaN()), 1, 2, 2, 60, 4), gradient, 2, []string{"observation 0: vx is NaN at [0 0 0 0], it must be finite"}},
		{"NaN in a wavelet's file", strings.Replace(inTime, "peak_hz = 15.0\ndelay_s = 0.02", "peak_hz = 15.0\nkind = \"file\"\npath = \"d.npy\"", 1), fill(2000, 1, 1, 10, 13), fill(float32(math.NaN()), 5),
			[]string{"forward", "-q", "x.toml", "--model", "m.npy", "-o", "out"}, 2, []string{"d.npy, wavelet 0: sample 0 is NaN, all must be finite"}},
		{"maps too fast for the step", soundPairs + "[solver]\nplugin = \"acoustic\"\npreset = \"openfwi\"\ndt_s = 2.5e-3\nnt = 40\n", fill(0, 1), fill(0, 1),
			[]string{"data", "generate", "-q", "x.toml"}, 1, []string{"set: solver acoustic: sample ", "model/model1.npy, row ", "UNSTABLE: vp is ", "v dt/h = 0.6124, which is 2449.49 m/s for a time step of 0.0025 s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", c.file)
			for name, x := range map[string]*tensor.Tensor{"m.npy": c.model, "d.npy": c.data} {
				if err := npy.Write(b.path(name), x); err != nil {
					t.Fatal(err)
				}
			}
			r := b.run(c.args...)
			r.fails(t, c.code, c.want...)
			r.one(t)
			for _, name := range []string{"out", "data/set/model/model1.npy", "data/set/data/data1.npy"} {
				if _, err := os.Stat(b.path(name)); err == nil {
					t.Errorf("%s was written", name)
				}
			}
		})
	}
}
