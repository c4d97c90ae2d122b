package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/judge"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// cellRun is one cell on its way: what is configured so far, and the keys of the stages behind it.
type cellRun struct {
	*runner
	c   *experiment.Cell
	out *CellResult

	solver   *contract.SolverService
	prior    *contract.PriorService
	physics  *compose.Problem
	parts    compose.Parts // of physics
	model    *space.Adapter
	adapted  *space.Adapter // of the data; nil: none
	made     *space.Adapter // from the data of [observation.solver] to the solver's; nil: there is no such table
	observed *observations

	// planned, when set, is told of every stage instead of its work being done (Plan).
	planned func(name, key string, e *stage.Entry) error

	set *space.Space // of the items of the training set and the held-out set; nil: there is none

	setKey, dataKey, trainKey, observeKey, sampleKey string // setKey: of the training set, however many are held out
	trained                                          string // folder of the trained prior: the experiment's, or what the train stage made
	checkpointSum                                    string // of a checkpoint that the experiment names

	truth  *cellRun // the run of its truth rule; nil: none
	prefix string   // of its stages' titles: "truth: " in a rule's run
}

func newResult(c *experiment.Cell) *CellResult {
	return &CellResult{Cell: c, Cost: map[string]float64{}, Metrics: map[string]float64{}}
}

// cell carries out all stages of one cell. The order of configuration is the contract's: solver, prior (told the
// solver's spaces), adapters, sampler.
func (r *runner) cell(ctx context.Context, c *experiment.Cell) (*CellResult, error) {
	k := &cellRun{runner: r, c: c, out: newResult(c)}
	restarts := r.Session.RestartCount()
	if err := k.begin(ctx); err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{k.data, k.train, k.truthKeys, k.configurePrior, k.observe, k.sample, k.judge}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	k.out.Restarts = r.Session.RestartCount() - restarts
	return k.out, nil
}

func (k *cellRun) title(stage string) string {
	stage = k.prefix + stage
	if k.c.Label == "" {
		return stage
	}
	return stage + " [" + k.c.Label + "]"
}

// stage takes a stage from the cache, or does its work. plugins are those whose binaries compute it.
func (k *cellRun) stage(ctx context.Context, name, key string, inputs any, plugins []*experiment.Plugin, drop []string, work func(w *stage.Work) error) (*stage.Entry, error) {
	e, err := k.Cache.Lookup(name, key)
	if err != nil {
		return nil, err
	}
	if k.planned != nil {
		return e, k.planned(k.prefix+name, key, e)
	}
	cached := e != nil
	if e == nil {
		var w *stage.Work
		if w, e, err = k.Cache.Begin(ctx, name, key, inputs); err != nil {
			return nil, err
		}
		cached = e != nil
		if w != nil {
			defer w.Release()
			k.Session.Counts() // what came before belongs to another stage
			if err := work(w); err != nil {
				w.Count(k.Session.Counts())
				if nerr := w.Note(); nerr != nil {
					k.Progress.Logf("%s: %v", k.title(name), nerr)
				}
				return nil, err
			}
			w.Count(k.Session.Counts())
			if e, err = w.Commit(k.binaries(plugins...), drop...); err != nil {
				return nil, err
			}
		}
	}
	if cached {
		k.Progress.Logf("%s: from the cache (%s)", k.title(name), key)
		now := k.binaries(plugins...)
		for _, plugin := range slices.Sorted(maps.Keys(e.Manifest.Binaries)) {
			was := e.Manifest.Binaries[plugin]
			if n, ok := now[plugin]; ok && n != was {
				k.out.Notes = append(k.out.Notes, fmt.Sprintf("%s was taken from the cache; it was computed by another build of %s (%.12s, now %.12s) with the same numerics version", name, plugin, was, n))
			}
		}
	}
	k.take(e, cached)
	return e, nil
}

// take adds a stage to what the cell rests on.
func (k *cellRun) take(e *stage.Entry, cached bool) {
	k.out.Entries = append(k.out.Entries, e)
	k.out.Cached = append(k.out.Cached, cached)
	if e.Manifest.Stage != "judge" { // judging is bookkeeping, not part of what a method costs
		k.out.WallS += e.Manifest.WallS
		for what, n := range e.Manifest.Cost {
			k.out.Cost[what] += n
		}
	}
}

// begin configures the solver, and refuses what cannot be observed before anything is computed.
func (k *cellRun) begin(ctx context.Context) (err error) {
	var maker *contract.SolverService
	if k.c.ObsSolver != nil { // first: the two may be the same plugin
		if maker, err = k.observationSolver(ctx); err != nil {
			return err
		}
	}
	if err := k.configureSolver(ctx); err != nil {
		return err
	}
	return k.lookAhead(maker)
}

