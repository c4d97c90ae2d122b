package run

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/stage"
)

// TruthRuleFile is the observe stage's record of what a truth rule took: a TruthRule.
const TruthRuleFile = "truth_rule.json"

// TruthRule says what a truth rule took, one entry per truth.
type TruthRule struct {
	Rule   string        `json:"rule"`
	Truths []TruthChoice `json:"truths"`
}

// TruthChoice is one truth of a rule: the mean of training examples, or one candidate.
type TruthChoice struct {
	Examples []int     `json:"examples,omitempty"` // training examples in the mean, in the order in which they were met
	Chains   []int     `json:"chains,omitempty"`   // of the unconditional samples that met them
	Ratios   []float64 `json:"ratios,omitempty"`   // r of those samples

	Candidate *int    `json:"candidate,omitempty"` // its number
	Nearest   *int    `json:"nearest,omitempty"`   // training example nearest to it
	Distance  float64 `json:"distance,omitempty"`  // from that one, in the coordinates of [judge.memorisation]
}

// String is one line for the report.
func (c TruthChoice) String() string {
	if c.Candidate != nil {
		return fmt.Sprintf("candidate %d, at distance %.4g from training example %d, its nearest", *c.Candidate, c.Distance, *c.Nearest)
	}
	join := func(n int, f func(i int) string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = f(i)
		}
		return strings.Join(parts, ", ")
	}
	return fmt.Sprintf("mean of training examples %s, met by chains %s with r = %s", join(len(c.Examples), func(i int) string { return fmt.Sprint(c.Examples[i]) }),
		join(len(c.Chains), func(i int) string { return fmt.Sprint(c.Chains[i]) }), join(len(c.Ratios), func(i int) string { return fmt.Sprintf("%.3g", c.Ratios[i]) }))
}

// ReadTruthRule returns what the truth rule of an observe stage took, nil where there was none.
func ReadTruthRule(e *stage.Entry) (*TruthRule, error) {
	b, err := os.ReadFile(e.Path(TruthRuleFile))
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &TruthRule{}
	return r, json.Unmarshal(b, r)
}

// truthNumerics is part of the key of observations that a rule made: it changes when a rule takes another truth.
const truthNumerics = "1"

// truthKeys makes the run of a truth rule, as far as its keys: it is a run of its own, whose stages other cells and runs
// share. It stands before configurePrior, because the key of train asks the prior.
func (k *cellRun) truthKeys(ctx context.Context) error {
	if k.c.Observation == nil || k.c.Observation.Rule == nil {
		return nil
	}
	c := k.c.Observation.Rule.Run
	k.truth = &cellRun{runner: k.runner, c: c, out: newResult(c), prefix: "truth: ", solver: k.solver, planned: k.planned}
	if _, err := k.truth.dataPlan(ctx); err != nil {
		return err
	}
	if c.Sampler == nil {
		return nil
	}
	var err error
	if c.Checkpoint != "" {
		if k.truth.checkpointSum, err = folderSum(c.Checkpoint); err != nil {
			return fmt.Errorf("observation.truth.prior.checkpoint: %w", err)
		}
	}
	if _, _, err = k.truth.trainPlan(ctx); err != nil {
		return err
	}
	k.truth.sampleKey, _, err = k.truth.samplePlan()
	return err
}

// ruleInputs is what the observation's key holds of a truth rule.
func (k *cellRun) ruleInputs() map[string]any {
	r := k.c.Observation.Rule
	m := k.c.Judge.Memorisation
	return map[string]any{"rule": r.Name, "numerics": truthNumerics, "count": r.Count, "set": k.truth.setKey, "sample": k.truth.sampleKey,
		"candidates": r.Candidates, "kind": r.Kind, "generator": r.Generator, "nearest": m.Nearest, "adapt": m.Adapt}
}

// ruleNumbers is what the identity of a run holds of a truth rule, before anything is configured.
func ruleNumbers(r *experiment.Rule) map[string]any {
	in := map[string]any{"rule": r.Name, "count": r.Count, "examples": r.Examples, "candidates": r.Candidates, "kind": r.Kind, "generator": r.Generator}
	if s := r.Run.Sampler; s != nil {
		in["sampler"], in["chains"] = numbersOf(s, s.Numbers()), []any{r.Run.Chains.Chains, r.Run.Chains.OnDivergence, r.Run.Chains.Snapshots}
		in["prior"], in["adapt"] = numbersOf(r.Run.Prior, r.Run.Prior.Numbers()), r.Run.ModelAdapt
	}
	return in
}

