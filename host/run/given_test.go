package run_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

// recordedExperiment has its observed data in place of DATA.
const recordedExperiment = `
name = "recorded"
[solver]
plugin = "cosines"
[prior]
plugin = "gmm"
width = 0.004
[prior.schedule]
kind = "linear"
steps = 10
beta_first = 1e-3
beta_last = 0.5
[prior.data]
kind = "gaussian-field"
kl_modes = 4
examples = 4
[observation]
truth = "data"
noise_std = 0.5
DATA
[sampler]
plugin = "dps"
variant = "published"
zeta = 0.005
chains = 2
snapshots = 0
`

func recorded(data string) string { return strings.Replace(recordedExperiment, "DATA", data, 1) }

// samplesOf are the bytes of a run's observed data and of its samples.
func (b *bench) samplesOf(res *run.Result) []byte {
	b.t.Helper()
	var all []byte
	all = append(all, read(b.t, filepath.Join(b.stageOf(b.t, res.Cells[0], "observe"), run.DataFile)).Data...)
	return append(all, read(b.t, filepath.Join(b.stageOf(b.t, res.Cells[0], "sample"), run.LatentFile)).Data...)
}

// TestGivenData: observed data from a file, in any precision, give the bits that the same numbers in the experiment give, whatever else
// the file has; other numbers in it are another experiment; nothing is simulated and no noise is added.
func TestGivenData(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/cosines"] = func() contract.Plugin { return &cosines{} }
	const n = 5
	value := func(item, k int) float64 { return 20 + float64(item) - 3*float64(k) + float64(item*k)/8 } // exact in float16
	inline := func(items ...int) string {
		var rows []string
		for _, i := range items {
			var row []string
			for k := range fieldData {
				row = append(row, fmt.Sprintf("%.17g", value(i, k)))
			}
			rows = append(rows, "["+strings.Join(row, ", ")+"]")
		}
		return "data = [" + strings.Join(rows, ", ") + "]"
	}
	save := func(name string, add float64, shape ...int) {
		t.Helper()
		path, dt := filepath.Join(b.root, name), tensor.Float32
		if strings.Contains(name, "8") {
			dt = tensor.Float64
		}
		x := tensor.New(dt, shape...)
		v := make([]float64, x.Len())
		for i := range v {
			v[i] = value(i/fieldData, i%fieldData) + add
		}
		x.SetReals(v)
		err := error(nil)
		if strings.Contains(name, "2") {
			var w *npy.Writer
			if w, err = npy.CreateHalf(path, shape[1:]...); err == nil {
				if err = w.Append(x); err == nil {
					err = w.Commit()
				}
			}
		} else {
			err = npy.Write(path, x)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	save("f2.npy", 0, n, fieldData)
	save("f4.npy", 0, n, 1, fieldData)
	save("f8.npy", 0, n, fieldData)
	save("one4.npy", 0, fieldData)
	two, zero := b.samplesOf(b.run(recorded(inline(3, 1)))), b.samplesOf(b.run(recorded(inline(0))))
	if bytes.Equal(two, zero) {
		t.Fatal("other data, the same samples")
	}
	for data, want := range map[string][]byte{
		`file = "f2.npy"` + "\nindex = [3, 1]": two,
		`file = "f4.npy"` + "\nindex = [3, 1]": two,
		`file = "f8.npy"` + "\nindex = [3, 1]": two,
		`file = "f8.npy"`:                      zero,
		`file = "one4.npy"`:                    zero,
	} {
		res := b.run(recorded(data))
		if !bytes.Equal(b.samplesOf(res), want) {
			t.Errorf("%s: other bits than the same numbers in the experiment", data)
		}
		observe := b.stageOf(t, res.Cells[0], "observe")
		if !bytes.Equal(read(t, filepath.Join(observe, run.CleanFile)).Data, read(t, filepath.Join(observe, run.DataFile)).Data) {
			t.Errorf("%s: noise was added to given data", data)
		}
		if _, err := os.Stat(filepath.Join(observe, run.TruthFile)); err == nil {
			t.Errorf("%s: there is a truth", data)
		}
		html, err := os.ReadFile(filepath.Join(res.Dir, "report.html"))
		if err != nil || !strings.Contains(string(html), "observations, given, without a known truth (item") {
			t.Errorf("the report does not say what the data are: %v", err)
		}
	}
	before := b.entries("observe")
	save("f8.npy", 1, n, fieldData)
	if other := b.samplesOf(b.run(recorded(`file = "f8.npy"`))); bytes.Equal(other, zero) || b.entries("observe") != before+1 {
		t.Errorf("the file changed, the run did not (%d stages, before %d)", b.entries("observe"), before)
	}
	o, done, err := b.load(recorded(`file = "f2.npy"` + "\nindex = [3, 1]"))
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	plans, err := run.Plan(t.Context(), o)
	if want := []string{"observed data: items 3, 1 of f2.npy (float16 [5 10]), given; nothing is simulated, no noise is added"}; err != nil || !slices.Equal(plans[0].Notes, want) {
		t.Errorf("the plan says %+v, %v, want %q", plans, err, want)
	}
}

// TestGivenDataRefused: what does not fit is said with the numbers before anything is computed, by plan as by run.
func TestGivenDataRefused(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/cosines"] = func() contract.Plugin { return &cosines{} }
	save := func(name string, x *tensor.Tensor) {
		t.Helper()
		if err := npy.Write(filepath.Join(b.root, name), x); err != nil {
			t.Fatal(err)
		}
	}
	bad := tensor.New(tensor.Float32, 3, fieldData)
	bad.Float32s()[14], bad.Float32s()[17] = float32(math.Inf(-1)), float32(math.NaN())
	save("d.npy", bad)
	save("short.npy", tensor.New(tensor.Float32, 3, fieldData-1))
	save("wave.npy", tensor.New(tensor.Complex64, fieldData))
	whole, err := os.ReadFile(filepath.Join(b.root, "d.npy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.root, "cut.npy"), whole[:len(whole)-3], 0o644); err != nil {
		t.Fatal(err)
	}
	for data, want := range map[string][]string{
		`file = "none.npy"`:                   {"x.toml:20: observation.file: ", "none.npy", "no such file"},
		`file = "cut.npy"`:                    {"x.toml:20: observation.file: ", "cut.npy (245 bytes): cut: float32 [3 10] takes 120 bytes after the header, there are 117"},
		`file = "short.npy"`:                  {"short.npy has shape [3 9]", "one item of the solver's has shape [10]", "receiver 10"},
		`file = "wave.npy"`:                   {"wave.npy is complex64, the solver's data float64 (receiver 10)"},
		`file = "d.npy"` + "\nindex = [1]":    {"d.npy, item 1: 2 of 10 numbers are not finite in float64, the first is -Inf at receiver 4"},
		`file = "d.npy"` + "\nindex = [0, 3]": {"observation.index[1] is 3, and ", "d.npy holds 3 observations (allowed: 0..2)"},
		`file = "d.npy"` + "\ncount = 4":      {"d.npy holds 3 observations, count = 4"},
		`file = "d.npy"` + "\ncount = 2":      {"d.npy, item 1: 2 of 10"},
		"data = [[1.0, 2.0]]":                 {"observation.data[0] has 2 numbers, an observation has 10"},
		`file = "d.npy"` + "\n" + `adapt = [{ kind = "receivers", count = 6 }]`: {"d.npy has shape [3 10]", "has shape [6]", "given data are as they are behind observation.adapt"},
	} {
		for _, way := range []string{"run", "plan"} {
			o, done, err := b.load(recorded(data))
			if err == nil && way == "run" {
				_, err = run.Run(t.Context(), o)
			} else if err == nil {
				_, err = run.Plan(t.Context(), o)
			}
			done()
			for _, text := range want {
				if err == nil || !strings.Contains(err.Error(), text) {
					t.Errorf("%s, %s:\n got %v\nwant %s", way, data, err, text)
				}
			}
		}
	}
	if n := b.entries("*"); n != 0 {
		t.Errorf("%d stages were computed", n)
	}
	b.run(recorded(`file = "d.npy"` + "\nindex = [2, 0]")) // what is not asked for may be anything
}

// meddler is a prior during whose training a file changes.
type meddler struct {
	*gmm.Prior
	meddle func()
}

func (m *meddler) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	m.meddle()
	return m.Prior.Train(ctx, r, report)
}

// TestGivenDataChange: a file that changes during a training is not taken for the one whose content is in the key.
func TestGivenDataChange(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/cosines"] = func() contract.Plugin { return &cosines{} }
	save := func(v float64) {
		x := tensor.New(tensor.Float64, fieldData)
		x.Float64s()[3] = v
		if err := npy.Write(filepath.Join(b.root, "d.npy"), x); err != nil {
			t.Error(err)
		}
	}
	save(1)
	b.plugins["prior/gmm"] = func() contract.Plugin { return &meddler{gmm.New(), func() { save(2) }} }
	text := recorded(`file = "d.npy"`)
	if _, err := b.try(t.Context(), text); err == nil || !strings.Contains(err.Error(), "d.npy changed while the run was under way") || b.entries("train") != 1 || b.entries("observe") != 0 {
		t.Errorf("%v; %d stages of observations", err, b.entries("observe"))
	}
	b.run(text)
}

// TestInversionOfGivenData: the data that a solver made of a truth, given back as a file, are inverted to the same bits as with the truth,
// and the report shows the model that comes out of them.
func TestInversionOfGivenData(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	b.plugins["sampler/map"] = func() contract.Plugin { return maximum.New() }
	solver, _, _ := strings.Cut(wavesExperiment, "[prior]")
	text := func(observation string) string {
		return solver + "[observation]\n" + observation + "noise_std = 1e-3\n[sampler]\nplugin = \"map\"\nchains = 1\niterations = 3\nevaluations = 6\n[sampler.start]\nmodel = \"file\"\nfile = \"start.npy\"\n"
	}
	start := tensor.New(tensor.Float32, 10, 12)
	for i := range start.Float32s() {
		start.Float32s()[i] = 2900
	}
	if err := npy.Write(filepath.Join(b.root, "start.npy"), start); err != nil {
		t.Fatal(err)
	}
	made := b.run(text("truth = { rule = \"drawn\", data = { kind = \"gaussian\", mean = [3000.0], std = [50.0] } }\n"))
	data := read(t, filepath.Join(b.stageOf(t, made.Cells[0], "observe"), run.DataFile))
	if err := npy.Write(filepath.Join(b.root, "gathers.npy"), data.Reshape(60, 12)); err != nil { // one shot, one component
		t.Fatal(err)
	}
	given := b.run(text("truth = \"data\"\nfile = \"gathers.npy\"\n"))
	if a, c := b.samplesOf(made), b.samplesOf(given); !bytes.Equal(a, c) {
		t.Error("the same data from a file lead elsewhere")
	}
	result := read(t, filepath.Join(b.stageOf(t, given.Cells[0], "judge"), "field_best.npy")).AppendReals(nil)
	if v := slices.Max(result); !(v > 2900.5) {
		t.Errorf("nothing moved: at most %g m/s, the start has 2900", v)
	}
	for _, name := range []string{"inversion", "gather", "descent"} {
		if _, err := os.Stat(filepath.Join(given.Dir, "figures", name+".png")); err != nil {
			t.Errorf("no figure: %v", err)
		}
	}
	if _, ok := given.Cells[0].Metrics["fidelity.relative_l2_mean"]; ok {
		t.Error("an error is judged without a truth")
	}
	if was, now := made.Cells[0].Metrics["data.misfit_start"], given.Cells[0].Metrics["data.misfit_start"]; was != now || !(was > 0) {
		t.Errorf("the start's misfit is %g with the truth, %g without", was, now)
	}
}

// TestPosteriorOfGivenData: samples of data that came without a truth have the mean and standard deviation that they have beside one, are
// shown, and are judged by no error.
func TestPosteriorOfGivenData(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	solver, _, _ := strings.Cut(wavesExperiment, "[prior]")
	const prior = "[prior]\nplugin = \"gmm\"\nquantity = \"vp\"\nunit = \"km/s\"\nwidth = 0.02\n[prior.schedule]\nsteps = 200\n[prior.data]\nkind = \"gaussian\"\nexamples = 8\nheld_out = 2\nmean = [3.0]\nstd = [0.1]\n"
	rest := solver + prior
	text := func(observation string) string {
		return rest + "[observation]\n" + observation + "noise_std = 1e-3\n[sampler]\nplugin = \"dps\"\n[sweep]\n\"sampler.chains\" = [2, 3]\n"
	}
	made := b.run(text("truth = \"held-out\"\n"))
	data := read(t, filepath.Join(b.stageOf(t, made.Cells[0], "observe"), run.DataFile))
	if err := npy.Write(filepath.Join(b.root, "gathers.npy"), data.Reshape(60, 12)); err != nil {
		t.Fatal(err)
	}
	given := b.run(text("truth = \"data\"\nfile = \"gathers.npy\"\n"))
	for k, c := range given.Cells {
		was, now := b.stageOf(t, made.Cells[k], "judge"), b.stageOf(t, c, "judge")
		for _, name := range []string{"field_mean.npy", "field_std.npy", "field_samples.npy", "posterior_mean.npy"} {
			if !bytes.Equal(read(t, filepath.Join(was, name)).Data, read(t, filepath.Join(now, name)).Data) {
				t.Errorf("cell %d: %s differs from that with a truth", k, name)
			}
		}
		if _, err := os.Stat(filepath.Join(now, "field_truth.npy")); err == nil {
			t.Errorf("cell %d: there is a truth", k)
		}
		for name := range c.Metrics {
			if strings.HasPrefix(name, "fidelity.") && name != "fidelity.std" && name != "fidelity.velocity_std" {
				t.Errorf("cell %d: %s is judged without a truth", k, name)
			}
		}
		if a, g := made.Cells[k].Metrics["fidelity.velocity_std"], c.Metrics["fidelity.velocity_std"]; a != g || !(a > 0) {
			t.Errorf("cell %d: the velocities' spread is %g with the truth, %g without", k, a, g)
		}
	}
	drawn := func(dir, pattern string) int {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	for pattern, n := range map[string]int{"figures/fields*.png": 1, "figures/samples*.png": 1, "cells/*/figures/field.png": 2} {
		if found := drawn(given.Dir, pattern); found != n {
			t.Errorf("%d figures %s, want %d", found, pattern, n)
		}
	}
	// Beside a cell with a truth: each in figures of its kind.
	mixed := b.run(rest + "[observation]\nnoise_std = 1e-3\n[sampler]\nplugin = \"dps\"\nchains = 2\n" +
		"[[sweep.cases]]\nlabel = \"made\"\nobservation.truth = \"held-out\"\n" +
		"[[sweep.cases]]\nlabel = \"given\"\nobservation.truth = \"data\"\nobservation.file = \"gathers.npy\"\n")
	for _, pattern := range []string{"figures/fields*.png", "figures/samples*.png"} {
		if found := drawn(mixed.Dir, pattern); found != 2 {
			t.Errorf("%d figures %s of cells with and without a truth, want 2", found, pattern)
		}
	}
}
