package judge

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// resamples of the bootstrap intervals.
const resamples = 1000

// nullQuantile of the held-out ratios is the threshold that is set by the null.
const nullQuantile = 0.05

// galleryItems is how many samples are kept with their nearest training examples, for the gallery.
const galleryItems = 6

// population is one set of models whose ratios to the training set are taken.
type population struct {
	name string // "" for the samples themselves
	near *metric.Neighbours
}

// key is the samples' own key, or another with the population's name in it.
func (p population) key(own, other string) string {
	if p.name == "" {
		return own
	}
	return fmt.Sprintf(other, p.name)
}

// coordinates are the sets in which distances are measured: [judge.memorisation] adapt, raw KL coordinates for instance.
type coordinates struct {
	dim                         int
	train, held, samples, truth []float64 // (n, dim) each; held and truth: nil, none
	chains                      []int     // of the samples
}

// coordinates carries every set over. A training or held-out example that has no coordinates is an error; such a sample or
// truth is left out.
func (j *judging) coordinates() (*coordinates, error) {
	a, err := j.Cell.MemorisationSpace(*j.Solver.Configured.Model)
	if err != nil {
		return nil, err
	}
	if a, err = wide(a); err != nil {
		return nil, err
	}
	c := &coordinates{dim: a.Out().Reals()}
	carry := func(items []float64) ([]float64, error) {
		if items == nil || a.IsIdentity() {
			return items, nil
		}
		return apply(a, items)
	}
	if c.train, err = carry(j.train); err != nil {
		return nil, err
	}
	if c.held, err = carry(j.held); err != nil {
		return nil, err
	}
	for name, set := range map[string][]float64{"training": c.train, "held-out": c.held} {
		if i := slices.IndexFunc(set, math.IsNaN); i >= 0 {
			return nil, j.errorf("[judge.memorisation]: %s example %d cannot be carried by %s", name, i/c.dim, a.Name())
		}
	}
	truth, err := carry(j.truth)
	if err != nil {
		return nil, err
	}
	for i := range len(truth) / c.dim {
		if t := truth[i*c.dim : (i+1)*c.dim]; !slices.ContainsFunc(t, math.IsNaN) {
			c.truth = append(c.truth, t...)
		}
	}
	var models []float64
	for _, k := range j.alive {
		models = append(models, j.models[k*j.cells:(k+1)*j.cells]...)
	}
	x, err := carry(models)
	if err != nil {
		return nil, err
	}
	for i, k := range j.alive {
		if s := x[i*c.dim : (i+1)*c.dim]; !slices.ContainsFunc(s, math.IsNaN) {
			c.samples, c.chains = append(c.samples, s...), append(c.chains, k)
		}
	}
	return c, nil
}

// wide lets an adapter of real numbers give float64 at its end, so that its coordinates are not rounded once more.
func wide(a *space.Adapter) (*space.Adapter, error) {
	if a.IsIdentity() || a.Out().DType != tensor.Float32 {
		return a, nil
	}
	cast, err := space.Cast(*a.Out(), tensor.Float64)
	if err != nil {
		return nil, err
	}
	return space.Chain(a, cast)
}

// memorisation compares the distances of samples to the training set with those of held-out examples, of training examples
// among themselves, and of the truths. The nulls and the threshold that they set depend on the training set alone: they are
// the same for unconditional and for posterior samples.
func (j *judging) memorisation(context.Context) error {
	if j.train == nil || len(j.alive) == 0 || len(j.train)/j.cells < 3 {
		return nil
	}
	c, err := j.coordinates()
	if err != nil || len(c.chains) == 0 {
		return err
	}
	k := j.Cell.Judge.Memorisation.Nearest
	gen, err := metric.NearestRatios(c.samples, c.train, c.dim, k)
	if err != nil {
		return err
	}
	all := []population{{"", gen}}
	var null *metric.Neighbours
	if len(c.held) > 0 {
		if null, err = metric.NearestRatios(c.held, c.train, c.dim, k); err != nil {
			return err
		}
		all = append(all, population{"held_out", null})
	}
	loo, err := metric.LeaveOneOut(c.train, c.dim, k)
	if err != nil {
		return err
	}
	all = append(all, population{"leave_one_out", loo})
	if len(c.truth) > 0 {
		t, err := metric.NearestRatios(c.truth, c.train, c.dim, k)
		if err != nil {
			return err
		}
		j.m["memorisation.truth_ratio_median"] = quantile(t.Ratio, 0.5)
		if len(t.Ratio) >= minTruths {
			all = append(all, population{"truth", t})
		}
		if err := j.save("memorisation_truth", t.Ratio, len(t.Ratio)); err != nil {
			return err
		}
	}
	j.m["memorisation.samples"] = float64(len(gen.Ratio))
	j.m["memorisation.examples"] = float64(len(c.train) / c.dim)
	j.m["memorisation.held_out"] = float64(len(c.held) / c.dim)
	j.m["memorisation.coordinates"] = float64(c.dim)
	if err := j.rates(all, null); err != nil {
		return err
	}
	_, different, effective := metric.Shares(gen.Index, len(c.train)/c.dim)
	j.m["memorisation.neighbours_different"] = float64(different)
	j.m["memorisation.neighbours_effective"] = effective
	if null != nil {
		ct, err := metric.CT(null.Distance, gen.Distance)
		if err != nil {
			return err
		}
		j.m["memorisation.ct_z"] = ct.Z
		if err := j.save("memorisation_held_out", null.Ratio, len(null.Ratio)); err != nil {
			return err
		}
	}
	if err := j.save("memorisation_leave_one_out", loo.Ratio, len(loo.Ratio)); err != nil {
		return err
	}
	if err := j.save("memorisation_samples", gen.Ratio, len(gen.Ratio)); err != nil {
		return err
	}
	nearest := make([]float64, len(gen.Index))
	for i, n := range gen.Index {
		nearest[i] = float64(n)
	}
	if err := j.save("memorisation_nearest", nearest, len(nearest)); err != nil {
		return err
	}
	if err := j.scatter(c); err != nil {
		return err
	}
	return j.gallery(c, gen)
}