// prepareTruth carries out the run of a truth rule where its observation is not in the cache. The prior, which may be the
// same process, is then configured for the cell again.
func (k *cellRun) prepareTruth(ctx context.Context) error {
	if k.truth == nil {
		return nil
	}
	k.out.Truth = k.truth.out
	e, err := k.Cache.Lookup("observe", k.observeKey)
	if err != nil {
		return err
	}
	if e != nil {
		return k.cachedTruth()
	}
	if k.planned != nil {
		return k.planTruth(ctx)
	}
	if err := k.runTruth(ctx); err != nil {
		return err
	}
	if k.truth.prior == nil {
		return nil
	}
	return k.configurePrior(ctx)
}

// runTruth carries out the stages of a rule's run. It leaves the prior configured for that run.
func (k *cellRun) runTruth(ctx context.Context) error {
	t := k.truth
	steps := []func(context.Context) error{t.data}
	if t.c.Sampler != nil {
		steps = append(steps, t.train, t.configurePrior, t.sample)
	}
	for _, step := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(ctx); err != nil {
			return fmt.Errorf("observation.truth: %w", err)
		}
	}
	return nil
}

// cachedTruth lists the stages of a rule's run where the observation came from the cache and it was not carried out: what
// is left of them there is part of what the cell rests on.
func (k *cellRun) cachedTruth() error {
	t := k.truth
	for _, s := range []struct{ name, key string }{{"data", t.dataKey}, {"train", t.trainKey}, {"sample", t.sampleKey}} {
		if s.key == "" {
			continue
		}
		e, err := k.Cache.Lookup(s.name, s.key)
		if err != nil {
			return err
		}
		if e != nil {
			t.take(e, true)
		}
	}
	return nil
}

// ruleTruths fills out (count, model...) with the truths of the rule and writes what it took.
func (k *cellRun) ruleTruths(dir string, out *tensor.Tensor) error {
	r := k.c.Observation.Rule
	train, err := k.items(k.truth.out.Data, TrainingSet, r.Examples)
	if err != nil {
		return fmt.Errorf("observation.truth: %w", err)
	}
	var choices []TruthChoice
	if r.Name == experiment.RuleFarthest {
		choices, err = k.farthest(train, out)
	} else {
		choices, err = k.mostMemorised(train, out)
	}
	if err != nil {
		return fmt.Errorf("observation.truth: %w", err)
	}
	return writeJSON(filepath.Join(dir, TruthRuleFile), TruthRule{Rule: r.Name, Truths: choices})
}

// coordinates returns models (n, model...) in the coordinates of [judge.memorisation]: (n, dim).
func (k *cellRun) coordinates(models *tensor.Tensor, what string) (v []float64, dim int, err error) {
	a, err := k.c.MemorisationSpace(*k.solver.Configured.Model)
	if err != nil {
		return nil, 0, err
	}
	dim = a.Out().Reals()
	const chunk = 256
	for lo := 0; lo < models.Batch(); lo += chunk {
		part := models.Slice(lo, min(lo+chunk, models.Batch()))
		out := a.Out().New(part.Batch())
		bad, err := a.Apply(part, out)
		if err != nil {
			return nil, 0, err
		}
		for i, b := range bad {
			if b != nil {
				return nil, 0, fmt.Errorf("judge.memorisation.adapt: %s %d: %w", what, lo+i, b)
			}
		}
		v = out.AppendReals(v)
	}
	return v, dim, nil
}

