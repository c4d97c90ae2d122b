package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/judge"
	"github.com/waveprior/waveprior/host/run"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

// cutDown makes of experiments/fwi/marmousi-like.toml something that runs in a moment: the same physics on 60 m, two shots, at a
// fourth of the frequencies.
var cutDown = []string{
	"solver.grid={nz=20,nx=50,spacing_m=60.0}", "solver.dt_s=7.2e-3", "solver.nt=270", "solver.wavelet={peak_hz=2.5}",
	"solver.sources={z_m=60.0,x_first_m=600.0,x_last_m=2400.0,count=2}", "solver.receivers={z_m=60.0,x_first_m=60.0,x_last_m=2880.0,count=20}",
	`sampler.stages=[{label="low",iterations=6,evaluations=9,adapt=[{kind="band-pass",high_hz=1.2}]},{label="all",iterations=8,evaluations=12}]`,
	"sampler.snapshots=5", "sampler.chains=3", "run.checkpoint_s=1000.0",
}

func marmousi(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../experiments/fwi/marmousi-like.toml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// counted is a sampler that calls back before every step.
type counted struct {
	*maximum.Sampler
	step func()
}

func (c counted) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	c.step()
	return c.Sampler.Step(ctx, step, chains, state, next)
}

func inversionBench(t testing.TB, step func()) *bench {
	b := newBench(t)
	b.plugins["solver/acoustic"] = func() contract.Plugin { return acoustic.New() }
	b.plugins["sampler/map"] = func() contract.Plugin { return counted{maximum.New(), step} }
	return b
}

// TestInversion runs the cut-down inversion: misfit and model error fall, the report has its figures, and a run that is
// interrupted in its second stage goes on to the same bits, in other groups of chains, too.
func TestInversion(t *testing.T) {
	var total atomic.Int64
	b := inversionBench(t, func() { total.Add(1) })
	res := b.run(marmousi(t), cutDown...)
	m := res.Cells[0].Metrics
	for _, c := range []struct {
		what      string
		less, bar float64
	}{
		{"the misfit", m["data.misfit_median"], 0.2 * m["data.misfit_start"]},
		{"the error", m["fidelity.relative_l2_mean"], 0.9 * m["fidelity.relative_l2_start"]},
		{"chi^2 of the truth", math.Abs(m["data.chi2_truth"] - 1), 0.05},
	} {
		if !(c.less < c.bar) || !(c.less > 0) {
			t.Errorf("%s is %g, want below %g", c.what, c.less, c.bar)
		}
	}
	for _, name := range []string{"inversion", "gather", "descent"} {
		if _, err := os.Stat(filepath.Join(res.Dir, "figures", name+".png")); err != nil {
			t.Errorf("no figure: %v", err)
		}
	}
	var g judge.Gather
	text, err := os.ReadFile(filepath.Join(b.stageOf(t, res.Cells[0], "judge"), judge.GatherFile))
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil || g.Shot != 1 || g.Shots != 2 || g.ShotX == nil || *g.ShotX != 2400 || g.Quantity != "pressure" || g.Unit != "1" {
		t.Errorf("the gather is %+v, %v", g, err)
	}
	folder := b.stageOf(t, res.Cells[0], "sample")
	var h run.History
	text, err = os.ReadFile(filepath.Join(folder, run.HistoryFile))
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil || len(h.Stages) != 2 || h.Stages[0] != (run.HistoryStage{Label: "low"}) || h.Stages[1].Label != "all" || h.Stages[1].First < 6 || len(h.Steps) != h.Steps[len(h.Steps)-1]+1 {
		t.Fatalf("history %+v, %v", h, err)
	}
	misfit := read(t, filepath.Join(folder, run.HistoryArray("misfit")))
	for _, end := range [][2]int{{0, h.Stages[1].First - 1}, {h.Stages[1].First, len(h.Steps) - 1}} {
		if first, last := misfit.Item(end[0]).Float64s()[0], misfit.Item(end[1]).Float64s()[0]; !(last < 0.7*first) {
			t.Errorf("misfit from record %d to %d: %g to %g", end[0], end[1], first, last)
		}
	}
	if at := read(t, filepath.Join(folder, run.SnapshotStepsFile)).Int64s(); len(at) != 5 || int(at[4]) != h.Steps[len(h.Steps)-1] {
		t.Errorf("snapshots at %v of %d steps", at, len(h.Steps))
	}

	ctx, cancel := context.WithCancel(t.Context())
	var steps atomic.Int64 // groups step at the same time
	other := inversionBench(t, func() {
		if steps.Add(1) == int64(3*h.Stages[1].First+10) { // three groups a step
			cancel()
		}
	})
	grouped := append([]string{"sampler.group=1"}, cutDown...)
	if _, err := other.try(ctx, marmousi(t), grouped...); err == nil {
		t.Fatal("the run was not interrupted")
	}
	again := other.run(marmousi(t), grouped...)
	if n := steps.Load(); n > 3*total.Load()+6 {
		t.Errorf("%d steps of groups, interrupted, %d of all chains: it started again", n, total.Load())
	}
	for _, name := range []string{run.LatentFile, run.ModelFile, run.HistoryArray("misfit"), run.SnapshotFile, run.StartFile} {
		one, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		two, err := os.ReadFile(filepath.Join(other.stageOf(t, again.Cells[0], "sample"), name))
		if err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s has other bits after an interruption (%v)", name, err)
		}
	}
}

