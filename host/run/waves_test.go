package run_test

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/run"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
	"github.com/waveprior/waveprior/plugins/solvers/elastic"
)

// carried is order 4 on 10 m and 1 ms with a Ricker wavelet of 15 Hz, as the OpenFWI data sets have it.
func carried(vMin, vMax float64) *run.WavePlan {
	return &run.WavePlan{Solver: "x", VMin: vMin, VMax: vMax, From: "here", Known: true, Bounds: [2]float64{1125, 6123},
		Scheme: seismic.Scheme{Order: 4, StepS: 1e-3, SpacingM: 10, PeakHz: 15, HighestHz: 37.5}}
}

// TestWaveWarnings: what the grid or the time step does not carry is said with the numbers and with what would do, and nothing
// is said of a sound plan.
func TestWaveWarnings(t *testing.T) {
	coarse := carried(1500, 4500)
	coarse.Scheme.Order, coarse.Scheme.PeakHz, coarse.Scheme.HighestHz, coarse.Bounds[0] = 2, 14, 35, 1050
	for _, c := range []struct {
		name string
		p    *run.WavePlan
		want []string
	}{
		{"the data sets'", carried(1500, 4500), nil},
		{"a step too long", carried(1500, 6500), []string{
			"unstable: v dt/h is 0.65 at 6500 m/s, order 4 takes less than 0.6124 (6123.7 m/s): take a time step below 0.000942 s",
			"the solver takes 1125 to 6123 m/s and will refuse models with 6500"}},
		{"few nodes", carried(1200, 4500), []string{
			"3.2 nodes per wavelength at 1200 m/s and 37.5 Hz, the highest frequency: fewer than 4 disperse. Take a spacing of 8 m, or a wavelet of 12 Hz"}},
		{"too few nodes", carried(1000, 4500), []string{
			"2.67 nodes per wavelength at 1000 m/s", "will refuse models with 1000"}},
		{"order 2", coarse, []string{"at 1500 m/s and 14 Hz, the peak, waves run 1.4 % too slowly: over a path of 20 wavelengths that is 0.29 of a period"}},
	} {
		got := c.p.Warnings()
		if len(got) != len(c.want) {
			t.Errorf("%s: %q, want %d warnings", c.name, got, len(c.want))
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(got[i], want) || !strings.Contains(c.p.String(), "  warning: "+got[i]+"\n") {
				t.Errorf("%s: %q, want %q, in\n%s", c.name, got[i], want, c.p)
			}
		}
	}
	if text := (*run.WavePlan)(nil).String(); text != "" {
		t.Errorf("no plan: %q", text)
	}
}

// wavesExperiment is a small problem of waves in time: models of one velocity each, 2000 or 3000 m/s.
const wavesExperiment = `name = "waves"
[solver]
plugin = "acoustic"
preset = "none"
dt_s = 1e-3
nt = 60
grid = { nz = 10, nx = 12, spacing_m = 10.0 }
boundary = { cells = 5 }
wavelet = { peak_hz = 15.0 }
sources = { positions_m = [[20.0, 30.0]] }
receivers = { z_m = 50.0, x_first_m = 0.0, x_last_m = 110.0, count = 12 }
[prior]
plugin = "gmm"
components = "gaussian"
[prior.schedule]
steps = 10
[prior.data]
kind = "mix"
examples = 8
held_out = 2
[[prior.data.parts]]
kind = "gaussian"
fraction = 1
mean = [2000.0]
std = [0.0]
[[prior.data.parts]]
kind = "gaussian"
fraction = 3
mean = [3000.0]
std = [0.0]
[observation]
truth = "held-out"
noise = 0.05
[sampler]
plugin = "dps"
chains = 2
`

