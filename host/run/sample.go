package run

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/hook"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// Files of the sample stage. Chains are in order; chain c is conditioned on observation c / chains.
const (
	LatentFile        = "latent.npy"         // (chains, latent...) final state
	ModelFile         = "model.npy"          // (chains, model...) decoded, in the solver's model space; NaN where a chain was dropped
	StatusFile        = "status.json"        // of every chain that is not OK
	HistoryFile       = "history.json"       // names of the recorded numbers and the steps they were recorded at
	SnapshotFile      = "snapshots_x0.npy"   // (snapshots, chains, latent...) x0 along the way, or latent where there is no x0
	SnapshotStepsFile = "snapshot_steps.npy" // (snapshots)
)

// HistoryArray is the file of one recorded number: (records, chains) float64.
func HistoryArray(name string) string { return "history_" + name + ".npy" }

// History says what was recorded along the way.
type History struct {
	Names []string `json:"names"`
	Steps []int    `json:"steps"`
	Total int      `json:"total"`

	// Stages are those of [[sampler.stages]], none where there is one.
	Stages []HistoryStage `json:"stages,omitempty"`
}

// HistoryStage is one stage of sampling: its name and its first step.
type HistoryStage struct {
	Label string `json:"label"`
	First int    `json:"first"`
}

// maxRecords bounds the history, so that memory stays flat over any number of steps.
const maxRecords = 512

// ChainStatus is one chain that did not end well.
type ChainStatus struct {
	Chain int    `json:"chain"`
	Code  string `json:"code"`
	Text  string `json:"text"`
	Step  int    `json:"step"`
}

// chainState is everything that a checkpoint holds.
type chainState struct {
	step    int   // taken, over all stages
	total   int   // of this stage and those before it
	stage   int   // of sampling
	first   int   // step at which it began
	began   []int // first of this stage and those before it
	done    bool
	state   contract.State // (chains, ...)
	dropped []ChainStatus  // in order of chain
	history map[string]*tensor.Tensor
	steps   []int // at which history was recorded
	snaps   *tensor.Tensor
	snapAt  []int
}

const checkpointFile = "checkpoint.safetensors"

// samplePlan returns the key of the sample stage and what it is made of.
func (k *cellRun) samplePlan() (key string, in map[string]any, err error) {
	p := k.c.Sampler
	in = map[string]any{
		"sampler": k.identity(p, p.Numbers("train", "observe", "judge", "report")), "prior": k.priorInputs(),
		"chains": k.c.Chains.Chains, "on_divergence": k.c.Chains.OnDivergence, "snapshots": k.c.Chains.Snapshots,
		"observe": k.observeKey, "solver": k.identity(&k.c.Solver, k.c.Solver.Numbers("train", "observe", "judge", "report")), "seed": k.c.Seed, "host": hostNumerics,
	}
	if err := k.stageInputs(in); err != nil {
		return "", nil, err
	}
	key, err = stage.Key("sample", in)
	return key, in, err
}

func (k *cellRun) sample(ctx context.Context) error {
	if k.c.Sampler == nil {
		return nil
	}
	p := k.c.Sampler
	key, in, err := k.samplePlan()
	if err != nil {
		return err
	}
	k.sampleKey = key
	k.out.Sample, err = k.stage(ctx, "sample", key, in, []*experiment.Plugin{k.c.Prior, &k.c.Solver, p}, []string{checkpointFile}, func(w *stage.Work) error {
		return k.drawSamples(ctx, w)
	})
	if err != nil {
		return err
	}
	bad, err := ReadStatus(k.out.Sample)
	if err != nil {
		return err
	}
	if len(bad) > 0 {
		k.out.Notes = append(k.out.Notes, fmt.Sprintf("%d of %d chains were dropped; the first: chain %d, %s at step %d: %s", len(bad), k.chains(), bad[0].Chain, bad[0].Code, bad[0].Step, bad[0].Text))
	}
	return nil
}

// ReadStatus returns the chains that did not end well.
func ReadStatus(e *stage.Entry) ([]ChainStatus, error) {
	b, err := os.ReadFile(e.Path(StatusFile))
	if err != nil {
		return nil, err
	}
	var s []ChainStatus
	return s, json.Unmarshal(b, &s)
}

// chains is the number of chains over all observations.
func (k *cellRun) chains() int {
	if k.c.Observation != nil {
		return k.c.Chains.Chains * k.c.Observation.Count
	}
	return k.c.Chains.Chains
}

