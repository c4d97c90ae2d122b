package metric

import (
	"fmt"
	"math"
	"slices"
)

// TARPFraction returns f for one case: the share of samples (L x dim) that are nearer to the reference (dim) than the truth
// (dim) is, ties half. The reference must be a function of the data alone, e.g. the training example that fits them best.
func TARPFraction(samples, truth, reference []float64) float64 {
	l, dim := chainCount("tarp", samples, truth), len(truth)
	sameLen("tarp", truth, reference)
	limit := squaredDistance(truth, reference)
	count2 := 0
	for i := range l {
		switch d := squaredDistance(samples[i*dim:(i+1)*dim], reference); {
		case d < limit:
			count2 += 2
		case d == limit:
			count2++
		}
	}
	return float64(count2) / float64(2*l)
}

// TARPResult is the outcome of [TARP].
type TARPResult struct {
	// Deviation is max over a in [0, 1] of |P(f < a) - a|, the maximum itself and not one over bins.
	Deviation float64
	// At is an a where it is reached, Signed P(f < a) - a there: negative for f too large on average.
	At, Signed float64
	// N is the number of cases. For continuous f that are uniform, Deviation exceeds 1.36/sqrt(N) with probability 5 %
	// (Kolmogorov); with L samples per case f moves in steps of 1/L, which adds up to about 1/(L+1).
	N int
}

// TARP tests expected coverage by random points (Lemos et al. 2023) over many cases, given their fractions f: for a right
// posterior they are uniform on [0, 1]. Error: no cases, or a fraction outside [0, 1].
func TARP(f []float64) (TARPResult, error) {
	if len(f) == 0 {
		return TARPResult{}, fmt.Errorf("metric: tarp: no cases")
	}
	s := slices.Clone(f)
	for i, v := range s {
		if !(v >= 0 && v <= 1) {
			return TARPResult{}, fmt.Errorf("metric: tarp: fraction %d is %g; it must lie in [0, 1]", i, v)
		}
	}
	slices.Sort(s)
	r := TARPResult{N: len(s)}
	n := float64(len(s))
	for i, a := range s { // P(f < a) steps after each f: its extremes against a are at the step's two sides
		for _, p := range [2]float64{float64(i) / n, float64(i+1) / n} {
			if d := p - a; math.Abs(d) > r.Deviation {
				r.Deviation, r.At, r.Signed = math.Abs(d), a, d
			}
		}
	}
	return r, nil
}
