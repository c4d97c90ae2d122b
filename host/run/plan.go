package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// CellPlan is what a cell would take.
type CellPlan struct {
	Label  string
	Stages []StagePlan
}

// StagePlan is one stage of a plan.
type StagePlan struct {
	Stage   string
	Key     string // "?" where it depends on something not yet computed
	Cached  bool
	Work    string
	Seconds float64 // 0: not estimated
	Bytes   int64
}

// Time is the estimate in words.
func (p StagePlan) Time() string {
	if p.Cached || p.Seconds == 0 {
		return "-"
	}
	return Seconds(p.Seconds)
}

// Memory is the estimate in words.
func (p StagePlan) Memory() string {
	switch {
	case p.Bytes == 0:
		return "-"
	case p.Bytes < 1<<20:
		return fmt.Sprintf("%d KiB", p.Bytes>>10+1)
	}
	return fmt.Sprintf("%.1f MiB", float64(p.Bytes)/(1<<20))
}

// Seconds writes a duration for people.
func Seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// Plan resolves every cell as Run does, without computing a stage: what is in the cache, what work the rest is, and, from
// one solver call measured here, how long it may take. It configures the solver and, where its training is in the cache,
// the prior.
func Plan(ctx context.Context, o Options) ([]CellPlan, error) {
	r := &runner{Options: o, sums: map[session.Ref]string{}}
	var out []CellPlan
	for i := range o.Experiment.Cells {
		p, err := r.planCell(ctx, &o.Experiment.Cells[i])
		if err != nil {
			return nil, fmt.Errorf("cell %s: %w", o.Experiment.Cells[i].Label, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// errPlanned ends a cell's stages at the first one that is not in the cache.
var errPlanned = errors.New("planned")

func (r *runner) planCell(ctx context.Context, c *experiment.Cell) (CellPlan, error) {
	p := CellPlan{Label: c.Label}
	k := &cellRun{runner: r, c: c, out: newResult(c)}
	k.planned = func(name, key string, e *stage.Entry) error {
		p.Stages = append(p.Stages, StagePlan{Stage: name, Key: key, Cached: e != nil})
		if e == nil {
			return errPlanned
		}
		return nil
	}
	if err := k.configureSolver(ctx); err != nil {
		return p, err
	}
	forward, err := k.timeForward(ctx)
	if err != nil {
		return p, err
	}
	for _, step := range []func(context.Context) error{k.data, k.train, k.truthKeys, k.configurePrior, k.observe, k.sample, k.judge} {
		err := step(ctx)
		if errors.Is(err, errPlanned) {
			break
		}
		if err != nil {
			return p, err
		}
	}
	seen := map[string]bool{}
	for _, s := range p.Stages {
		seen[s.Stage] = true
	}
	for _, name := range k.stages() {
		if !seen[name] {
			p.Stages = append(p.Stages, StagePlan{Stage: name, Key: "?"})
		}
	}
	for i := range p.Stages {
		k.estimate(&p.Stages[i], forward)
	}
	return p, nil
}

// stages lists the stages that the cell has.
func (k *cellRun) stages() []string {
	var s []string
	if k.c.Data != nil {
		s = append(s, "data")
	}
	if k.c.Prior != nil && k.c.Checkpoint == "" && k.c.Prior.Description.Has(contract.CapTrain) {
		s = append(s, "train")
	}
	if k.c.Observation != nil {
		s = append(s, "observe")
	}
	if k.c.Sampler != nil {
		s = append(s, "sample")
	}
	return append(s, "judge")
}

// timeForward measures one solver call on a model inside the bounds; 0 where there is none to be had.
func (k *cellRun) timeForward(ctx context.Context) (float64, error) {
	model := k.solver.Configured.Model
	m, d := model.New(1), k.solver.Configured.Data.New(1)
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
	best := 0.0
	for range 3 {
		start := time.Now()
		st, err := k.solver.Solver.Forward(ctx, m, d)
		if err != nil {
			return 0, err
		}
		if contract.StatusAt(st, 0).Code != contract.OK {
			return 0, nil
		}
		if t := time.Since(start).Seconds(); best == 0 || t < best {
			best = t
		}
	}
	return best, nil
}

// estimate fills in work, time and memory of a stage.
func (k *cellRun) estimate(p *StagePlan, forward float64) {
	model := k.solver.Configured.Model
	item := int64(model.Len() * model.DType.Size())
	switch p.Stage {
	case "data":
		n := k.c.Data.HeldOut
		if gen, err := dataset.NewGenerator(k.c.Data.Kind, k.c.Generator, k.c.Seed, model); err == nil {
			n += gen.Examples()
		}
		p.Work = fmt.Sprintf("%d examples", n)
		p.Bytes = int64(n) * item
	case "train":
		p.Work = "training"
	case "observe":
		p.Work = fmt.Sprintf("%d solves", k.c.Observation.Count)
		p.Seconds = forward * float64(k.c.Observation.Count)
	case "sample":
		n := k.chains()
		p.Work = fmt.Sprintf("%d chains", n)
		steps := 0
		if o, ok := k.c.Sampler.Options["steps"].(int64); ok {
			steps = int(o)
		}
		if k.prior != nil && k.prior.Configured.Schedule != nil && steps == 0 {
			steps = k.prior.Configured.Schedule.Steps()
		}
		if steps == 0 && k.c.Prior != nil {
			if v, ok := config.Lookup(k.c.Prior.Options, config.Path{"schedule", "steps"}); ok {
				n, _ := v.(int64)
				steps = int(n)
			}
		}
		if steps > 0 {
			p.Work += fmt.Sprintf(" x %d steps", steps)
		}
		if k.c.Observation != nil && steps > 0 {
			p.Work += " with a gradient each"
			p.Seconds = 2 * forward * float64(n) * float64(steps) / float64(max(1, k.c.Solver.Workers))
		}
		p.Bytes = 4 * int64(n) * item
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
}
