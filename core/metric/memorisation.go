package metric

import (
	"fmt"
	"math"
	"slices"
)

// Rate is a share of samples below a threshold, with its intervals.
type Rate struct {
	// Threshold is what r was compared with, N the number of samples, Below how many lay under it (strictly).
	Threshold float64
	N, Below  int
	// Bootstrap is the rate with the percentile interval over resampled samples (and, where the threshold is a null's
	// quantile, over the resampled null). It has no width when every sample is on one side; Wilson has.
	Bootstrap, Wilson Interval
}

// MemorisedRate returns the share of ratios r < threshold with intervals at the given level (0.95), from `resamples`
// bootstrap samples; index(n) returns a random index in 0..n-1 and is called len(ratio) times per resample, in order.
// Error: no ratios, or fewer than 1 resample.
func MemorisedRate(ratio []float64, threshold float64, resamples int, level float64, index func(n int) int) (Rate, error) {
	return rate(ratio, nil, threshold, 0, resamples, level, index)
}

// MemorisedRateAtNull does the same with the threshold at the q-quantile (0.05) of the null's ratios; each resample draws
// the null anew too (len(null) indices, before those of the samples), so that the interval knows how uncertain the
// threshold is. Error: as MemorisedRate, or no null.
func MemorisedRateAtNull(ratio, null []float64, q float64, resamples int, level float64, index func(n int) int) (Rate, error) {
	if len(null) == 0 {
		return Rate{}, fmt.Errorf("metric: memorised rate: the null has no ratios")
	}
	return rate(ratio, null, Quantile(null, q), q, resamples, level, index)
}

func rate(ratio, null []float64, threshold, q float64, resamples int, level float64, index func(n int) int) (Rate, error) {
	n := len(ratio)
	if n == 0 || resamples < 1 {
		return Rate{}, fmt.Errorf("metric: memorised rate: %d ratios, %d resamples; at least one of each is needed", n, resamples)
	}
	r := Rate{Threshold: threshold, N: n}
	for _, v := range ratio {
		if v < threshold {
			r.Below++
		}
	}
	boot, drawn := make([]float64, resamples), make([]float64, len(null))
	for b := range boot {
		t := threshold
		if len(null) > 0 {
			for i := range drawn {
				drawn[i] = null[index(len(null))]
			}
			slices.Sort(drawn)
			t = sortedQuantile(drawn, q)
		}
		below := 0
		for range n {
			if ratio[index(n)] < t {
				below++
			}
		}
		boot[b] = float64(below) / float64(n)
	}
	slices.Sort(boot)
	r.Bootstrap = Interval{float64(r.Below) / float64(n), sortedQuantile(boot, (1-level)/2), sortedQuantile(boot, (1+level)/2)}
	r.Wilson = Wilson(r.Below, n, level)
	return r, nil
}

// CTResult is the outcome of the C_T test.
type CTResult struct {
	// U is the number of pairs in which the generated sample is farther from the training set than the held-out one, plus
	// half the ties; Z its standardised value; N held-out and M generated distances.
	U, Z float64
	N, M int
}

// CT is the test of Meehan, Chaudhuri and Dasgupta (2020) for copying: do generated samples lie nearer to the training set
// than held-out ones? heldOut (n) and generated (m) are distances to the nearest training example.
//
//	Z = (U - nm/2 + 1/2)/sqrt(nm(n+m+1)/12)
//
// Z << 0 is copying, Z near 0 none, Z >> 0 samples far from the data. The 1/2 is the continuity correction of the lower
// tail. Error: no distances on a side, or a NaN.
func CT(heldOut, generated []float64) (CTResult, error) {
	n, m := len(heldOut), len(generated)
	if n == 0 || m == 0 {
		return CTResult{}, fmt.Errorf("metric: C_T: %d held-out and %d generated distances; at least one of each is needed", n, m)
	}
	for _, v := range slices.Concat(heldOut, generated) {
		if math.IsNaN(v) {
			return CTResult{}, fmt.Errorf("metric: C_T: a distance is NaN; drop diverged samples first")
		}
	}
	h := slices.Clone(heldOut)
	slices.Sort(h)
	u2 := 0 // twice U, exact
	for _, g := range generated {
		below, _ := slices.BinarySearch(h, g)
		upTo := n // where g is +Inf
		if above := math.Nextafter(g, math.Inf(1)); above > g {
			upTo, _ = slices.BinarySearch(h, above)
		}
		u2 += 2*below + (upTo - below)
	}
	nm := float64(n) * float64(m)
	u := float64(u2) / 2
	return CTResult{U: u, Z: (u - nm/2 + 0.5) / math.Sqrt(nm*float64(n+m+1)/12), N: n, M: m}, nil
}

// DenoiserGap returns E|D_net - D_exact|^2 / E|x0 - mean x0|^2 over the rows of three (n x dim) sets: how far a learned
// denoiser is from the optimal empirical one at a noise level, in units of the data's variance. Error: x0 does not vary.
func DenoiserGap(net, exact, x0 []float64, dim int) (float64, error) {
	n := rowCount("denoiser gap", x0, dim)
	sameLen("denoiser gap", net, exact)
	sameLen("denoiser gap", net, x0)
	centre := make([]float64, dim)
	for i, v := range x0 {
		centre[i%dim] += v / float64(n)
	}
	num, den := 0.0, 0.0
	for i, v := range x0 {
		d, c := net[i]-exact[i], v-centre[i%dim]
		num += d * d
		den += c * c
	}
	if !(den > 0) {
		return 0, fmt.Errorf("metric: denoiser gap: the %d rows of x0 do not vary", n)
	}
	return num / den, nil
}
