package swap

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	klmlp "github.com/waveprior/waveprior/plugins/priors/kl-mlp"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
	"github.com/waveprior/waveprior/plugins/solvers/elastic"
	"github.com/waveprior/waveprior/plugins/solvers/helmholtz"
)

// options of a run in this process, in a folder and with a cache of its own.
func options(t *testing.T, file string, set ...string) hostrun.Options {
	t.Helper()
	var log bytes.Buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	r := progress.Plain(&log, time.Hour)
	s, err := session.New(session.Options{Log: r.Logf, InProcess: map[string]func() contract.Plugin{
		"solver/helmholtz": func() contract.Plugin { return helmholtz.New() },
		"solver/acoustic":  func() contract.Plugin { return acoustic.New() },
		"solver/elastic":   func() contract.Plugin { return elastic.New() },
		"prior/kl-mlp":     func() contract.Plugin { return klmlp.New() },
		"prior/gmm":        func() contract.Plugin { return gmm.New() },
		"sampler/dps":      func() contract.Plugin { return dps.New() },
		"sampler/map":      func() contract.Plugin { return maximum.New() },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	e, err := experiment.Load(t.Context(), file, set, s)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return hostrun.Options{Experiment: e, Dir: filepath.Join(dir, "run"), Cache: &stage.Cache{Dir: filepath.Join(dir, "cache"), Log: r.Logf}, Session: s, Progress: r}
}

// small cuts an experiment down: a corner of 600 m, few coordinates, a small network, few chains and steps.
var small = []string{
	"solver.grid = { nz = 16, nx = 16, spacing_m = 40.0 }", "solver.receivers = { z_m = 40.0, x_first_m = 40.0, x_last_m = 560.0, count = 6 }",
	"solver.sources = { positions_m = [[560.0, 120.0], [560.0, 440.0]] }",
	"prior.modes = 3", "prior.width = 32", "prior.blocks = 1", "prior.train.steps = 400", "prior.data.kl_modes = 3", "prior.data.examples = 20", "prior.data.held_out = 5",
	"sampler.chains = 4", "sampler.snapshots = 0", "sweep.seed = [1]",
}

// fewSteps of DPS, for experiments that have no other sampler.
var fewSteps = append([]string{"sampler.steps = 20", "sampler.zeta = 0.05"}, small...)

// entry is a stage of a cell, which it must have.
func entry(t *testing.T, c *hostrun.CellResult, name string) *stage.Entry {
	t.Helper()
	for _, e := range c.Entries {
		if e.Manifest.Stage == name {
			return e
		}
	}
	t.Fatalf("cell %s has no stage %s", c.Cell.Label, name)
	return nil
}

func read(t *testing.T, e *stage.Entry, name string) *tensor.Tensor {
	t.Helper()
	a, err := npy.Read(e.Path(name))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func run(t *testing.T, o hostrun.Options, cells int) []*hostrun.CellResult {
	t.Helper()
	res, err := hostrun.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Cells) != cells {
		t.Fatalf("%d cells, want %d", len(res.Cells), cells)
	}
	for _, c := range res.Cells {
		if c.Metrics["samples.dropped"] != 0 || c.Metrics["samples.chains"] == 0 {
			t.Errorf("%s: %g of %g chains dropped", c.Cell.Label, c.Metrics["samples.dropped"], c.Metrics["samples.chains"])
		}
	}
	return res.Cells
}

// Three solvers, one prior: it is trained once, the truths are the same earth in each solver's quantity, and explain each
// solver's data; so does what the optimiser finds. The figures that lay the posteriors side by side are there.
func TestPhysics(t *testing.T) {
	const samplers = `sweep.sampler = [{ label = "dps", plugin = "dps", variant = "published", zeta = 0.05, steps = 20 }, { label = "map", plugin = "map", iterations = 15 }]`
	o := options(t, "../../experiments/swap/physics.toml", append([]string{samplers}, small...)...)
	cells := run(t, o, 6)
	train, truth := entry(t, cells[0], "train").Manifest.Key, []float64(nil)
	for _, c := range cells {
		if key := entry(t, c, "train").Manifest.Key; key != train {
			t.Errorf("%s: another training, %s, the first cell's is %s", c.Cell.Label, key, train)
		}
		v := read(t, entry(t, c, "observe"), hostrun.TruthFile).AppendReals(nil)
		if c.Cell.Solver.Ref.Name == "helmholtz" { // squared slowness in s2/km2
			for i, m := range v {
				v[i] = 1000 / math.Sqrt(m)
			}
		}
		if truth == nil {
			truth = v
		}
		for i := range v {
			if math.Abs(v[i]-truth[i]) > 1e-6*truth[i] {
				t.Fatalf("%s: the truth's cell %d is %g m/s, the first solver's %g", c.Cell.Label, i, v[i], truth[i])
			}
		}
		if chi2 := c.Metrics["data.chi2_truth"]; !(chi2 > 0.6 && chi2 < 1.4) {
			t.Errorf("%s: chi^2 of the truth is %g, want about 1", c.Cell.Label, chi2)
		} else if best := c.Metrics["data.chi2_median"]; c.Cell.Sampler.Ref.Name == "map" && !(best < 1.3*chi2) {
			t.Errorf("%s: chi^2 of the most probable model is %g, the truth's %g", c.Cell.Label, best, chi2)
		}
	}
	for _, name := range []string{"fields", "samples"} {
		if _, err := os.Stat(filepath.Join(o.Dir, "figures", name+".png")); err != nil {
			t.Errorf("figure %s: %v", name, err)
		}
	}
}

// One set of elastic data, noise included, for two physics: the truth explains it with the right one alone.
func TestModelError(t *testing.T) {
	set := append([]string{"prior.data.held_out = 8"}, fewSteps...)
	for _, s := range small[:3] {
		set = append(set, "observation."+s)
	}
	o := options(t, "../../experiments/swap/model-error.toml", set...)
	cells := run(t, o, 2)
	a, b := read(t, entry(t, cells[0], "observe"), hostrun.DataFile), read(t, entry(t, cells[1], "observe"), hostrun.DataFile)
	if !bytes.Equal(a.Data, b.Data) || a.Len() == 0 {
		t.Error("the two physics are given different data")
	}
	right, wrong := cells[0].Metrics["data.chi2_truth"], cells[1].Metrics["data.chi2_truth"]
	if !(right > 0.8 && right < 1.2) || !(wrong > 1.2*right) {
		t.Errorf("chi^2 of the truth: %g elastically, want about 1; %g acoustically, want more", right, wrong)
	}
	if _, err := os.Stat(filepath.Join(o.Dir, "figures", "coverage.png")); err != nil {
		t.Error(err)
	}
}

// Another's propagator, one word apart: Deepwave's chains are acoustic's to a thousandth of their velocities, from the same noise,
// and one report has both.
func TestDeepwave(t *testing.T) {
	if out, err := exec.Command("python3", "-c", "import deepwave, grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("the first python3 on PATH has no Deepwave, see examples/deepwave-solver/README.md: %v\n%s", err, out)
	}
	plugins, err := filepath.Abs("../../examples/deepwave-solver")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WAVEPRIOR_PLUGINS", plugins)
	o := options(t, "../../experiments/swap/deepwave.toml", append(slices.Clone(fewSteps[:len(fewSteps)-1]), // it has one seed
		"solver.receivers = { z_m = 40.0, x_first_m = 40.0, x_last_m = 560.0, count = 14 }", "solver.nt = 120")...)
	cells := run(t, o, 2)
	a, b := read(t, entry(t, cells[0], "sample"), hostrun.ModelFile).AppendReals(nil), read(t, entry(t, cells[1], "sample"), hostrun.ModelFile).AppendReals(nil)
	if len(a) != len(b) || len(a) == 0 {
		t.Fatalf("%d and %d numbers", len(a), len(b))
	}
	same := true
	for i := range a {
		same = same && a[i] == b[i]
		if !(math.Abs(a[i]-b[i]) < 1e-3*a[i]) {
			t.Fatalf("number %d of the chains' models: %g m/s by acoustic, %g by Deepwave", i, a[i], b[i])
		}
	}
	if same {
		t.Error("not a bit differs: is it another propagator?")
	}
	if x, y := cells[0].Metrics["data.chi2_truth"], cells[1].Metrics["data.chi2_truth"]; !(math.Abs(x-y) < 1e-3*x) {
		t.Errorf("chi^2 of the truth: %g and %g", x, y)
	}
	page, err := os.ReadFile(filepath.Join(o.Dir, "report.html"))
	if err != nil || !bytes.Contains(page, []byte("cost.sample.wall_s")) || !bytes.Contains(page, []byte("deepwave")) {
		t.Errorf("the report shows no times of both: %v", err)
	}
}

// The composed problems, from latent vector to seismograms: kl-mlp decodes squared slowness, gmm a coarse grid of it, and the
// acoustic solver takes velocities. Dot products and Taylor tables through all of it.
func TestProblems(t *testing.T) {
	const text = `name = "problem"
seed = 1
[solver]
plugin = "acoustic"
preset = "none"
precision = "float64"
grid = { nz = 16, nx = 14, spacing_m = 40.0 }
dt_s = 5e-3
nt = 80
boundary = { cells = 6 }
wavelet = { peak_hz = 2.5 }
sources = { positions_m = [[80.0, 120.0]] }
receivers = { z_m = 520.0, x_first_m = 0.0, x_last_m = 520.0, count = 5 }
[prior.data]
kind = "gaussian-field"
examples = 30
held_out = 2
[observation]
truth = "held-out"
noise = 0.1
[sampler]
plugin = "dps"
variant = "published"
chains = 2
`
	for name, c := range map[string]struct {
		prior string
		about float64 // a latent vector that is a model has numbers about this one; 0: it is standardised
	}{
		"kl-mlp":             {"[prior]\nplugin = \"kl-mlp\"\nmodes = 3\nwidth = 32\nblocks = 1\ntrain = { steps = 5 }\n", 0},
		"gmm, own quantity":  {"[prior]\nplugin = \"gmm\"\ncomponents = \"gaussian\"\nquantity = \"squared_slowness\"\nunit = \"s2/km2\"\ngrid = { nz = 5, nx = 7 }\n", 0.25},
		"gmm, the solver's":  {"[prior]\nplugin = \"gmm\"\nwidth = 20.0\n", 2000},
		"gmm, grid of vp":    {"[prior]\nplugin = \"gmm\"\nwidth = 20.0\ngrid = { nz = 4 }\n", 2000},
		"gmm, slowness only": {"[prior]\nplugin = \"gmm\"\nwidth = 0.01\nquantity = \"slowness\"\nunit = \"s/km\"\n", 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "problem.toml")
			if err := os.WriteFile(file, []byte(text+c.prior), 0o644); err != nil {
				t.Fatal(err)
			}
			o := options(t, file)
			p, latents, err := hostrun.Problem(t.Context(), o, &o.Experiment.Cells[0])
			if err != nil {
				t.Fatal(err)
			}
			if c.about > 0 {
				latents = p.Latent().New(8)
				v := make([]float64, latents.Reals())
				for i := range v {
					v[i] = c.about * (1 + 0.05*math.Sin(float64(i)*0.7))
				}
				latents.SetReals(v)
			}
			list := plugintest.CheckProblem(t.Context(), p, plugintest.Options{Seed: 1, Models: latents})
			if failed := plugintest.Failed(list); len(failed) > 0 {
				var b bytes.Buffer
				_ = plugintest.Write(&b, list, false)
				t.Error(b.String())
			}
		})
	}
}
