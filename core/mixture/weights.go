package mixture

import (
	"fmt"
	"math"
)

// softmax replaces the logarithms in l by exp(l - logsumexp(l)) and returns logsumexp(l). With no entry above -Inf the
// result is NaN: there is no distribution to return.
func softmax(l []float64) float64 {
	top := math.Inf(-1)
	for _, v := range l {
		if v > top {
			top = v
		}
	}
	sum := 0.0
	for i, v := range l {
		e := math.Exp(v - top)
		l[i] = e
		sum += e
	}
	for i := range l {
		l[i] /= sum
	}
	return top + math.Log(sum)
}

// LogSumExp returns log sum exp(l), without overflow; -Inf for no numbers or none above -Inf, NaN when one is NaN.
func LogSumExp(l []float64) float64 {
	top := math.Inf(-1)
	for _, v := range l {
		top = max(top, v) // NaN stays
	}
	if math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, v := range l {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// LookupWeights returns the weights (N) of the lookup-table posterior, the limit of a perfectly memorised prior as its
// width goes to 0: w_n proportional to exp(-phi_n), phi_n = |F(x_n) - y|^2/(2 tau^2). A phi of +Inf (a model for which the
// solver failed) has weight 0. Error: no phi, a NaN or -Inf, or none finite.
func LookupWeights(phi []float64) ([]float64, error) {
	w := make([]float64, len(phi))
	finite := false
	for i, v := range phi {
		if math.IsNaN(v) || math.IsInf(v, -1) {
			return nil, fmt.Errorf("mixture: lookup weights: misfit %d of %d is %g; it must be finite, or +Inf for weight 0", i, len(phi), v)
		}
		finite = finite || !math.IsInf(v, 1)
		w[i] = -v
	}
	if !finite {
		return nil, fmt.Errorf("mixture: lookup weights: none of %d misfits is finite", len(phi))
	}
	softmax(w)
	return w, nil
}

// Effective returns exp(H(w)), H the entropy of the weights w normalised to sum 1: the effective number of components,
// from 1 (one rules) to N (all alike). NaN when the weights do not have a positive sum or one is negative.
func Effective(w []float64) float64 {
	sum := 0.0
	for _, v := range w {
		if v < 0 {
			return math.NaN()
		}
		sum += v
	}
	if !(sum > 0) {
		return math.NaN()
	}
	h := 0.0
	for _, v := range w {
		if p := v / sum; p > 0 {
			h -= p * math.Log(p)
		}
	}
	return math.Exp(h)
}

// CriticalWidth returns s_crit = sqrt(delta tau/mean|F'|), the prior width below which one component rules the posterior:
// delta > 0 the spacing of the training points, tau > 0 the noise's standard deviation, slope = mean|F'| > 0.
func CriticalWidth(delta, tau, slope float64) float64 { return math.Sqrt(delta * tau / slope) }
