package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// CellPlan is what a cell would take.
type CellPlan struct {
	Label  string
	Stages []StagePlan
	Waves  *WavePlan // of a solver in time that says what its scheme is; else nil
	Notes  []string  // where the data come from if the solver does not make them, and what is not known of that
}

// StagePlan is one stage of a plan.
type StagePlan struct {
	Stage   string
	Key     string // "?" where it depends on something not yet computed
	Cached  bool
	Work    string
	Seconds float64 // 0: not estimated
	AtLeast bool    // Seconds leaves out what cannot be timed before the prior is trained
	Bytes   int64
}

// Time is the estimate in words.
func (p StagePlan) Time() string {
	if p.Cached || p.Seconds == 0 {
		return "-"
	}
	if p.AtLeast {
		return "over " + Seconds(p.Seconds)
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

// Plan resolves every cell as Run does, without computing a stage: what is in the cache, what work the rest is, and how long
// it may take, from calls that are timed here: of the solver, of a trained prior, and, of a prior that is to be trained, a few
// seconds of training in a temporary folder, unless the cache holds a training of the same prior.
func Plan(ctx context.Context, o Options) ([]CellPlan, error) {
	r := &runner{Options: o, sums: map[session.Ref]string{}}
	times := &timings{trainings: map[string]trainingTime{}, solvers: map[string]solverTime{}, denoisers: map[string]trainingTime{}}
	var out []CellPlan
	for i := range o.Experiment.Cells {
		p, err := r.planCell(ctx, &o.Experiment.Cells[i], times)
		if err != nil {
			return nil, fmt.Errorf("cell %s: %w", o.Experiment.Cells[i].Label, err)
		}
		out = append(out, p)
	}
	return out, nil
}

// errPlanned ends a cell's stages where one that they need is not in the cache.
var errPlanned = errors.New("planned")

func (r *runner) planCell(ctx context.Context, c *experiment.Cell, times *timings) (CellPlan, error) {
	p := CellPlan{Label: c.Label}
	k := &cellRun{runner: r, c: c, out: newResult(c)}
	owner := map[string]*cellRun{} // of stages by their titles: the cell itself, or its truth rule's run
	k.planned = func(name, key string, e *stage.Entry) error {
		p.Stages = append(p.Stages, StagePlan{Stage: name, Key: key, Cached: e != nil})
		if e == nil {
			return errPlanned
		}
		return nil
	}
	if err := k.begin(ctx); err != nil {
		return p, err
	}
	if text := k.observedText(); text != "" {
		p.Notes = append(p.Notes, text)
	}
	p.Notes = append(p.Notes, k.out.Notes...)
	if err := k.planStages(ctx); err != nil {
		return p, err
	}
	seen := map[string]bool{}
	for _, s := range p.Stages {
		seen[s.Stage] = true
	}
	for _, name := range k.stages() {
		if !seen[name] {
			p.Stages = append(p.Stages, StagePlan{Stage: name, Key: "?"})
		}
		owner[name] = k
	}
	if k.truth != nil {
		for _, name := range k.truth.stages() {
			owner[k.truth.prefix+name] = k.truth
		}
	}
	for i := range p.Stages {
		s := &p.Stages[i]
		o := owner[s.Stage]
		if err := o.estimate(ctx, s, strings.TrimPrefix(s.Stage, o.prefix), times); err != nil {
			return p, err
		}
	}
	var err error
	p.Waves, err = k.planWaves(ctx, times)
	return p, err
}

// planStages lists the stages as far as their keys are known: those of data and training are, whatever is in the cache.
func (k *cellRun) planStages(ctx context.Context) error {
	missing := false
	for _, step := range []func(context.Context) error{k.data, k.train} {
		if err := step(ctx); errors.Is(err, errPlanned) {
			missing = true
		} else if err != nil {
			return err
		}
	}
	if err := k.truthKeys(ctx); err != nil {
		return err
	}
	if missing {
		if k.truth != nil {
			return k.planTruth(ctx)
		}
		return nil
	}
	for _, step := range []func(context.Context) error{k.configurePrior, k.observe, k.sample, k.judge} {
		if err := step(ctx); errors.Is(err, errPlanned) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// planTruth lists the stages of a truth rule's run; their keys are all known.
func (k *cellRun) planTruth(ctx context.Context) error {
	steps := []func(context.Context) error{k.truth.data}
	if k.truth.c.Sampler != nil {
		steps = append(steps, k.truth.train, k.truth.sample)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil && !errors.Is(err, errPlanned) {
			return fmt.Errorf("observation.truth: %w", err)
		}
	}
	return nil
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
	if k.prefix != "" { // the run of a truth rule
		return s
	}
	return append(s, "judge")
}
