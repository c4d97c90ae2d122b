package run

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/host/stage"
)

// timings are what a plan has measured, shared by its cells.
type timings struct {
	trainings map[string]trainingTime // by what decides on them
	solvers   map[string]solverTime
	denoisers map[string]trainingTime // by the prior's options alone
}

// solverTime is how long a solve takes and, per model of a batch over all workers, a misfit with its gradient; 0: unknown.
type solverTime struct{ forward, gradient float64 }

// trainingTime is how long a training takes and, per item, an evaluation of the denoiser that comes out of it and of its
// adjoint, in seconds; zero where that could not be found out.
type trainingTime struct {
	steps            int
	seconds          float64
	from             string // where the number comes from
	denoise, adjoint float64
}

// How long a training is tried for a plan: so long after its first report, and no longer in all.
const (
	tryTraining      = 1500 * time.Millisecond
	tryTrainingLimit = 20 * time.Second
)

// estimate fills in work, time and memory of a stage of the cell; name is its name within the cell's own run.
func (k *cellRun) estimate(ctx context.Context, p *StagePlan, name string, times *timings) error {
	model := k.solver.Configured.Model
	item := int64(model.Len() * model.DType.Size())
	switch name {
	case "data":
		n := k.c.Data.HeldOut
		if gen, err := dataset.NewGenerator(k.c.Data.Kind, k.c.Generator, k.c.Seed, model); err == nil {
			n += gen.Examples()
		}
		p.Work = fmt.Sprintf("%d examples", n)
		p.Bytes = int64(n) * item
	case "train":
		p.Work = "training"
		if p.Cached {
			return nil
		}
		t, err := k.timeTraining(ctx, times)
		if err != nil {
			return err
		}
		p.Seconds = t.seconds
		if t.seconds > 0 {
			p.Work = fmt.Sprintf("%d steps (%s)", t.steps, t.from)
		}
	case "observe":
		p.Work = fmt.Sprintf("%d solves", k.c.Observation.Count)
		if k.c.Observation.Truth == "data" {
			p.Work = fmt.Sprintf("%d given", k.c.Observation.Count)
			return nil
		}
		if p.Cached {
			return nil
		}
		t, err := k.timeSolver(ctx, times)
		p.Seconds = t.forward * float64(k.c.Observation.Count)
		return err
	case "sample":
		return k.estimateSampling(ctx, p, item, times)
	case "judge":
		p.Work = "metrics"
		if e := k.c.Judge.Exact; e != nil && k.c.Observation != nil {
			d, n := model.Len(), e.Cells
			if k.physics != nil {
				d = k.latent().Len()
			}
			if n == 0 {
				n = map[int]int{1: 2000, 2: 400}[d]
			}
			if d == 2 {
				n *= n
			}
			p.Work = fmt.Sprintf("metrics, %d solves on a grid", n)
		}
	}
	return nil
}

// estimateSampling: what the sampler says that it needs, once per chain and step.
func (k *cellRun) estimateSampling(ctx context.Context, p *StagePlan, item int64, times *timings) error {
	n := k.chains()
	p.Work = fmt.Sprintf("%d chains", n)
	p.Bytes = 4 * int64(n) * item
	needs := map[contract.Capability]bool{}
	for _, need := range k.c.Sampler.Description.Needs {
		if need.Option == "" || fmt.Sprint(k.c.Sampler.Options[need.Option]) == need.Value {
			needs[need.Capability] = true
		}
	}
	steps := k.plannedSteps(needs[contract.CapDenoise])
	if steps == 0 {
		return nil
	}
	p.Work += fmt.Sprintf(" x %d steps", steps)
	if needs[contract.CapGradient] {
		p.Work += " with a gradient each"
	}
	if p.Cached {
		return nil
	}
	each := 0.0
	if needs[contract.CapGradient] {
		t, err := k.timeSolver(ctx, times)
		if err != nil {
			return err
		}
		each += t.gradient
	}
	if needs[contract.CapDenoise] {
		t, err := k.timePrior(ctx, times)
		if err != nil {
			return err
		}
		p.AtLeast = t.denoise == 0
		each += t.denoise
		if needs[contract.CapDenoiseVJP] {
			each += t.adjoint
		}
	}
	p.Seconds = (each*float64(n) + stepOverhead) * float64(steps)
	return nil
}

