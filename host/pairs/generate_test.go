package pairs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/pairs"
)

func sorted(s []string) []string { slices.Sort(s); return s }

// read returns the numbers of a file of float16, 32 or 64, and what it says of itself.
func read(t *testing.T, path string) (v []float64, shape []int, dtype string) {
	t.Helper()
	r, err := npy.OpenRows(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	x := tensor.New(tensor.Float64, append([]int{r.Len()}, r.Item()...)...)
	if err := r.Read(0, x); err != nil {
		t.Fatal(err)
	}
	return x.Float64s(), x.Shape, r.DType()
}

// maps are what the generator of the data set draws.
func maps(t *testing.T, options string, first, n int, heldOut bool) []float64 {
	t.Helper()
	model := dataset.OpenFWIModel(false)
	model.DType = tensor.Float64
	g, err := dataset.NewGenerator("openfwi", json.RawMessage(options), 3, &model)
	if err != nil {
		t.Fatal(err)
	}
	m := model.New(n)
	if err := g.Fill(first, m, heldOut); err != nil {
		t.Fatal(err)
	}
	return m.Float64s()
}

const vel = "name = \"set\"\nfamily = \"CurveVel_B\"\nseed = 3\ncount = 11\nsamples_per_file = 4\n"

// TestModels: the files of a family's layout hold the items of the generator, sample i being item i; Fault files maps of one
// number of layers each.
func TestModels(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ dtype, heldOut string }{{"float32", "false"}, {"float64", "true"}, {"float16", "false"}} {
		out := "vel-" + c.dtype
		res := b.must(out, vel, `dtype = "`+c.dtype+`"`, "held_out = "+c.heldOut)
		if res.Files != 3 || res.Samples != 11 || res.Made != 11 {
			t.Errorf("%+v", res)
		}
		if got := names(b.sums(out)); got != "[model/model1.npy model/model2.npy model/model3.npy pairs.json]" {
			t.Errorf("files %s", got)
		}
		want := maps(t, `{"family": "CurveVel_B"}`, 0, 11, c.heldOut == "true")
		for f := range 3 {
			n := min(4, 11-4*f)
			v, shape, dtype := read(t, filepath.Join(b.dir, out, "model", fmt.Sprintf("model%d.npy", f+1)))
			if dtype != c.dtype || !slices.Equal(shape, []int{n, 1, 70, 70}) {
				t.Errorf("file %d is %s %v", f, dtype, shape)
			}
			for i, x := range v {
				w := want[4*f*4900+i]
				if c.dtype == "float16" && math.Abs(x-w) > 2 || c.dtype != "float16" && x != w {
					t.Fatalf("%s: file %d: number %d is %g, want %g", c.dtype, f, i, x, w)
				}
			}
		}
	}
	b.must("fault", "name = \"set\"\nfamily = \"FlatFault_B\"\nseed = 3\ncount = 10\nsamples_per_file = 3\n")
	if got := names(b.sums("fault")); got != "[pairs.json vel6_1_0.npy vel6_1_1.npy vel7_1_0.npy vel8_1_0.npy]" {
		t.Errorf("files %s", got)
	}
	for _, c := range []struct {
		name              string
		first, n, layered int
	}{{"vel6_1_0", 0, 3, 6}, {"vel7_1_0", 3, 3, 7}, {"vel8_1_0", 6, 3, 8}, {"vel6_1_1", 9, 1, 6}} {
		v, _, _ := read(t, filepath.Join(b.dir, "fault", c.name+".npy"))
		if !slices.Equal(v, maps(t, fmt.Sprintf(`{"family": "FlatFault_B", "layers": %d}`, c.layered), c.first, c.n, false)) {
			t.Errorf("%s does not hold the items %d.. of %d layers", c.name, c.first, c.layered)
		}
	}
	b.must("elastic", vel, "elastic = true", "poisson_min = 0.25", "poisson_max = 0.25")
	vp, _, _ := read(t, filepath.Join(b.dir, "elastic", "vp_2.npy"))
	vs, shape, _ := read(t, filepath.Join(b.dir, "elastic", "vs_2.npy"))
	if !slices.Equal(vp, maps(t, `{"family": "CurveVel_B"}`, 4, 4, false)) || !slices.Equal(shape, []int{4, 1, 70, 70}) {
		t.Error("vp_2 does not hold the items 4..7")
	}
	for i, v := range vp {
		if math.Abs(vs[i]*math.Sqrt(3)/v-1) > 1e-6 { // a Poisson solid: vp/vs = sqrt 3
			t.Fatalf("vs %g for vp %g, want vp/sqrt(3)", vs[i], v)
		}
	}
}

