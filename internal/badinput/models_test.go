package badinput

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

func floats(t *testing.T, path string, shape ...int) []float64 {
	t.Helper()
	x, err := npy.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Check(path, tensor.Float64, shape...); err != nil {
		t.Fatal(err)
	}
	return x.Float64s()
}

// quadratic is the map of sound, F(x) = (x1 + 0.3 x1 x2, x2 + 0.2 x1^2), and its gradient of 1/2 |F(x) - d|^2/s^2.
func quadratic(x []float64) [2]float64 {
	return [2]float64{x[0] + 0.3*x[0]*x[1], x[1] + 0.2*x[0]*x[0]}
}

// TestModelsOutside: items outside bounds or NaN have their status with the numbers, the others their data.
func TestModelsOutside(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", strings.Replace(sound, `map = "quadratic"`, "map = \"quadratic\"\nbounds = [-2, 2]\nworkers = 2", 1))
	models := [][]float64{{0.5, -1}, {1, 2.5}, {math.NaN(), 0}, {-2, 2}, {math.Inf(-1), 1}, {0.25, 0.75}}
	m := tensor.New(tensor.Float64, len(models), 2)
	for i, x := range models {
		copy(m.Item(i).Float64s(), x)
	}
	if err := npy.Write(b.path("m.npy"), m); err != nil {
		t.Fatal(err)
	}
	bad := []string{"item 1: OUT_OF_BOUNDS", "2.5", "item 2: OUT_OF_BOUNDS", "NaN", "item 4: OUT_OF_BOUNDS", "-Inf", "above its upper bound 2", "must be finite"}
	good := []int{0, 3, 5}

	r := b.run("forward", "-q", "x.toml", "--model", "m.npy", "-o", "d.npy")
	r.fails(t, 1, bad...)
	if strings.Contains(r.stderr, "item 0") || strings.Contains(r.stderr, "item 3") || strings.Contains(r.stderr, "item 5") {
		t.Errorf("%v\nsound items are blamed", r)
	}
	d := floats(t, b.path("d.npy"), len(models), 2)
	for _, i := range good {
		want := quadratic(models[i])
		for k := range want {
			if !(math.Abs(d[2*i+k]-want[k]) <= 1e-14) { // a few roundings of numbers of order 1
				t.Errorf("item %d: datum %d is %g, want %g", i, k, d[2*i+k], want[k])
			}
		}
	}

	for _, i := range []int{1, 2, 4} {
		if !math.IsNaN(d[2*i]) || !math.IsNaN(d[2*i+1]) {
			t.Errorf("item %d has no data and got %v", i, d[2*i:2*i+2])
		}
	}

	obs := tensor.New(tensor.Float64, 1, 2)
	copy(obs.Float64s(), []float64{0.3, -0.2})
	if err := npy.Write(b.path("obs.npy"), obs); err != nil {
		t.Fatal(err)
	}
	r = b.run("gradient", "-q", "x.toml", "--model", "m.npy", "--data", "obs.npy", "--noise-std", "0.5", "-o", "g.npy")
	r.fails(t, 1, bad...)
	g := floats(t, b.path("g.npy"), len(models), 2)
	if strings.Contains(r.stdout, "item 1") || !strings.Contains(r.stdout, "item 5: misfit 1.852890625\n") {
		t.Errorf("%v\nmisfits of the sound items and no others are wanted", r)
	}
	phi := func(x []float64) float64 {
		f := quadratic(x)
		return 0.5 * (math.Pow(f[0]-0.3, 2) + math.Pow(f[1]+0.2, 2)) / 0.25
	}
	for _, i := range good {
		for k := range 2 {
			const h = 1e-5
			up, down := append([]float64{}, models[i]...), append([]float64{}, models[i]...)
			up[k] += h
			down[k] -= h
			if want := (phi(up) - phi(down)) / (2 * h); !(math.Abs(g[2*i+k]-want) <= 1e-7*max(1, math.Abs(want))) { // h^2 times the third derivative
				t.Errorf("item %d: gradient %d is %g, by differences %g", i, k, g[2*i+k], want)
			}
		}
	}
}

// wide is an experiment of which some chains leave the bounds, which are put in the place of BOUNDS.
const wide = `name = "wide"
seed = 5
[solver]
plugin = "analytic"
map = "quadratic"
BOUNDS
[prior]
plugin = "gmm"
components = "gaussian"
[prior.schedule]
steps = 30
beta_last = 0.5
[prior.data]
kind = "gaussian"
examples = 100
held_out = 20
mean = [0.5, -0.3]
covariance = [[1.0, 0.4], [0.4, 0.6]]
[observation]
truth = "model"
model = [[0.5, -0.3], [0.2, 0.1]]
noise_std = 1.5
[sampler]
plugin = "dps"
chains = 12
EXTRA
`