// stepOverhead (s) is what a step takes beside the solver's and the prior's work: calls, noise, checkpoints, as seen in the
// quickstart's runs.
const stepOverhead = 0.002

// plannedSteps is the sampler's number of steps: its option (steps, or iterations in all stages), else, of one that walks through the prior's levels, their
// number; 0: not known.
func (k *cellRun) plannedSteps(levels bool) int {
	if n, ok := k.c.Sampler.Options["steps"].(int64); ok && n > 0 {
		return int(n)
	}
	iterations := 0 // of an optimisation, over its stages; a line search now and then takes more than one step for one
	for _, s := range k.c.SamplerStages() {
		n, _ := s.Sampler.Options["iterations"].(int64)
		iterations += int(n)
	}
	if iterations > 0 {
		return iterations
	}
	switch {
	case !levels || k.c.Prior == nil:
		return 0
	case k.prior != nil && k.prior.Configured.Schedule != nil:
		return k.prior.Configured.Schedule.Steps()
	}
	v, _ := config.Lookup(k.c.Prior.Options, config.Path{"schedule", "steps"})
	n, _ := v.(int64)
	return int(n)
}

// best returns the least wall time of a few calls, 0 where f does not succeed.
func best(f func() (ok bool, err error)) (float64, error) {
	least := 0.0
	for range 3 {
		start := time.Now()
		ok, err := f()
		if !ok || err != nil {
			return 0, err
		}
		if t := time.Since(start).Seconds(); least == 0 || t < least {
			least = t
		}
	}
	return least, nil
}

// timeSolver measures the cell's solver, once for all cells that have the same, on models inside the bounds.
func (k *cellRun) timeSolver(ctx context.Context, times *timings) (t solverTime, err error) {
	p := &k.c.Solver
	id, err := stage.Key("plan/solver", map[string]any{"solver": k.identity(p, p.Options), "workers": p.Workers, "threads": p.Threads})
	if err != nil {
		return t, err
	}
	if t, ok := times.solvers[id]; ok {
		return t, nil
	}
	n := 2 * p.Workers
	if t, err = k.timeSolves(ctx, n); err != nil {
		return t, err
	}
	if c := k.chains(); t.gradient > 0 && t.gradient*float64(n) < cheapCall && c > n {
		if t, err = k.timeSolves(ctx, min(c, 256)); err != nil {
			return t, err
		}
	}
	times.solvers[id] = t
	return t, nil
}

// cheapCall is a time (s) below which most of a call may be the call itself: batches are then timed as large as the sampler's.
const cheapCall = 0.01

// timeSolves measures one solve, and a misfit with its gradient of a batch of n models inside the bounds.
func (k *cellRun) timeSolves(ctx context.Context, n int) (t solverTime, err error) {
	model := k.solver.Configured.Model
	m, d, g := model.New(n), k.solver.Configured.Data.New(n), model.New(n)
	v := make([]float64, m.Reals())
	rng.New(k.c.Seed, "plan").At(0, 0, 0).Uniforms(v)
	q := model.Quantities[0]
	for i := range v {
		lo, hi := 0.0, 1.0
		if q.Lower != nil {
			lo, hi = *q.Lower, *q.Lower+1
		}
		if q.Upper != nil {
			hi = *q.Upper
		}
		v[i] = lo + (hi-lo)*v[i]
	}
	m.SetReals(v)
	t.forward, err = best(func() (bool, error) {
		st, err := k.solver.Solver.Forward(ctx, m.Slice(0, 1), d.Slice(0, 1))
		return contract.StatusAt(st, 0).Code == contract.OK, err
	})
	if t.forward == 0 || err != nil {
		return t, err
	}
	if !k.solver.Description.Has(contract.CapGradient) {
		t.gradient = 2 * t.forward / float64(k.c.Solver.Workers)
		return t, nil
	}
	if err := k.solver.Solver.Observe(ctx, d.Slice(0, 1), []float64{1}); err != nil {
		return t, err
	}
	t.gradient, err = best(func() (bool, error) {
		st, err := k.solver.Solver.Misfit(ctx, m, make([]int, n), make([]float64, n), g)
		return contract.StatusAt(st, 0).Code == contract.OK, err
	})
	t.gradient /= float64(n)
	return t, err
}