// TestPlanWaves: the plan of an experiment has the velocities of its own training examples, the scheme as the solver says it,
// and times.
func TestPlanWaves(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	text := wavesExperiment
	o, done, err := b.load(text)
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	plans, err := run.Plan(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	p := plans[0].Waves
	if p == nil || p.Scheme != (seismic.Scheme{Order: 4, StepS: 1e-3, SpacingM: 10, PeakHz: 15, HighestHz: 37.5}) {
		t.Fatalf("%+v", p)
	}
	if p.VMin != 2000 || p.VMax != 3000 || p.From != "8 training examples" || !p.Known || math.Abs(p.Bounds[0]-1125) > 1e-9 {
		t.Errorf("velocities %+v", p)
	}
	if !(p.Forward > 0) || !(p.Gradient > 0) || p.Batch != 2 || p.DataBytes != 2*60*12*4 || len(p.Warnings()) != 0 {
		t.Errorf("%+v", p)
	}
	for _, want := range []string{"waves of solver acoustic: order 4", "nodes per wavelength 5.33 at 2000 m/s", "limit 0.6124 (6123.7 m/s)", "their data 0.0 MiB"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("%q is not in\n%s", want, p)
		}
	}
	// Elastic waves: with vs = vp/sqrt(3) the slowest have 2000/sqrt(3) m/s, and there are two steps to a sample of 3 ms.
	b.plugins["solver/elastic"] = func() contract.Plugin { return elastic.New() }
	shear := strings.NewReplacer(`plugin = "acoustic"`, `plugin = "elastic"`, "dt_s = 1e-3", "dt_s = 3e-3\nvp_max_m_s = 4000.0\nvs.poisson = 0.25\nrho.constant_kg_m3 = 2000.0").Replace(text)
	o, done, err = b.load(shear)
	defer done()
	if err != nil {
		t.Fatal(err)
	}
	if plans, err = run.Plan(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p = plans[0].Waves
	if p == nil || !p.Scheme.Staggered || p.Scheme.StepS != 1.5e-3 || math.Abs(p.Scheme.Slowest(p.VMin)-2000/math.Sqrt(3)) > 1e-9 {
		t.Fatalf("%+v", p)
	}
	for _, want := range []string{"waves of solver elastic: order 4, spacing 10 m, time step 0.0015 s", "2000 to 3000 m/s (8 training examples); shear waves from 1154.7 m/s",
		"nodes per wavelength 3.08 at 1154.7 m/s and the highest frequency, 7.7 at the peak", "v dt/h = 0.4500 at 3000 m/s, limit 0.6061 (4040.6 m/s)",
		"warning: 3.08 nodes per wavelength at 1154.7 m/s"} {
		if !strings.Contains(p.String(), want) {
			t.Errorf("%q is not in\n%s", want, p)
		}
	}
	text = strings.Replace(strings.Replace(text, `kind = "mix"`, `kind = "mix" `, 1), "fraction = 3\n", "fraction = 3\nmeen = [1.0]\n", 1)
	if _, done, err := b.load(text); err == nil || !strings.Contains(err.Error(), "prior.data.parts[1].meen: unknown key") || !strings.Contains(err.Error(), "x.toml:") {
		t.Errorf("a wrong key of a part: %v", err)
	} else {
		done()
	}
}

// TestPlanWavesWithoutPrior: without training examples the models that are known are the given truths, drawn ones and the start; where
// none is, the solver's bounds are shown, as such, and nothing is warned of.
func TestPlanWavesWithoutPrior(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	b.plugins["sampler/map"] = func() contract.Plugin { return maximum.New() }
	solver, _, _ := strings.Cut(wavesExperiment, "[prior]")
	save := func(name string, v float32, shape ...int) {
		t.Helper()
		x := tensor.New(tensor.Float32, shape...)
		for i := range x.Float32s() {
			x.Float32s()[i] = v + float32(i)
		}
		if err := npy.Write(filepath.Join(b.root, name), x); err != nil {
			t.Fatal(err)
		}
	}
	save("m.npy", 1200, 3, 10, 12)
	save("start.npy", 2500, 10, 12)
	save("d.npy", 0, 60, 12)
	start := "[sampler.start]\nmodel = \"file\"\nfile = \"start.npy\"\n"
	var rows []string
	for i := range 120 {
		rows = append(rows, fmt.Sprintf("%d.0", 1800+i))
	}
	for _, c := range []struct {
		observation, start string
		from               string
		lo, hi             float64
		want               string // "": no warning
	}{
		{"truth = \"file\"\nfile = \"m.npy\"\nnoise = 0.1", "", "1 true model", 1200, 1319, "warning: 3.2 nodes per wavelength at 1200 m/s"},
		{"truth = \"file\"\nfile = \"m.npy\"\ncount = 2\nnoise = 0.1", "", "2 true models", 1200, 1439, "warning: 3.2 nodes per wavelength at 1200 m/s"},
		{"truth = \"file\"\nfile = \"m.npy\"\nindex = [2]\nnoise = 0.1", start, "1 true model, 1 starting model", 1440, 2619, "warning: 3.84 nodes per wavelength at 1440 m/s"},
		{"truth = \"model\"\nmodel = [[" + strings.Join(rows, ", ") + "]]\nnoise = 0.1", "", "1 true model", 1800, 1919, ""},
		{"truth = { rule = \"drawn\", data = { kind = \"gaussian\", mean = [3000.0], std = [0.0] } }\ncount = 3\nnoise = 0.1", "", "3 true models", 3000, 3000, ""},
		{"truth = \"data\"\nfile = \"d.npy\"\nnoise_std = 0.1", start, "1 starting model", 2500, 2619, ""},
		{"truth = \"data\"\nfile = \"d.npy\"\nnoise_std = 0.1", "", "the solver's bounds", 1125, 6123.7, ""},
	} {
		o, done, err := b.load(solver + "[observation]\n" + c.observation + "\n[sampler]\nplugin = \"map\"\nchains = 1\n" + c.start)
		if err != nil {
			done()
			t.Fatalf("%s: %v", c.observation, err)
		}
		plans, err := run.Plan(t.Context(), o)
		done()
		if err != nil {
			t.Fatalf("%s: %v", c.observation, err)
		}
		p := plans[0].Waves
		known := c.from != "the solver's bounds"
		if p.From != c.from || p.Known != known || math.Abs(p.VMin-c.lo) > 0.1 || math.Abs(p.VMax-c.hi) > 0.1 {
			t.Errorf("%s: %.1f to %.1f m/s, known %v, of %q, want %g to %g of %q", c.observation, p.VMin, p.VMax, p.Known, p.From, c.lo, c.hi, c.from)
		}
		text := p.String()
		if c.want == "" && (strings.Contains(text, "warning") || len(p.Warnings()) != 0) || !strings.Contains(text, c.want) || strings.Contains(text, "note: no model is known before the run") == known {
			t.Errorf("%s: want %q, known %v, in\n%s", c.observation, c.want, known, text)
		}
	}
}
