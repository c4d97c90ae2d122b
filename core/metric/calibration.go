package metric

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Ensembles are samples (L x cells, row-major: one posterior sample per row) judged against a truth (cells). Every function
// of this file takes that layout; it panics when the lengths do not agree.

func chainCount(what string, samples, truth []float64) int {
	if len(truth) == 0 || len(samples)%len(truth) != 0 || len(samples) == 0 {
		panic(fmt.Sprintf("metric: %s: %d numbers of samples for %d cells", what, len(samples), len(truth)))
	}
	return len(samples) / len(truth)
}

// RankInterval returns the k for which the interval from the k-th smallest to the k-th largest of L samples is nearest to
// the level wanted, and what it covers of exchangeable truths: (L+1-2k)/(L+1). That nominal value belongs beside every
// observed one. Error: L < 2, so that there is no interval.
func RankInterval(l int, level float64) (k int, nominal float64, err error) {
	if l < 2 || !(level > 0 && level < 1) {
		return 0, 0, fmt.Errorf("metric: rank interval: %d samples, level %g; at least 2 and a level in (0, 1) are needed", l, level)
	}
	k = int(math.Round(float64(l+1) * (1 - level) / 2))
	k = min(max(k, 1), l/2)
	return k, float64(l+1-2*k) / float64(l+1), nil
}

// Coverage sets inside (cells) to whether the truth lies in the interval from the k-th smallest to the k-th largest sample,
// ends included, and returns the share that does. inside may be nil. 1 <= k <= L/2. A sample that is NaN counts as below
// and above: it can only lose a truth.
func Coverage(inside []bool, samples, truth []float64, k int) float64 {
	l, cells := chainCount("coverage", samples, truth), len(truth)
	if k < 1 || 2*k > l {
		panic(fmt.Sprintf("metric: coverage: k = %d of %d samples; 1..%d is possible", k, l, l/2))
	}
	count := 0
	for c, t := range truth {
		below, above := 0, 0
		for i := range l {
			switch v := samples[i*cells+c]; {
			case v < t:
				below++
			case v > t:
				above++
			case v != t: // NaN: on both sides, so that it narrows the interval and never widens it
				below++
				above++
			}
		}
		in := below <= l-k && above <= l-k && !math.IsNaN(t)
		if inside != nil {
			inside[c] = in
		}
		if in {
			count++
		}
	}
	return float64(count) / float64(cells)
}

// CRPS sets dst (cells) to the fair continuous ranked probability score of each cell and returns the mean over cells:
// mean_j |X_j - y| - sum_{j,k} |X_j - X_k|/(2 L (L-1)) (Ferro 2014), unbiased in L. dst may be nil. Error: fewer than 2
// samples.
func CRPS(dst, samples, truth []float64) (float64, error) {
	l, cells := chainCount("crps", samples, truth), len(truth)
	if l < 2 {
		return 0, fmt.Errorf("metric: crps: %d sample; at least 2 are needed", l)
	}
	x, total := make([]float64, l), 0.0
	for c, t := range truth {
		for i := range l {
			x[i] = samples[i*cells+c]
		}
		slices.Sort(x)
		skill, spread := 0.0, 0.0
		for i, v := range x { // sum_{j<k} |x_j - x_k| = sum_i (2i - L + 1) x_(i); about x_(0), so that an offset costs nothing
			skill += math.Abs(v - t)
			spread += float64(2*i-l+1) * (v - x[0])
		}
		s := skill/float64(l) - spread/(float64(l)*float64(l-1))
		if dst != nil {
			dst[c] = s
		}
		total += s
	}
	return total / float64(cells), nil
}

// MeanStd returns the pointwise mean and standard deviation, with 1/(L-1), of samples (L x cells). Error: L < 2.
func MeanStd(samples []float64, cells int) (mu, std []float64, err error) {
	l := rowCount("mean and standard deviation", samples, cells)
	if l < 2 {
		return nil, nil, fmt.Errorf("metric: standard deviation of %d samples; at least 2 are needed", l)
	}
	mu, std = make([]float64, cells), make([]float64, cells)
	for i, v := range samples {
		mu[i%cells] += v
	}
	for c := range mu {
		mu[c] /= float64(l)
	}
	for i, v := range samples {
		e := v - mu[i%cells]
		std[i%cells] += e * e
	}
	for c, v := range std {
		std[c] = math.Sqrt(v / float64(l-1))
	}
	return mu, std, nil
}

// SpreadSkill compares the error of the ensemble's mean with what its spread announces.
type SpreadSkill struct {
	// RMSE of the mean over cells; Spread = sqrt((1+1/L) mean variance), variance with 1/(L-1). A calibrated ensemble has
	// RMSE^2 = Spread^2 in expectation; Ratio = Spread/RMSE below 1 is overconfidence.
	RMSE, Spread, Ratio float64
}

