package judge

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/rng"
)

// minTruths is the least number of truths over which a calibration is averaged: below it a model of few coordinates has no
// calibration block, and a field has one without intervals.
const minTruths = 5

// minChains is the least number of chains per truth.
const minChains = 4

// cases are the ensembles that are judged together: every cell of every truth is one case.
type cases struct {
	used    []int     // observations
	l       int       // chains of each
	samples []float64 // (l, used*cells)
	truth   []float64 // (used*cells)
}

// gather takes as many chains of each observation as the one with the fewest has; an observation that lost more than a
// quarter of its chains is left out.
func (j *judging) gather() cases {
	c := cases{l: j.per}
	for o := range j.obs {
		if _, chains := j.ensemble(o); len(chains) >= minChains && 4*len(chains) >= 3*j.per {
			c.used = append(c.used, o)
			c.truth = append(c.truth, j.truth[o*j.cells:(o+1)*j.cells]...)
			c.l = min(c.l, len(chains))
		}
	}
	for l := range c.l {
		for _, o := range c.used {
			_, chains := j.ensemble(o)
			at := chains[l]
			c.samples = append(c.samples, j.models[at*j.cells:(at+1)*j.cells]...)
		}
	}
	return c
}

// calibration judges the ensembles of all truths together. A field is judged over its cells even where there is one truth:
// the numbers then say how honest the spread is for this truth, and have no interval. Optima announce no spread: none is judged.
func (j *judging) calibration(ctx context.Context) error {
	if j.Cell.Optimises() {
		return nil
	}
	if j.truth == nil || j.per < minChains || j.obs < minTruths && j.view == nil {
		return nil
	}
	c := j.gather()
	j.m["calibration.truths"] = float64(len(c.used))
	if len(c.used) == 0 || len(c.used) < minTruths && j.view == nil {
		return nil
	}
	j.m["calibration.chains"] = float64(c.l)
	for _, level := range []float64{0.5, 0.9} {
		if err := j.coverage(c, level); err != nil {
			return err
		}
	}
	crps, err := metric.CRPS(nil, c.samples, c.truth)
	if err != nil {
		return err
	}
	j.m["calibration.crps"] = crps
	s, err := metric.Spread(c.samples, c.truth)
	if err != nil {
		return err
	}
	j.m["calibration.rmse"], j.m["calibration.spread"], j.m["calibration.spread_over_rmse"] = s.RMSE, s.Spread, s.Ratio

	ranks := make([]int, len(c.truth))
	tie := rng.New(j.Seed, "judge/rank-ties").At(0, 0, 0)
	n := 0
	metric.Ranks(ranks, c.samples, c.truth, func(k int) int { n++; return tie.Intn(n-1, k) })
	hist := make([]float64, len(ranks))
	for i, r := range ranks {
		hist[i] = float64(r)
	}
	if err := j.save("calibration_ranks", hist, len(c.used), j.cells); err != nil {
		return err
	}
	if err := j.bins(c); err != nil {
		return err
	}
	var levels []float64 // coverage at every level that L ranks allow, for the figure
	for k := 1; k <= c.l/2; k++ {
		nominal := float64(c.l+1-2*k) / float64(c.l+1)
		levels = append(levels, nominal, metric.Coverage(nil, c.samples, c.truth, k), float64(len(c.truth)))
	}
	if err := j.save("calibration_coverage", levels, len(levels)/3, 3); err != nil {
		return err
	}
	if len(c.used) < minTruths {
		return nil
	}
	return j.tarp(ctx, c.used)
}