const solved = vel + "[solver]\nplugin = \"toy\"\n"

// TestPairs: the data are those of the model as it is stored, for every precision and every kind of model and data.
func TestPairs(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ dtype, model, data string }{
		{"float32", "vp", "real"}, {"float64", "vp", "real"}, {"float16", "vp", "real"}, {"float32", "slow", "real"}, {"float32", "elastic", "components"},
		{"float64", "vp", "complex"},
	} {
		out := strings.Join([]string{c.dtype, c.model, c.data}, "-")
		b.must(out, solved, `dtype = "`+c.dtype+`"`, `solver.model = "`+c.model+`"`, `solver.data = "`+c.data+`"`)
		path := func(name string) string { return filepath.Join(b.dir, out, name) }
		var m [][]float64
		var d [][]float64
		switch {
		case c.model == "elastic":
			for _, name := range []string{"vp_2", "vs_2", "rho_2"} {
				v, _, _ := read(t, path(name+".npy"))
				m = append(m, v)
			}
			for _, name := range []string{"data_x_2", "data_z_2"} {
				v, shape, _ := read(t, path(name+".npy"))
				if !slices.Equal(shape, []int{4, 2, 3, 4}) {
					t.Errorf("%s has shape %v", name, shape)
				}
				d = append(d, v)
			}
		case c.data == "complex":
			v, _, _ := read(t, path("model/model2.npy"))
			x, err := npy.Read(path("data/data2.npy"))
			if err != nil || x.DType != tensor.Complex64 || !slices.Equal(x.Shape, []int{4, 1, 6, 4}) {
				t.Fatalf("%v %v, %v", x.DType, x.Shape, err)
			}
			m, d = [][]float64{v}, [][]float64{x.AppendReals(nil)}
		default:
			v, _, _ := read(t, path("model/model2.npy"))
			w, shape, dtype := read(t, path("data/data2.npy"))
			if !slices.Equal(shape, []int{4, 2, 3, 4}) || dtype != c.dtype {
				t.Errorf("%s: data %s %v", out, dtype, shape)
			}
			m, d = [][]float64{v}, [][]float64{w}
		}
		if c.model == "slow" {
			if b.calls.Load() == 0 || d[0][0] == 0 {
				t.Error("nothing was solved")
			}
			continue // the adapter's numbers are package space's affair
		}
		for i := range 4 {
			var item, got []float64
			for _, v := range m {
				item = append(item, v[i*4900:(i+1)*4900]...)
			}
			for _, v := range d {
				n := len(v) / 4
				got = append(got, v[i*n:(i+1)*n]...)
			}
			want := sums(item, len(got))
			for k := range want {
				w := float64(float32(want[k]))
				if c.dtype == "float16" {
					h := []float32{float32(want[k])}
					npy.RoundHalf(h)
					w = float64(h[0])
				}
				if got[k] != w {
					t.Fatalf("%s: sample %d: number %d of the data is %g, of the stored model %g", out, i, k, got[k], w)
				}
			}
		}
	}
}

// waves is a set of short acoustic gathers.
const waves = vel + `[solver]
plugin = "acoustic"
preset = "none"
grid = { nz = 70, nx = 70, spacing_m = 5.0 }
dt_s = 5e-4
nt = 40
wavelet = { peak_hz = 20.0, delay_s = 0.01 }
boundary = { cells = 4 }
sources = { z_m = 10.0, x_first_m = 20.0, x_last_m = 300.0, count = 2 }
receivers = { z_m = 5.0, x_first_m = 0.0, x_last_m = 300.0, count = 13 }
`

