package metric

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// TotalVariation returns 1/2 sum |p_i - q_i| cell: half the L1 distance of two densities sampled on cells of one volume, or,
// with cell = 1, of two discrete distributions (shares of samples per mode against the modes' weights, for instance).
func TotalVariation(p, q []float64, cell float64) float64 {
	sameLen("total variation", p, q)
	sum := 0.0
	for i, v := range p {
		sum += math.Abs(v - q[i])
	}
	return 0.5 * sum * cell
}

// Interval is a value with an interval about it.
type Interval struct{ Value, Lo, Hi float64 }

// Wilson returns the rate k/n with Wilson's score interval at the given level (0.95): centre (p + z^2/2n)/(1 + z^2/n), half
// width z sqrt(p(1-p)/n + z^2/4n^2)/(1 + z^2/n) (Wilson 1927). It is sensible at 0 and n successes, where the bootstrap's
// interval has width 0. n = 0 gives NaN with the interval [0, 1].
func Wilson(k, n int, level float64) Interval {
	if k < 0 || k > n || !(level > 0 && level < 1) {
		panic(fmt.Sprintf("metric: wilson: %d of %d at level %g", k, n, level))
	}
	if n == 0 {
		return Interval{math.NaN(), 0, 1}
	}
	z := distuv.UnitNormal.Quantile(0.5 + level/2)
	nf := float64(n)
	p, z2 := float64(k)/nf, z*z
	centre := (p + z2/(2*nf)) / (1 + z2/nf)
	half := z * math.Sqrt(p*(1-p)/nf+z2/(4*nf*nf)) / (1 + z2/nf)
	iv := Interval{p, max(0, centre-half), min(1, centre+half)}
	if k == 0 { // exact there; keep rounding out of the report
		iv.Lo = 0
	}
	if k == n {
		iv.Hi = 1
	}
	return iv
}

// Quantile returns the q-quantile (0 <= q <= 1) of x by linear interpolation at (n-1)q between sorted values, NumPy's
// default; x is left as it is. NaN for no values.
func Quantile(x []float64, q float64) float64 {
	if !(q >= 0 && q <= 1) {
		panic(fmt.Sprintf("metric: quantile %g; it must lie in [0, 1]", q))
	}
	if len(x) == 0 {
		return math.NaN()
	}
	s := slices.Clone(x)
	slices.Sort(s)
	return sortedQuantile(s, q)
}

func sortedQuantile(s []float64, q float64) float64 {
	h := q * float64(len(s)-1)
	i := min(int(h), len(s)-1)
	if i+1 >= len(s) {
		return s[i]
	}
	return s[i] + (h-float64(i))*(s[i+1]-s[i])
}

// ChiSquare returns chi^2 = |r|^2/(tau^2 n), 1 in expectation at the truth: residual (n real numbers, a complex datum counts
// as two), tau (1 or n) the standard deviation of each real number.
func ChiSquare(residual, tau []float64) float64 {
	if len(residual) == 0 || (len(tau) != 1 && len(tau) != len(residual)) {
		panic(fmt.Sprintf("metric: chi square: %d residuals, %d standard deviations; 1 or as many are needed", len(residual), len(tau)))
	}
	sum := 0.0
	for i, r := range residual {
		w := r / tau[i%len(tau)]
		sum += w * w
	}
	return sum / float64(len(residual))
}

// EffectiveCount returns exp(H), H = -sum p log p of the counts normalised to sum 1: the effective number of different outcomes.
// NaN for no counts.
func EffectiveCount(counts []int) float64 {
	total := 0
	for _, c := range counts {
		total += c
	}
	if total == 0 {
		return math.NaN()
	}
	h := 0.0
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / float64(total)
			h -= p * math.Log(p)
		}
	}
	return math.Exp(h)
}

func sameLen(what string, x, y []float64) {
	if len(x) != len(y) {
		panic(fmt.Sprintf("metric: %s: %d numbers against %d", what, len(x), len(y)))
	}
}

// rowCount returns the rows of x (k x dim); it panics when they are not whole.
func rowCount(what string, x []float64, dim int) int {
	if dim < 1 || len(x)%dim != 0 {
		panic(fmt.Sprintf("metric: %s: %d numbers are not whole rows of %d", what, len(x), dim))
	}
	return len(x) / dim
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}