// rates writes the share of each population below every threshold, with the wider of bootstrap and Wilson interval.
func (j *judging) rates(all []population, null *metric.Neighbours) error {
	draw := rng.New(j.Seed, "judge/bootstrap")
	calls := uint32(0)
	index := func() func(n int) int {
		src := draw.At(0, 0, calls)
		calls++
		i := 0
		return func(n int) int { i++; return src.Intn(i-1, n) }
	}
	put := func(key string, r metric.Rate) {
		j.m[key] = r.Wilson.Value
		j.m[key+"_low"], j.m[key+"_high"] = min(r.Bootstrap.Lo, r.Wilson.Lo), max(r.Bootstrap.Hi, r.Wilson.Hi)
	}
	for _, p := range all {
		j.m[p.key("memorisation.ratio_median", "memorisation.%s_ratio_median")] = quantile(p.near.Ratio, 0.5)
	}
	for _, t := range j.Cell.Judge.Memorisation.Thresholds {
		for _, p := range all {
			r, err := metric.MemorisedRate(p.near.Ratio, t, resamples, 0.95, index())
			if err != nil {
				return err
			}
			put(p.key("memorisation.rate_", "memorisation.%s_rate_")+fmt.Sprintf("%g", t), r)
		}
	}
	if null == nil {
		return nil
	}
	for _, p := range all {
		var r metric.Rate
		var err error
		if p.near == null { // the threshold is its own quantile, and no draw apart from it
			r, err = metric.MemorisedRate(null.Ratio, quantile(null.Ratio, nullQuantile), resamples, 0.95, index())
		} else {
			r, err = metric.MemorisedRateAtNull(p.near.Ratio, null.Ratio, nullQuantile, resamples, 0.95, index())
		}
		if err != nil {
			return err
		}
		put(p.key("memorisation.rate_null", "memorisation.%s_rate_null"), r)
		j.m["memorisation.threshold_null"] = r.Threshold
	}
	return nil
}

// drawnCoordinates is how many coordinates are kept for scatter plots.
const drawnCoordinates = 4

// scatter keeps the first coordinates of the sets, for figures, where there are more than can be shown at once.
func (j *judging) scatter(c *coordinates) error {
	if c.dim <= 2 || len(j.Cell.Judge.Memorisation.Adapt) == 0 && j.view != nil { // single cells of a field say nothing
		return nil
	}
	n := min(drawnCoordinates, c.dim)
	for name, set := range map[string][]float64{"training": c.train, "held_out": c.held, "samples": c.samples, "truth": c.truth} {
		if len(set) == 0 {
			continue
		}
		var v []float64
		for i := range len(set) / c.dim {
			v = append(v, set[i*c.dim:i*c.dim+n]...)
		}
		if err := j.save("memorisation_coordinates_"+name, v, len(v)/n, n); err != nil {
			return err
		}
	}
	return nil
}

// gallery keeps the samples of lowest ratio beside their nearest training examples, as the view shows them: one sample per
// training example, and only where those are too few several.
func (j *judging) gallery(c *coordinates, gen *metric.Neighbours) error {
	if j.view == nil {
		return nil
	}
	byRatio := make([]int, len(gen.Ratio))
	for i := range byRatio {
		byRatio[i] = i
	}
	ascending := func(a, b int) int { return cmp.Compare(gen.Ratio[a], gen.Ratio[b]) }
	slices.SortStableFunc(byRatio, ascending)
	var order, rest []int
	seen := map[int]bool{}
	for _, i := range byRatio {
		if seen[gen.Index[i]] {
			rest = append(rest, i)
			continue
		}
		seen[gen.Index[i]] = true
		order = append(order, i)
	}
	order = append(order, rest...)
	order = order[:min(galleryItems, len(order))]
	slices.SortStableFunc(order, ascending)
	var samples, nearest, rows []float64
	for _, i := range order {
		chain, example := c.chains[i], gen.Index[i]
		samples = append(samples, j.models[chain*j.cells:(chain+1)*j.cells]...)
		nearest = append(nearest, j.train[example*j.cells:(example+1)*j.cells]...)
		rows = append(rows, gen.Ratio[i], float64(example), float64(chain))
	}
	for name, models := range map[string][]float64{"gallery_samples": samples, "gallery_nearest": nearest} {
		v, err := j.view.of(models)
		if err != nil {
			return err
		}
		if err := j.saveField(name, v); err != nil {
			return err
		}
	}
	return j.save("gallery", rows, len(order), 3) // r, training example, chain
}