func (k *cellRun) configureSolver(ctx context.Context) error {
	var err error
	if k.solver, err = k.solverService(ctx, &k.c.Solver); err != nil {
		return err
	}
	// Adapters that do not fit are told before hours of training.
	if _, err := k.c.MemorisationSpace(*k.solver.Configured.Model); err != nil {
		return fmt.Errorf("%w: %w", err, contract.ErrInvalidOption)
	}
	a, err := k.dataAdapter()
	if err != nil {
		return err
	}
	data := k.solver.Configured.Data
	if a != nil {
		data = a.Out()
	}
	for _, s := range k.c.Stages {
		if _, err := stageAdapter(*data, s); err != nil {
			return err
		}
	}
	return nil
}

// solverService starts and configures the workers of a solver.
func (k *cellRun) solverService(ctx context.Context, p *experiment.Plugin) (*contract.SolverService, error) {
	pool, err := k.Session.Solver(ctx, p.Ref, p.Workers)
	if err != nil {
		return nil, err
	}
	conf, err := pool.Configure(ctx, contract.Config{Options: p.OptionsJSON(), Seed: k.c.Seed, Device: device(p), Threads: p.Threads})
	if err != nil {
		return nil, err
	}
	if conf.Model == nil || conf.Data == nil {
		return nil, fmt.Errorf("solver %s: Configure answered without a model and data space: %w", p.Ref.Name, contract.ErrInternal)
	}
	return &contract.SolverService{Solver: pool, Description: pool.Describe(), Configured: conf}, nil
}

func device(p *experiment.Plugin) string {
	if p.Ref.Device == "" {
		return "cpu"
	}
	return p.Ref.Device
}

func (k *cellRun) priorConfig(checkpoint string) contract.Config {
	p := k.c.Prior
	return contract.Config{
		Options: p.OptionsJSON(), Seed: k.c.Seed, Device: device(p), Threads: p.Threads, Checkpoint: checkpoint,
		Target: []space.Space{*k.solver.Configured.Model, *k.solver.Configured.Data},
	}
}

// untrained configures a prior that is to be trained. No prior: there is nothing to train.
func (k *cellRun) untrained(ctx context.Context) (prior *session.Prior, conf contract.Configured, err error) {
	if k.c.Prior == nil || k.c.Checkpoint != "" || !k.c.Prior.Description.Has(contract.CapTrain) {
		return nil, conf, nil
	}
	if prior, err = k.Session.Prior(ctx, k.c.Prior.Ref); err != nil {
		return nil, conf, err
	}
	if conf, err = prior.Configure(ctx, k.priorConfig("")); err != nil {
		return nil, conf, err
	}
	if conf.Model != nil { // what does not fit is told before hours of training
		if _, err := k.modelAdapter(*conf.Model); err != nil {
			return nil, conf, err
		}
	}
	return prior, conf, nil
}

// trainPlan configures a prior that is to be trained, makes the key of the train stage, and returns what it is made of. No
// prior: there is nothing to train.
func (k *cellRun) trainPlan(ctx context.Context) (prior *session.Prior, in map[string]any, err error) {
	prior, conf, err := k.untrained(ctx)
	if prior == nil || err != nil {
		return nil, nil, err
	}
	in = map[string]any{
		"prior": k.identity(k.c.Prior, k.c.Prior.Numbers("use", "observe", "sample", "judge", "report")), "data": k.setKey, "seed": k.c.Seed,
		"model": cmp.Or(conf.Model, k.solver.Configured.Model),
	}
	if conf.Data != nil { // a joint prior learns the data too
		in["recorded"] = k.solver.Configured.Data
	}
	k.trainKey, err = stage.Key("train", in)
	return prior, in, err
}

// train trains the prior, if it is one that is trained and no checkpoint is given.
func (k *cellRun) train(ctx context.Context) error {
	k.trained = k.c.Checkpoint
	prior, in, err := k.trainPlan(ctx)
	if prior == nil || err != nil {
		return err
	}
	e, err := k.stage(ctx, "train", k.trainKey, in, []*experiment.Plugin{k.c.Prior}, []string{reportsFile}, func(w *stage.Work) error {
		return k.trainPrior(ctx, w, prior)
	})
	if err != nil {
		return err
	}
	k.trained = e.Path(checkpointFolder)
	k.out.Train = e
	return nil
}

const checkpointFolder = "checkpoint"

