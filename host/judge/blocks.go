package judge

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/metric"
	"github.com/waveprior/waveprior/core/rng"
)

func quantile(x []float64, q float64) float64 { return metric.Quantile(x, q) }

// fidelity compares the posterior mean, and the chain of lowest misfit, with the truth.
func (j *judging) fidelity(context.Context) error {
	if j.truth == nil || len(j.alive) == 0 {
		return nil
	}
	type score struct{ l2, mae, mse, n float64 }
	var mean, best score
	add := func(s *score, x, t []float64) {
		s.l2 += metric.RelativeL2(x, t)
		s.mae += metric.MAE(x, t)
		s.mse += metric.MSE(x, t)
		s.n++
	}
	means := make([]float64, 0, j.obs*j.cells)
	for o := range j.obs {
		t := j.truth[o*j.cells : (o+1)*j.cells]
		models, chains := j.ensemble(o)
		if len(chains) == 0 {
			for range j.cells {
				means = append(means, math.NaN())
			}
			continue
		}
		mu := make([]float64, j.cells)
		for i := range chains {
			for k := range mu {
				mu[k] += models[i*j.cells+k] / float64(len(chains))
			}
		}
		means = append(means, mu...)
		add(&mean, mu, t)
		b := 0
		for i, c := range chains {
			if j.phi[c] < j.phi[chains[b]] {
				b = i
			}
		}
		add(&best, models[b*j.cells:(b+1)*j.cells], t)
	}
	for name, s := range map[string]score{"mean": mean, "best": best} {
		j.m["fidelity.relative_l2_"+name] = s.l2 / s.n
		j.m["fidelity.mae_"+name] = s.mae / s.n
		j.m["fidelity.rmse_"+name] = math.Sqrt(s.mse / s.n)
	}
	return j.save("posterior_mean", means, j.obs, j.cells)
}

// minTruths is the least number of truths for which calibration is reported.
const minTruths = 5

// calibration judges the ensembles of several truths together: every cell of every truth is one case.
func (j *judging) calibration(ctx context.Context) error {
	if j.truth == nil || j.obs < minTruths || j.per < 4 {
		return nil
	}
	var samples, truth []float64 // samples (L, cases*cells)
	var used []int
	for o := range j.obs {
		if _, chains := j.ensemble(o); len(chains) == j.per {
			used = append(used, o)
			truth = append(truth, j.truth[o*j.cells:(o+1)*j.cells]...)
		}
	}
	j.m["calibration.truths"] = float64(len(used))
	if len(used) < minTruths {
		return nil
	}
	for l := range j.per {
		for _, o := range used {
			c := o*j.per + l
			samples = append(samples, j.models[c*j.cells:(c+1)*j.cells]...)
		}
	}
	for _, level := range []float64{0.5, 0.9} {
		k, nominal, err := metric.RankInterval(j.per, level)
		if err != nil {
			return err
		}
		inside := make([]bool, len(truth))
		cov := metric.Coverage(inside, samples, truth, k)
		key := fmt.Sprintf("calibration.coverage_%.0f", 100*level)
		j.m[key], j.m[key+"_nominal"] = cov, nominal
		n := 0
		for _, in := range inside {
			if in {
				n++
			}
		}
		w := metric.Wilson(n, len(inside), 0.95)
		j.m[key+"_low"], j.m[key+"_high"] = w.Lo, w.Hi
	}
	crps, err := metric.CRPS(nil, samples, truth)
	if err != nil {
		return err
	}
	j.m["calibration.crps"] = crps
	s, err := metric.Spread(samples, truth)
	if err != nil {
		return err
	}
	j.m["calibration.rmse"], j.m["calibration.spread"], j.m["calibration.spread_over_rmse"] = s.RMSE, s.Spread, s.Ratio

	ranks := make([]int, len(truth))
	tie := rng.New(j.Seed, "judge/rank-ties").At(0, 0, 0)
	n := 0
	metric.Ranks(ranks, samples, truth, func(k int) int { n++; return tie.Intn(n-1, k) })
	hist := make([]float64, len(ranks))
	for i, r := range ranks {
		hist[i] = float64(r)
	}
	if err := j.save("calibration_ranks", hist, len(used), j.cells); err != nil {
		return err
	}
	mu, std, err := metric.MeanStd(samples, len(truth))
	if err != nil {
		return err
	}
	abs := make([]float64, len(mu))
	for i := range mu {
		abs[i] = math.Abs(mu[i] - truth[i])
	}
	if bins := min(30, len(abs)/4); bins >= 2 {
		b, err := metric.EqualCountBins(std, abs, bins)
		if err != nil {
			return err
		}
		var rows []float64
		for _, x := range b {
			rows = append(rows, x.Std, x.Error, float64(x.N))
		}
		if err := j.save("calibration_bins", rows, len(b), 3); err != nil {
			return err
		}
	}
	var levels []float64 // coverage at every level that L ranks allow, for the figure
	for k := 1; k <= j.per/2; k++ {
		nominal := float64(j.per+1-2*k) / float64(j.per+1)
		levels = append(levels, nominal, metric.Coverage(nil, samples, truth, k), float64(len(truth)))
	}
	if err := j.save("calibration_coverage", levels, len(levels)/3, 3); err != nil {
		return err
	}
	return j.tarp(ctx, used)
}