// timePrior measures the cell's denoiser: of one that is not trained yet, that of a training with the same options which the
// plan has seen the end of, of however many examples.
func (k *cellRun) timePrior(ctx context.Context, times *timings) (t trainingTime, err error) {
	if k.trainKey == "" {
		err = k.timeDenoise(ctx, k.c.Checkpoint, &t)
		return t, err
	}
	if t, err = k.timeTraining(ctx, times); err != nil {
		return t, err
	}
	id, err := stage.Key("plan/denoise", k.identity(k.c.Prior, k.c.Prior.Options))
	if err != nil {
		return t, err
	}
	if t.denoise > 0 {
		times.denoisers[id] = t
	}
	return times.denoisers[id], nil
}

// timeDenoise measures a denoiser evaluation, and its adjoint, per item of a batch; it fills in nothing where the prior cannot
// be configured with the checkpoint or has no denoiser.
func (k *cellRun) timeDenoise(ctx context.Context, checkpoint string, t *trainingTime) error {
	prior, err := k.Session.Prior(ctx, k.c.Prior.Ref)
	if err != nil {
		return err
	}
	conf, err := prior.Configure(ctx, k.priorConfig(checkpoint))
	if errors.Is(err, contract.ErrCheckpoint) {
		return nil
	}
	if err != nil || conf.Schedule == nil || conf.Latent == nil {
		return err
	}
	n := max(1, min(k.chains(), 128))
	x, out := conf.Latent.New(n), conf.Latent.New(n)
	v := make([]float64, x.Reals())
	rng.New(k.c.Seed, "plan").At(0, 0, 1).Normals(v)
	x.SetReals(v)
	level := make([]int, n)
	for i := range level {
		level[i] = conf.Schedule.Steps() / 2
	}
	if k.c.Prior.Description.Has(contract.CapDenoise) {
		if t.denoise, err = best(func() (bool, error) { _, err := prior.Denoise(ctx, x, level, out); return true, err }); err != nil {
			return err
		}
	}
	if k.c.Prior.Description.Has(contract.CapDenoiseVJP) {
		if t.adjoint, err = best(func() (bool, error) { _, err := prior.DenoiseVJP(ctx, x, level, x, out); return true, err }); err != nil {
			return err
		}
	}
	t.denoise /= float64(n)
	t.adjoint /= float64(n)
	return nil
}

// timeTraining says how long the cell's prior trains: as long as the last time, or by a short try.
func (k *cellRun) timeTraining(ctx context.Context, times *timings) (trainingTime, error) {
	prior, in, err := k.trainPlan(ctx)
	if prior == nil || err != nil {
		return trainingTime{}, err
	}
	gen, err := dataset.NewGenerator(k.c.Data.Kind, k.c.Generator, k.c.Seed, k.set)
	if err != nil {
		return trainingTime{}, fmt.Errorf("prior.data: %w", err)
	}
	id, err := stage.Key("plan/train", map[string]any{"prior": in["prior"], "model": in["model"], "examples": gen.Examples()})
	if err != nil {
		return trainingTime{}, err
	}
	if t, ok := times.trainings[id]; ok {
		return t, nil
	}
	t, err := k.rememberedTraining(ctx, in["prior"], gen.Examples())
	if err == nil && t.seconds == 0 {
		t, err = k.tryTraining(ctx, gen)
	}
	if err == nil {
		times.trainings[id] = t
	}
	return t, err
}