// configurePrior configures the trained prior and puts the problem together.
func (k *cellRun) configurePrior(ctx context.Context) error {
	parts := compose.Parts{Solver: k.solver, Alloc: k.Session.Alloc}
	if k.c.Prior != nil {
		prior, err := k.Session.Prior(ctx, k.c.Prior.Ref)
		if err != nil {
			return err
		}
		if k.trained != "" && k.trainKey == "" {
			if k.checkpointSum, err = folderSum(k.trained); err != nil {
				return fmt.Errorf("prior.checkpoint: %w", err)
			}
		}
		conf, err := prior.Configure(ctx, k.priorConfig(k.trained))
		if errors.Is(err, contract.ErrCheckpoint) && k.trainKey == "" {
			return fmt.Errorf("prior.checkpoint: %w: %w", err, contract.ErrInvalidOption)
		}
		if err != nil {
			return err
		}
		k.prior = &contract.PriorService{Prior: prior, Description: prior.Describe(), Configured: conf}
		if conf.Latent == nil || conf.Model == nil && conf.Data == nil {
			return fmt.Errorf("prior %s: Configure answered without a latent space or without one that it decodes to: %w", k.c.Prior.Ref.Name, contract.ErrInternal)
		}
		if conf.Model != nil {
			if k.model, err = k.modelAdapter(*conf.Model); err != nil {
				return err
			}
		}
		parts.Prior, parts.Model = k.prior, k.model
	}
	var err error
	if parts.Data, err = k.dataAdapter(); err != nil {
		return err
	}
	k.adapted, k.parts = parts.Data, parts
	k.physics, err = compose.Physics(parts)
	return err
}

// dataAdapter goes from the solver's data to the observed ones through the experiment's adapters; nil: there are none.
func (k *cellRun) dataAdapter() (*space.Adapter, error) {
	if len(k.c.DataAdapt) == 0 {
		return nil, nil
	}
	a, err := space.FromOptions(*k.solver.Configured.Data, k.c.DataAdapt)
	if err != nil {
		return nil, fmt.Errorf("observation.adapt: %w: %w", err, contract.ErrInvalidOption)
	}
	return a, nil
}

// modelAdapter goes from what the prior decodes to, through the experiment's own adapters, to what the solver takes.
func (k *cellRun) modelAdapter(from space.Space) (*space.Adapter, error) {
	var chain []*space.Adapter
	if len(k.c.ModelAdapt) > 0 {
		a, err := space.FromOptions(from, k.c.ModelAdapt)
		if err != nil {
			return nil, fmt.Errorf("prior.adapt: %w: %w", err, contract.ErrInvalidOption)
		}
		chain, from = append(chain, a), *a.Out()
	}
	b, err := space.Between(from, *k.solver.Configured.Model)
	if err != nil {
		return nil, fmt.Errorf("prior %s and solver %s: %w: %w", k.c.Prior.Ref.Name, k.c.Solver.Ref.Name, err, contract.ErrInvalidOption)
	}
	return space.Chain(append(chain, b)...)
}

// latent returns the space that the sampler works in.
func (k *cellRun) latent() *space.Space { return k.physics.Latent() }

// priorInputs is what the keys of later stages hold of the prior.
func (k *cellRun) priorInputs() any {
	if k.c.Prior == nil {
		return nil
	}
	in := map[string]any{"prior": k.identity(k.c.Prior, k.c.Prior.Numbers()), "train": k.trainKey, "adapt": k.c.ModelAdapt, "host": hostNumerics}
	if k.trainKey == "" {
		in["checkpoint"] = k.checkpointSum
	}
	return in
}

// judge computes the metrics.
func (k *cellRun) judge(ctx context.Context) error {
	in := map[string]any{"sample": k.sampleKey, "observe": k.observeKey, "data": k.dataKey, "prior": k.priorInputs(), "solver": k.identity(&k.c.Solver, k.c.Solver.Numbers()),
		"judge": k.c.Judge, "numerics": judge.Numerics, "seed": k.c.Seed}
	key, err := stage.Key("judge", in)
	if err != nil {
		return err
	}
	k.out.Judge, err = k.stage(ctx, "judge", key, in, []*experiment.Plugin{k.c.Prior, &k.c.Solver}, nil, func(w *stage.Work) error {
		task := k.Progress.Start(k.title("judge"), "", 0, 0)
		defer task.Stop()
		jin := judge.Input{
			Cell: k.c, Solver: k.solver, Prior: k.prior, TrainingSet: TrainingSet, HeldOutSet: HeldOutSet, Set: k.set, Physics: k.physics, Adapted: k.adapted, Dir: w.Dir(), Seed: k.c.Seed,
			Data: k.out.Data, Observe: k.out.Observe, Sample: k.out.Sample, Log: k.Progress.Logf,
		}
		hook.At("host.judge")
		if err := judge.Run(ctx, jin); err != nil {
			return fmt.Errorf("judge: %w", err)
		}
		hook.At("host.judge.end")
		task.Done("")
		return nil
	})
	if err != nil {
		return err
	}
	m, err := judge.ReadMetrics(k.out.Judge)
	if err != nil {
		return err
	}
	for name, v := range m {
		k.out.Metrics[name] = v
	}
	k.costMetrics()
	return nil
}

// costMetrics adds the cost block: counted work and wall time of all the stages that the cell rests on.
func (k *cellRun) costMetrics() {
	for what, n := range k.out.Cost {
		k.out.Metrics["cost."+what] = n
	}
	k.out.Metrics["cost.wall_s"] = k.out.WallS
	for _, e := range k.out.Entries {
		k.out.Metrics["cost."+e.Manifest.Stage+".wall_s"] = e.Manifest.WallS
	}
}