// which returns the chains lo..hi-1 as the sampler is told of them.
func (k *cellRun) which(ids []int) contract.Chains {
	c := contract.Chains{ID: ids}
	if k.observed != nil {
		for _, id := range ids {
			o := id / k.c.Chains.Chains
			c.Observation = append(c.Observation, o)
			c.NoiseStd = append(c.NoiseStd, k.observed.noiseStd[o])
		}
	}
	return c
}

// sampler starts and configures the sampler for a stage of sampling, with its services.
func (k *cellRun) sampler(ctx context.Context, number int) (*session.Sampler, contract.Configured, error) {
	stage := k.c.SamplerStages()[number]
	p := stage.Sampler
	physics, err := k.stagePhysics(ctx, stage)
	if err != nil {
		return nil, contract.Configured{}, err
	}
	s, err := k.Session.Sampler(ctx, p.Ref)
	if err != nil {
		return nil, contract.Configured{}, err
	}
	cfg := contract.Config{Options: p.OptionsJSON(), Seed: k.c.Seed, Device: device(p), Threads: p.Threads, Prior: k.prior,
		Solvers: map[string]*contract.SolverService{"physics": physics.Service()}}
	conf, err := s.Configure(ctx, cfg)
	if err != nil {
		return nil, conf, err
	}
	found := false
	for _, t := range conf.State {
		found = found || t.Name == "latent"
	}
	if !found {
		return nil, conf, fmt.Errorf("sampler %s: its state has no tensor \"latent\": %w", p.Ref.Name, contract.ErrInternal)
	}
	return s, conf, nil
}

// drawSamples runs the chains, from a checkpoint if one lies there, and writes what they end with.
func (k *cellRun) drawSamples(ctx context.Context, w *stage.Work) error {
	path := filepath.Join(w.Dir(), checkpointFile)
	c, err := k.newChains(ctx, k.checkpointStage(path))
	if err != nil {
		return err
	}
	defer func() { c.Close() }()
	resumed, err := c.load(path)
	if err != nil {
		k.Progress.Logf("%s: the checkpoint cannot be used (%v): the chains start again", k.title("sample"), err)
	}
	task := k.Progress.Start(k.title("sample"), "steps", 0, 0)
	defer task.Stop()
	if !resumed {
		hook.At("host.sample.start")
		if c, err = k.startChains(ctx, c); err != nil {
			return err
		}
	}
	st := c.st
	saved := time.Now()
	first := st.step
	for {
		task.Update(st.step, st.total, "")
		for !c.Done() {
			if err := ctx.Err(); err != nil {
				return k.checkpoint(w, st, err)
			}
			hook.At("host.sample")
			numbers, err := c.Step(ctx)
			if err != nil {
				if ctx.Err() != nil {
					err = ctx.Err()
				}
				return k.checkpoint(w, st, err)
			}
			task.Update(st.step, st.total, note(numbers, st))
			if every := k.Experiment.Run.CheckpointS; time.Since(saved).Seconds() >= every && !c.Done() {
				if err := k.checkpoint(w, st, nil); err != nil {
					return err
				}
				saved = time.Now()
			}
		}
		next, err := c.next(ctx)
		if err != nil {
			return k.checkpoint(w, st, err)
		}
		if next == nil {
			break
		}
		c, st = next, next.st
	}
	hook.At("host.sample.end")
	if err := k.writeSamples(ctx, w.Dir(), st); err != nil {
		return err
	}
	task.Done(fmt.Sprintf("%d chains, %d steps", k.chains(), st.step-first))
	return nil
}

// startChains starts the chains of the first stage, by [sampler.start] or by the sampler itself. Where the checkpoint that could
// not be used was of another stage, they are made anew.
func (k *cellRun) startChains(ctx context.Context, c *Chains) (*Chains, error) {
	if c.st.stage != 0 {
		c.Close()
		first, err := k.newChains(ctx, 0)
		if err != nil {
			return c, err
		}
		c = first
	}
	var at *tensor.Tensor
	if k.c.Start != nil {
		var err error
		if at, err = k.startLatents(ctx); err != nil {
			return c, err
		}
	}
	return c, c.start(ctx, at)
}

func note(numbers map[string][]float64, st *chainState) string {
	text := ""
	if m := numbers["misfit"]; len(m) > 0 {
		v := make([]float64, 0, len(m))
		for _, x := range m {
			if !math.IsNaN(x) {
				v = append(v, x)
			}
		}
		sort.Float64s(v)
		if len(v) > 0 {
			text = fmt.Sprintf("median misfit %.4g", v[len(v)/2])
		}
	}
	if len(st.dropped) > 0 {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d chains dropped", len(st.dropped))
	}
	return text
}