// rememberedTraining looks in the cache for the newest training of a prior with the same options on as many examples, else on
// others.
func (k *cellRun) rememberedTraining(ctx context.Context, prior any, examples int) (t trainingTime, err error) {
	want, err := json.Marshal(prior)
	if err != nil {
		return t, err
	}
	paths, err := filepath.Glob(filepath.Join(k.Cache.Dir, "train", "*", "stage.json"))
	if err != nil {
		return t, err
	}
	var newest time.Time
	folder, alike := "", false
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // moved aside just now
		}
		var m stage.Manifest
		var in struct {
			Prior json.RawMessage `json:"prior"`
		}
		var kept Training
		if json.Unmarshal(b, &m) != nil || json.Unmarshal(m.Inputs, &in) != nil || !sameJSON(in.Prior, want) {
			continue
		}
		if raw, ok := m.Kept[keptTraining]; !ok || json.Unmarshal(raw, &kept) != nil {
			continue
		}
		same := kept.Examples == examples
		if alike && !same || alike == same && !m.Started.After(newest) {
			continue
		}
		alike, newest, folder = same, m.Started, filepath.Join(filepath.Dir(path), checkpointFolder)
		t = trainingTime{steps: kept.Steps, seconds: m.WallS, from: "as long as the last time"}
	}
	if folder == "" {
		return t, nil
	}
	return t, k.timeDenoise(ctx, folder, &t)
}

// sameJSON compares what was written with and without indentation.
func sameJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, b) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// errTried ends a training that a plan has timed.
var errTried = errors.New("timed")

// tryTraining trains for a moment, in a temporary folder and in a process that is ended afterwards, and times the denoiser
// where the training left a checkpoint.
func (k *cellRun) tryTraining(ctx context.Context, gen dataset.Generator) (t trainingTime, err error) {
	dir, err := os.MkdirTemp("", "waveprior-plan-")
	if err != nil {
		return t, err
	}
	defer os.RemoveAll(dir)
	set := filepath.Join(dir, TrainingSet)
	w, err := dataset.Create(set, dataset.Plan{Space: gen.Space(), Count: gen.Examples()})
	if err == nil {
		err = w.Fill(ctx, gen, false)
	}
	if err == nil {
		err = w.Commit()
	}
	if err != nil {
		return t, fmt.Errorf("prior.data: %w", err)
	}
	folder := filepath.Join(dir, checkpointFolder)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return t, err
	}
	prior, _, err := k.trainPlan(ctx)
	if err != nil {
		return t, err
	}
	limited, cancel := context.WithTimeout(ctx, tryTrainingLimit)
	defer cancel()
	start := time.Now()
	var first, last contract.TrainProgress
	var firstAt, lastAt time.Time
	err = prior.Train(limited, contract.TrainRequest{Dataset: filepath.Join(set, dataset.ManifestName), Folder: folder}, func(p contract.TrainProgress) error {
		last, lastAt = p, time.Now()
		if firstAt.IsZero() {
			first, firstAt = p, lastAt
		}
		if lastAt.Sub(firstAt) >= tryTraining {
			return errTried
		}
		return nil
	})
	t = trainingTime{steps: last.Steps, from: "from a short try"}
	switch {
	case err == nil: // it was over before
		t.seconds = time.Since(start).Seconds()
	case ctx.Err() != nil:
		return t, ctx.Err()
	case !errors.Is(err, errTried) && limited.Err() == nil:
		return t, err
	case last.Step > first.Step:
		rate := float64(last.Step-first.Step) / lastAt.Sub(firstAt).Seconds()
		t.seconds = firstAt.Sub(start).Seconds() + float64(last.Steps-first.Step)/rate
	case last.Step > 0: // one report within the limit
		t.seconds = firstAt.Sub(start).Seconds() * float64(last.Steps) / float64(last.Step)
	}
	if math.IsInf(t.seconds, 0) || math.IsNaN(t.seconds) {
		t.seconds = 0
	}
	prior.Stop() // it may still be in a step
	return t, k.timeDenoise(ctx, folder, &t)
}