func wideTOML(bounds, extra string) string {
	return strings.NewReplacer("BOUNDS", bounds, "EXTRA", extra).Replace(wide)
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestChainsDropped: chains that leave the bounds are dropped and counted; the others end as they do without bounds, to
// the last bit, and the results are over them.
func TestChainsDropped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("free.toml", wideTOML("", ""))
	b.write("x.toml", wideTOML("bounds = [-1.6, 1.6]", ""))
	for _, name := range []string{"free", "x"} {
		if r := b.run("run", "-q", "-o", name, name+".toml"); r.code != 0 {
			t.Fatal(r)
		}
	}
	var dropped []struct {
		Chain, Step int
		Code, Text  string
	}
	readJSON(t, b.path("x/sample/status.json"), &dropped)
	const chains = 24
	if len(dropped) == 0 || len(dropped) == chains {
		t.Fatalf("%d of %d chains were dropped: the test needs some and not all", len(dropped), chains)
	}
	gone := map[int]bool{}
	for _, d := range dropped {
		gone[d.Chain] = true
		if d.Code != "OUT_OF_BOUNDS" || !strings.Contains(d.Text, "1.6") || d.Step < 0 || d.Step >= 30 {
			t.Errorf("dropped: %+v", d)
		}
	}
	free, bound := floats(t, b.path("free/sample/model.npy"), chains, 2), floats(t, b.path("x/sample/model.npy"), chains, 2)
	mean := [2][2]float64{}
	alive := [2]int{}
	for c := range chains {
		for k := range 2 {
			i := 2*c + k
			switch {
			case gone[c] && !math.IsNaN(bound[i]):
				t.Errorf("chain %d was dropped and has %g", c, bound[i])
			case !gone[c] && math.Float64bits(bound[i]) != math.Float64bits(free[i]):
				t.Errorf("chain %d: %v with bounds, %v without", c, bound[i], free[i])
			}
			if !gone[c] {
				mean[c/12][k] += bound[i]
			}
		}
		if !gone[c] {
			alive[c/12]++
		}
	}
	got := floats(t, b.path("x/judge/posterior_mean.npy"), 2, 2)
	for o := range 2 {
		for k := range 2 {
			if want := mean[o][k] / float64(alive[o]); !(math.Abs(got[2*o+k]-want) <= 1e-12) { // another order of summation
				t.Errorf("observation %d: posterior mean %g, over the %d chains that are left %g", o, got[2*o+k], alive[o], want)
			}
		}
	}
	var manifest struct{ Cells []struct{ Notes []string } }
	readJSON(t, b.path("x/manifest.json"), &manifest)
	var many int
	for _, note := range manifest.Cells[0].Notes {
		if strings.Contains(note, "24 chains were dropped; the first: chain") && strings.Contains(note, "OUT_OF_BOUNDS") {
			many++
		}
	}
	if many != 1 {
		t.Errorf("notes for the report: %q", manifest.Cells[0].Notes)
	}
	metrics := map[string]float64{}
	readJSON(t, b.path("x/metrics.json"), &metrics)
	if len(metrics) < 5 {
		t.Errorf("only %d metrics: %v", len(metrics), metrics)
	}
}

func TestChainsStop(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, bounds, extra string
		code                int
		want                []string
	}{
		{"stop", "bounds = [-1.6, 1.6]", `on_divergence = "stop"`, 1, []string{"of 24 chains failed", `on_divergence = "stop"`, "the first: chain", "OUT_OF_BOUNDS at step", "1.6"}},
		{"all of them", "bounds = [-0.31, 0.5]", "", 1, []string{"24 of 24 chains failed (no chain is left)", "OUT_OF_BOUNDS at step", "below its lower bound -0.31"}},
		{"truth outside", "bounds = [-0.2, 0.5]", "", 2, []string{"truth 0 cannot be observed: OUT_OF_BOUNDS", "-0.3", "-0.2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", wideTOML(c.bounds, c.extra))
			r := b.run("run", "-q", "-o", "run", "x.toml")
			r.fails(t, c.code, c.want...)
			r.one(t)
			if found, _ := filepath.Glob(b.path("run/report.html")); len(found) > 0 {
				t.Error("a report was written")
			}
		})
	}
}