// TestStarts: models to start from, out of a file and smoothed, and what is refused.
func TestStarts(t *testing.T) {
	b := inversionBench(t, func() {})
	short := append([]string{`sampler.stages=[{iterations=1,evaluations=2}]`, "sampler.chains=1", "sampler.snapshots=0"}, cutDown[:6]...)
	res := b.run(marmousi(t), short...)
	observed, sampled := b.stageOf(t, res.Cells[0], "observe"), b.stageOf(t, res.Cells[0], "sample")
	truth, start := read(t, filepath.Join(observed, run.TruthFile)).Float32s(), read(t, filepath.Join(sampled, run.StartFile)).Float32s()
	rough := func(m []float32) (s float64) {
		for i := 4 * 50; i+50 < len(m); i++ {
			s += math.Abs(float64(m[i+50] - m[i]))
		}
		return s
	}
	for i := range 3 * 50 { // 0, 60 and 120 m are above keep_above_m
		if start[i] != truth[i] {
			t.Fatalf("node %d, in the water, starts at %g, the truth is %g", i, start[i], truth[i])
		}
	}
	if a, b := rough(start), rough(truth); a > 0.8*b || a == 0 {
		t.Errorf("the start's differences sum to %g, the truth's to %g", a, b)
	}

	file := filepath.Join(t.TempDir(), "start.npy")
	m := tensor.New(tensor.Float32, 1, 20, 50)
	for i := range m.Float32s() {
		m.Float32s()[i] = 2000
	}
	if err := npy.Write(file, m); err != nil {
		t.Fatal(err)
	}
	res = b.run(marmousi(t), append(short, `sampler.start={model="file",file="`+file+`"}`)...)
	for i, v := range read(t, filepath.Join(b.stageOf(t, res.Cells[0], "sample"), run.StartFile)).Float32s() {
		if v != 2000 {
			t.Fatalf("node %d starts at %g, the file has 2000", i, v)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain.npy") // as NumPy saves a map: float64, without axes of one number
	double := tensor.New(tensor.Float64, 20, 50)
	for i := range double.Float64s() {
		double.Float64s()[i] = 2000
	}
	if err := npy.Write(plain, double); err != nil {
		t.Fatal(err)
	}
	again := b.run(marmousi(t), append(short, `sampler.start={model="file",file="`+plain+`"}`)...)
	if a, b := b.stageOf(t, res.Cells[0], "sample"), b.stageOf(t, again.Cells[0], "sample"); !bytes.Equal(read(t, filepath.Join(a, run.ModelFile)).Data, read(t, filepath.Join(b, run.ModelFile)).Data) {
		t.Error("the same map as float64, without axes of one number, is another start")
	}
	three := filepath.Join(t.TempDir(), "three.npy")
	if err := npy.Write(three, tensor.New(tensor.Float32, 3, 1, 20, 50)); err != nil {
		t.Fatal(err)
	}
	for set, want := range map[string]string{
		`sampler.start={model="file",file="` + three + `"}`:                 "holds 3 models for 1 observations (allowed: 1, or one each)",
		`sampler.start={model="file"}`:                                      "goes with model",
		`sampler.start={model="truth",file="x.npy"}`:                        "goes with model",
		`sampler.stages=[{adapt=[{kind="band-pass",high_hz=900.0}]}]`:       "corner 900 Hz",
		`sampler.stages=[{chains=3}]`:                                       "is one for all stages",
		`sampler.stages=[{iterations=0}]`:                                   "iterations",
		`observation.truth={rule="drawn",data={kind="marmousi-like",x=1}}`:  "x",
		`observation.truth={rule="drawn",data={kind="marmousi"}}`:           "marmousi-like",
		`observation.truth={rule="drawn",data={kind="files",path="x.npy"}}`: `truth = "file"`,
	} {
		if _, err := b.try(t.Context(), marmousi(t), append(append([]string{}, short...), set)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", set, err, want)
		}
	}
}