// coverage counts cases within the central interval of about this level. Its interval: Wilson's over the cases where a model
// is a few coordinates; for fields, whose cells depend on each other, by bootstrap over truths, if they are enough.
func (j *judging) coverage(c cases, level float64) error {
	k, nominal, err := metric.RankInterval(c.l, level)
	if err != nil {
		return err
	}
	inside := make([]bool, len(c.truth))
	cov := metric.Coverage(inside, c.samples, c.truth, k)
	key := fmt.Sprintf("calibration.coverage_%.0f", 100*level)
	j.m[key], j.m[key+"_nominal"] = cov, nominal
	perTruth, n := make([]float64, len(c.used)), 0
	for i, in := range inside {
		if in {
			n++
			perTruth[i/j.cells] += 1 / float64(j.cells)
		}
	}
	switch {
	case j.view == nil:
		w := metric.Wilson(n, len(inside), 0.95)
		j.m[key+"_low"], j.m[key+"_high"] = w.Lo, w.Hi
	case len(c.used) >= minTruths:
		src := rng.New(j.Seed, "judge/coverage").At(0, uint32(100*level), 0)
		means, calls := make([]float64, resamples), 0
		for b := range means {
			for range perTruth {
				means[b] += perTruth[src.Intn(calls, len(perTruth))] / float64(len(perTruth))
				calls++
			}
		}
		j.m[key+"_low"], j.m[key+"_high"] = quantile(means, 0.025), quantile(means, 0.975)
	}
	return nil
}

// bins are 30 bins (fewer for few cases) of equal count: pointwise standard deviation against mean |mean - truth|, in what
// the view shows where there is one.
func (j *judging) bins(c cases) error {
	samples, truth := c.samples, c.truth
	if j.view != nil {
		var err error
		if samples, err = j.view.of(samples); err != nil {
			return err
		}
		if truth, err = j.view.of(truth); err != nil {
			return err
		}
	}
	mu, std, err := metric.MeanStd(samples, len(truth))
	if err != nil {
		return err
	}
	abs := make([]float64, len(mu))
	for i := range mu {
		abs[i] = math.Abs(mu[i] - truth[i])
		if math.IsNaN(abs[i]) {
			return nil // a model without a velocity
		}
	}
	n := min(30, len(abs)/4)
	if n < 2 {
		return nil
	}
	b, err := metric.EqualCountBins(std, abs, n)
	if err != nil {
		return err
	}
	var rows []float64
	for _, x := range b {
		rows = append(rows, x.Std, x.Error, float64(x.N))
	}
	return j.save("calibration_bins", rows, len(b), 3)
}

// tarp tests expected coverage by distances from a reference that depends on the data alone: the training example that
// fits them best.
func (j *judging) tarp(ctx context.Context, used []int) error {
	if j.train == nil || j.Adapted != nil { // adapted data cannot be compared with the solver's
		return nil
	}
	n := len(j.train) / j.cells
	model, data := j.Solver.Configured.Model, j.Solver.Configured.Data
	fits := make([]float64, 0, n*j.nd)
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		m, d := model.New(hi-lo), data.New(hi-lo)
		m.SetReals(j.train[lo*j.cells : hi*j.cells])
		st, err := j.Solver.Solver.Forward(ctx, m, d)
		if err != nil {
			return err
		}
		fits = d.AppendReals(fits)
		for i := range hi - lo {
			for k := range j.nd {
				if contract.StatusAt(st, i).Code != contract.OK {
					fits[(lo+i)*j.nd+k] = math.NaN() // it fits nothing
				}
			}
		}
	}
	var f []float64
	for _, o := range used {
		best, at := math.Inf(1), 0
		for i := range n {
			if phi := j.misfitOf(fits[i*j.nd:(i+1)*j.nd], o); phi < best {
				best, at = phi, i
			}
		}
		samples, _ := j.ensemble(o)
		f = append(f, metric.TARPFraction(samples, j.truth[o*j.cells:(o+1)*j.cells], j.train[at*j.cells:(at+1)*j.cells]))
	}
	t, err := metric.TARP(f)
	if err != nil {
		return err
	}
	j.m["calibration.tarp"], j.m["calibration.tarp_signed"] = t.Deviation, t.Signed
	j.m["calibration.tarp_critical"] = 1.36 / math.Sqrt(float64(len(f)))
	return nil
}