// Spread returns spread against skill over all cells. Error: fewer than 2 samples.
func Spread(samples, truth []float64) (SpreadSkill, error) {
	l := chainCount("spread", samples, truth)
	mu, std, err := MeanStd(samples, len(truth))
	if err != nil {
		return SpreadSkill{}, err
	}
	variance := 0.0
	for _, s := range std {
		variance += s * s / float64(len(std))
	}
	r := SpreadSkill{RMSE: RMSE(mu, truth), Spread: math.Sqrt((1 + 1/float64(l)) * variance)}
	r.Ratio = r.Spread / r.RMSE
	return r, nil
}

// Ranks sets dst (cells) to the truth's rank among the samples, 0..L: how many are smaller. Where samples equal the truth,
// tie(n) in 0..n-1 places it among the n = ties + 1 possible ranks; tie may be nil, for data without ties: the lowest.
func Ranks(dst []int, samples, truth []float64, tie func(n int) int) {
	l, cells := chainCount("ranks", samples, truth), len(truth)
	if len(dst) != cells {
		panic(fmt.Sprintf("metric: ranks: %d places for %d cells", len(dst), cells))
	}
	for c, t := range truth {
		below, equal := 0, 0
		for i := range l {
			switch v := samples[i*cells+c]; {
			case v < t:
				below++
			case v == t:
				equal++
			}
		}
		if equal > 0 && tie != nil {
			below += tie(equal + 1)
		}
		dst[c] = below
	}
}

// RankHistogram counts ranks 0..L in bins of equal numbers of ranks, and tests them against uniformity (simulation-based
// calibration, Talts et al. 2018). bins must divide L+1. p is the probability of so large a chi^2 (bins-1 degrees of
// freedom) for independent uniform ranks; cells of one image are not independent, so there it is only a guide.
// Error: bins < 2 or not a divisor, a rank outside 0..L, no ranks.
func RankHistogram(ranks []int, l, bins int) (counts []int, chi2, p float64, err error) {
	if bins < 2 || (l+1)%bins != 0 || len(ranks) == 0 {
		return nil, 0, 0, fmt.Errorf("metric: rank histogram: %d ranks of 0..%d in %d bins; the bins must divide %d, and ranks are needed",
			len(ranks), l, bins, l+1)
	}
	counts = make([]int, bins)
	for i, r := range ranks {
		if r < 0 || r > l {
			return nil, 0, 0, fmt.Errorf("metric: rank histogram: rank %d is %d; 0..%d is possible", i, r, l)
		}
		counts[r*bins/(l+1)]++
	}
	want := float64(len(ranks)) / float64(bins)
	for _, c := range counts {
		chi2 += (float64(c) - want) * (float64(c) - want) / want
	}
	return counts, chi2, distuv.ChiSquared{K: float64(bins - 1)}.Survival(chi2), nil
}

// Bin is one of [EqualCountBins].
type Bin struct {
	N          int
	Std, Error float64 // means over the bin
}

// EqualCountBins sorts cells by their standard deviation and cuts them into n bins of equal count (the first ones hold one
// more where they do not divide), each with its mean standard deviation and mean |error|; std and absErr (cells). A
// calibrated Gaussian posterior has Error = sqrt(2/pi) Std = 0.798 Std in every bin. Equal values stay in the order of the
// cells. Error: fewer cells than bins, or a NaN.
func EqualCountBins(std, absErr []float64, n int) ([]Bin, error) {
	sameLen("equal-count bins", std, absErr)
	if n < 1 || len(std) < n {
		return nil, fmt.Errorf("metric: equal-count bins: %d cells in %d bins", len(std), n)
	}
	order := make([]int, len(std))
	for i := range order {
		order[i] = i
		if math.IsNaN(std[i]) || math.IsNaN(absErr[i]) {
			return nil, fmt.Errorf("metric: equal-count bins: cell %d has standard deviation %g and error %g", i, std[i], absErr[i])
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case std[a] < std[b]:
			return -1
		case std[a] > std[b]:
			return 1
		}
		return 0
	})
	bins, at := make([]Bin, n), 0
	for b := range bins {
		count := len(std) / n
		if b < len(std)%n {
			count++
		}
		for _, i := range order[at : at+count] {
			bins[b].Std += std[i]
			bins[b].Error += absErr[i]
		}
		bins[b].N = count
		bins[b].Std /= float64(count)
		bins[b].Error /= float64(count)
		at += count
	}
	return bins, nil
}