// TestFloat16: data that float16 does not hold are refused with their size, not written as zeros or infinities.
func TestFloat16(t *testing.T) {
	b := newBench(t)
	b.must("pressure", waves, `dtype = "float16"`)
	for out, change := range map[string][2]string{
		"small": {"[solver]\n", "[solver]\nrecord = { quantity = \"vz\", density_kg_m3 = 2000.0, source_velocity_m_s = 2000.0 }\n"},
		"large": {"wavelet = {", "wavelet = { kind = \"samples\", peak_hz = 20.0, samples = [0.0, 1e8, -1e8] } #"},
	} {
		_, err := b.generate(t.Context(), out, strings.Replace(waves, change[0], change[1], 1), `dtype = "float16"`)
		if !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), "sample 0 (") || !strings.Contains(err.Error(), "float16 holds 6.1e-05 to 65504") {
			t.Errorf("%s: %v", out, err)
		}
	}
}

// TestWorkers: the same bytes for any number of workers and threads.
func TestWorkers(t *testing.T) {
	b := newBench(t)
	text := strings.Replace(solved, "count = 11\nsamples_per_file = 4", "count = 60\nsamples_per_file = 40", 1)
	b.must("one", text)
	for _, workers := range []int{2, 3} {
		old := runtime.GOMAXPROCS(workers)
		out := fmt.Sprintf("workers-%d", workers)
		b.must(out, text, fmt.Sprintf("solver.workers = %d", workers))
		runtime.GOMAXPROCS(old)
		b.same(out, "one")
	}
}

// TestResume: after a cancellation the whole files stay as they are and the rest is made, to the bytes of one run; more
// samples are added to a set; a file that was cut is made again.
func TestResume(t *testing.T) {
	b := newBench(t)
	b.must("whole", solved)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.calls.Store(0)
	b.during = func(call int64) {
		if call == 2 { // in the second file
			cancel()
		}
	}
	if _, err := b.generate(ctx, "set", solved); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	b.during = nil
	if got := names(b.sums("set")); got != "[data/data1.npy model/model1.npy pairs.json]" {
		t.Errorf("after a cancellation there are %s", got)
	}
	first := filepath.Join(b.dir, "set", "data", "data1.npy")
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	if res := b.must("set", solved); res.Made != 7 {
		t.Errorf("made %d, want 7", res.Made)
	}
	b.same("set", "whole")
	if after, err := os.Stat(first); err != nil || !os.SameFile(before, after) {
		t.Errorf("the first file was made again (%v)", err)
	}
	if res := b.must("set", solved); res.Made != 0 {
		t.Errorf("made %d of a set that is there", res.Made)
	}

	b.must("more", solved, "count = 14")
	if res := b.must("set", solved, "count = 14"); res.Made != 6 { // the third file, which had 3, and the fourth
		t.Errorf("made %d for 3 more samples", res.Made)
	}
	b.same("set", "more")

	for _, spoil := range []func(path string) error{
		func(path string) error { return os.Truncate(path, 1000) },
		func(path string) error { return npy.Write(path, tensor.New(tensor.Float32, 4, 2, 3, 5)) },
		func(path string) error { return npy.Write(path, tensor.New(tensor.Int32, 4, 2, 3, 4)) },
		os.Remove,
	} {
		if err := spoil(first); err != nil {
			t.Fatal(err)
		}
		if res := b.must("set", solved, "count = 14"); res.Made != 4 {
			t.Errorf("made %d, want those of the first file", res.Made)
		}
		b.same("set", "more")
	}
	// Fewer samples than there are: nothing of them is lost.
	for _, count := range []string{"13", "12", "5", "4"} { // of files of 4
		if _, err := b.generate(t.Context(), "set", solved, "count = "+count); !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), "but the set has more samples") {
			t.Errorf("count = %s of 14: %v", count, err)
		}
	}
	b.same("set", "more")
	if !strings.Contains(b.log.String(), "made again") {
		t.Errorf("the log does not say so:\n%s", b.log.String())
	}
}