// tarp tests expected coverage by distances from a reference that depends on the data alone: the training example that
// fits them best.
func (j *judging) tarp(ctx context.Context, used []int) error {
	if j.train == nil || j.Adapted { // adapted data cannot be compared with the solver's
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

// neighbours is k of the memorisation ratio.
const neighbours = 50

// resamples of the bootstrap intervals.
const resamples = 1000

// memorisation compares the samples' distances to the training set with those of held-out examples.
func (j *judging) memorisation(context.Context) error {
	if j.train == nil || len(j.alive) == 0 || len(j.train)/j.cells < 3 {
		return nil
	}
	var models []float64
	for _, c := range j.alive {
		models = append(models, j.models[c*j.cells:(c+1)*j.cells]...)
	}
	gen, err := metric.NearestRatios(models, j.train, j.cells, neighbours)
	if err != nil {
		return err
	}
	draw := rng.New(j.Seed, "judge/bootstrap")
	calls := uint32(0)
	index := func() func(n int) int {
		src := draw.At(0, 0, calls)
		calls++
		i := 0
		return func(n int) int { i++; return src.Intn(i-1, n) }
	}
	rate := func(key string, r metric.Rate) {
		j.m[key], j.m[key+"_low"], j.m[key+"_high"] = r.Wilson.Value, min(r.Bootstrap.Lo, r.Wilson.Lo), max(r.Bootstrap.Hi, r.Wilson.Hi)
	}
	all := map[string][]float64{"samples": gen.Ratio}
	j.m["memorisation.ratio_median"] = quantile(gen.Ratio, 0.5)
	var null *metric.Neighbours
	if len(j.held) > 0 {
		if null, err = metric.NearestRatios(j.held, j.train, j.cells, neighbours); err != nil {
			return err
		}
		all["held_out"] = null.Ratio
	}
	loo, err := metric.LeaveOneOut(j.train, j.cells, neighbours)
	if err != nil {
		return err
	}
	all["leave_one_out"] = loo.Ratio
	for _, t := range j.Cell.Judge.Memorisation.Thresholds {
		for _, who := range []string{"samples", "held_out", "leave_one_out"} {
			if all[who] == nil {
				continue
			}
			r, err := metric.MemorisedRate(all[who], t, resamples, 0.95, index())
			if err != nil {
				return err
			}
			key := fmt.Sprintf("memorisation.rate_%g", t)
			if who != "samples" {
				key = fmt.Sprintf("memorisation.%s_rate_%g", who, t)
			}
			rate(key, r)
		}
	}
	if null != nil {
		r, err := metric.MemorisedRateAtNull(gen.Ratio, null.Ratio, 0.05, resamples, 0.95, index())
		if err != nil {
			return err
		}
		rate("memorisation.rate_null", r)
		j.m["memorisation.threshold_null"] = r.Threshold
		ct, err := metric.CT(null.Distance, gen.Distance)
		if err != nil {
			return err
		}
		j.m["memorisation.ct_z"] = ct.Z
		if err := j.save("memorisation_held_out", null.Ratio, len(null.Ratio)); err != nil {
			return err
		}
	}
	_, different, effective := metric.Shares(gen.Index, len(j.train)/j.cells)
	j.m["memorisation.neighbours_different"] = float64(different)
	j.m["memorisation.neighbours_effective"] = effective
	if j.truth != nil {
		t, err := metric.NearestRatios(j.truth, j.train, j.cells, neighbours)
		if err != nil {
			return err
		}
		j.m["memorisation.truth_ratio_median"] = quantile(t.Ratio, 0.5)
	}
	nearest := make([]float64, len(gen.Index))
	for i, n := range gen.Index {
		nearest[i] = float64(n)
	}
	if err := j.save("memorisation_nearest", nearest, len(nearest)); err != nil {
		return err
	}
	if err := j.save("memorisation_leave_one_out", loo.Ratio, len(loo.Ratio)); err != nil {
		return err
	}
	return j.save("memorisation_samples", gen.Ratio, len(gen.Ratio))
}