// mostMemorised: the unconditional samples in the order of their ratios, ties by chain; the different nearest examples in
// the order in which they are met; the mean of each `count` of them.
func (k *cellRun) mostMemorised(train, out *tensor.Tensor) ([]TruthChoice, error) {
	samples, err := npy.Read(k.truth.out.Sample.Path(ModelFile))
	if err != nil {
		return nil, err
	}
	if err := k.solver.Configured.Model.Check("samples", samples, -1); err != nil {
		return nil, err
	}
	bad, err := ReadStatus(k.truth.out.Sample)
	if err != nil {
		return nil, err
	}
	gone := map[int]bool{}
	for _, b := range bad {
		gone[b.Chain] = true
	}
	var chains []int
	for c := range samples.Batch() {
		if !gone[c] {
			chains = append(chains, c)
		}
	}
	t, dim, err := k.coordinates(train, "training example")
	if err != nil {
		return nil, err
	}
	s, _, err := k.coordinates(gather(contract.State{"model": samples}, chains)["model"], "sample")
	if err != nil {
		return nil, err
	}
	near, err := metric.NearestRatios(s, t, dim, k.c.Judge.Memorisation.Nearest)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(chains))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(near.Ratio[a], near.Ratio[b]) })
	count := k.c.Observation.Rule.Count
	choices := make([]TruthChoice, out.Batch())
	met, n := map[int]bool{}, 0
	for _, i := range order {
		example := near.Index[i]
		if met[example] || n == count*len(choices) {
			continue
		}
		met[example] = true
		c := &choices[n/count]
		c.Examples, c.Chains, c.Ratios = append(c.Examples, example), append(c.Chains, chains[i]), append(c.Ratios, near.Ratio[i])
		n++
	}
	if n < count*len(choices) {
		return nil, fmt.Errorf("the %d unconditional samples lie nearest to %d different training examples, %d truths of %d each need %d: more chains, or a smaller count: %w",
			len(chains), n, len(choices), count, count*len(choices), contract.ErrInvalidOption)
	}
	for i, c := range choices {
		mean := make([]float64, train.Item(0).Reals())
		for _, e := range c.Examples {
			for j, v := range train.Item(e).AppendReals(nil) {
				mean[j] += v
			}
		}
		for j := range mean {
			mean[j] /= float64(count)
		}
		out.Item(i).SetReals(mean)
	}
	return choices, nil
}

// farthest: the candidates in the order of their distances from the nearest training example, the largest first, ties by
// number.
func (k *cellRun) farthest(train, out *tensor.Tensor) ([]TruthChoice, error) {
	r := k.c.Observation.Rule
	if r.Candidates < out.Batch() {
		return nil, fmt.Errorf("%d candidates for %d truths: %w", r.Candidates, out.Batch(), contract.ErrInvalidOption)
	}
	// Noise of their own: candidate i is not training example i made rougher.
	seed := math.Float64bits(rng.New(k.c.Seed, "truth/candidates").At(0, 0, 0).Uniform(0))
	gen, err := dataset.NewGenerator(r.Kind, r.Generator, seed, k.solver.Configured.Model)
	if err != nil {
		return nil, fmt.Errorf("observation.truth: %w: %w", err, contract.ErrInvalidOption)
	}
	t, dim, err := k.coordinates(train, "training example")
	if err != nil {
		return nil, err
	}
	type candidate struct {
		number, nearest int
		distance        float64
	}
	var all []candidate
	const chunk = 256
	batch := k.solver.Configured.Model.New(chunk)
	for lo := 0; lo < r.Candidates; lo += chunk {
		part := batch.Slice(0, min(chunk, r.Candidates-lo))
		if err := gen.Fill(lo, part, false); err != nil {
			return nil, err
		}
		c, _, err := k.coordinates(part, "candidate")
		if err != nil {
			return nil, err
		}
		near, err := metric.NearestRatios(c, t, dim, k.c.Judge.Memorisation.Nearest)
		if err != nil {
			return nil, err
		}
		for i, d := range near.Distance {
			all = append(all, candidate{lo + i, near.Index[i], d})
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.distance, a.distance) })
	choices := make([]TruthChoice, out.Batch())
	for i := range choices {
		c := all[i]
		choices[i] = TruthChoice{Candidate: &c.number, Nearest: &c.nearest, Distance: c.distance}
		if err := gen.Fill(c.number, batch.Slice(0, 1), false); err != nil {
			return nil, err
		}
		out.Item(i).CopyFrom(batch.Item(0))
	}
	return choices, nil
}