func TestRefuses(t *testing.T) {
	b := newBench(t)
	b.must("set", solved)
	before := b.sums("set")
	for _, set := range []string{"seed = 4", `family = "CurveVel_A"`, "samples_per_file = 5", `dtype = "float64"`, "held_out = true", `solver.data = "complex"`} {
		if _, err := b.generate(t.Context(), "set", solved, set); !errors.Is(err, pairs.ErrFolder) || !strings.Contains(err.Error(), "pairs.json is") {
			t.Errorf("--set %s into a set without: %v", set, err)
		}
	}
	if err := os.WriteFile(filepath.Join(b.dir, "thesis.tex"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.generate(t.Context(), ".", solved); !errors.Is(err, pairs.ErrFolder) {
		t.Errorf("a folder of other files: %v", err)
	}
	if fmt.Sprint(b.sums("set")) != fmt.Sprint(before) {
		t.Error("a refused set was changed")
	}
	if _, err := b.generate(t.Context(), "line", solved, `solver.model = "line"`); !errors.Is(err, contract.ErrInvalidOption) || !strings.Contains(err.Error(), "axes z and x") {
		t.Errorf("a solver without a grid: %v", err)
	}
	// A sample that the solver refuses: its number and the solver's words, and no file of it.
	m := maps(t, `{"family": "CurveVel_B"}`, 0, 11, false)
	refused.Store(m[6*4900])
	defer refused.Store(0)
	_, err := b.generate(t.Context(), "bad", solved)
	if err == nil || !strings.Contains(err.Error(), "solver toy: sample 6 (") || !strings.Contains(err.Error(), "model2.npy, row 2): UNSTABLE: dt is 1, the limit 0.5") {
		t.Errorf("a refused sample: %v", err)
	}
	if got := names(b.sums("bad")); got != "[data/data1.npy model/model1.npy pairs.json]" {
		t.Errorf("after a refused sample there are %s", got)
	}
}

// TestLoad: what a file may not say.
func TestLoad(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ text, want string }{
		{vel + "colour = 1\n", "set.toml:6: colour: unknown key"},
		{strings.Replace(vel, "CurveVel_B", "CurveVel_C", 1), "set.toml:2: family: "},
		{strings.Replace(vel, "count = 11", "count = 0", 1), "set.toml:4: count: must be >= 1, got 0"},
		{strings.Replace(vel, `"set"`, `"a/b"`, 1), `"a/b" is no name for a folder`},
		{vel + "layers = 3\n", "layers"},
		{vel + "poisson_min = 0.4\npoisson_max = 0.3\n", "set.toml:7: poisson_max: 0.3, poisson_min is 0.4"},
		{strings.Replace(vel, "family", "#", 1), "family"},
		{vel + "solver = 3\n", "solver"},
		{vel + "[solver]\nplugin = \"nonesuch\"\n", "set.toml:7: solver.plugin: plugin not found"},
		{solved + "depth = 1\n", "set.toml:8: solver.depth: unknown key"},
		{strings.Replace(solved, "[solver]", "elastic = true\n[solver]", 1), "elastic: the solver's own model decides"},
		{"name = ", "set.toml:1"},
	} {
		_, err := b.generate(t.Context(), "set", c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n%v, want %q", c.text, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "set")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a folder was made for a bad file")
	}
}

// TestShippedFiles: there is one file for each family, they load, and write to folders of their own.
func TestShippedFiles(t *testing.T) {
	files, err := filepath.Glob("../../experiments/data/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	b, seen := newBench(t), map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".toml")
		if res := b.must(name, string(text), "count = 2"); res.Made != 2 {
			t.Errorf("%s: %+v", file, res)
		}
		for _, f := range field.Families() {
			if strings.Contains(string(text), fmt.Sprintf("\nfamily = %q\n", f.Name)) && strings.Contains(string(text), fmt.Sprintf("\nname = %q\n", name)) {
				seen[f.Name] = true
			}
		}
	}
	if len(seen) != len(field.Families()) || len(files) < len(seen) {
		t.Errorf("%d files for the families %v", len(files), seen)
	}
}
