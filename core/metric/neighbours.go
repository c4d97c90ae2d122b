package metric

import (
	"fmt"
	"math"
	"slices"
)

// Neighbours is what the search for nearest training examples found for each query.
type Neighbours struct {
	// Ratio (queries) is r: distance to the nearest training example over the mean distance to the next K-1; 0 when both
	// are 0 (a copy of several identical examples).
	Ratio []float64
	// Index (queries) is the nearest training example, the first of several at one distance.
	Index []int
	// Distance (queries) is the distance to it.
	Distance []float64
	// K is the number of neighbours in use, min(k, examples that a query is compared with).
	K int
}

// NearestRatios returns, for each row of queries (n x dim), the ratio r of the memorization study against the rows of train
// (N x dim), with k = 50 there: min(k, N) neighbours. Fed with held-out fields it gives the null: what r is with no
// memorisation at all. Distances are sums of squared differences in float64, never |a|^2+|b|^2-2ab (which in float32 loses
// up to 0.1 at 65 536 dimensions). Errors: fewer than 2 training examples or k < 2; a distance that is not finite.
func NearestRatios(queries, train []float64, dim, k int) (*Neighbours, error) {
	return nearest(queries, train, dim, k, false)
}

// LeaveOneOut returns the same for every training example against the others: min(k, N-1) neighbours. A null that needs no
// held-out fields, but one with an example less.
func LeaveOneOut(train []float64, dim, k int) (*Neighbours, error) {
	return nearest(train, train, dim, k, true)
}

func nearest(queries, train []float64, dim, k int, omitSelf bool) (*Neighbours, error) {
	n, total := rowCount("nearest ratios: queries", queries, dim), rowCount("nearest ratios: training set", train, dim)
	if omitSelf {
		total--
	}
	if total < 2 || k < 2 {
		return nil, fmt.Errorf("metric: nearest ratios: %d training examples to compare with, k = %d; both must be at least 2", max(total, 0), k)
	}
	k = min(k, total)
	nb := &Neighbours{Ratio: make([]float64, n), Index: make([]int, n), Distance: make([]float64, n), K: k}
	dist := make([]float64, 0, k)
	for i := range n {
		q := queries[i*dim : (i+1)*dim]
		dist = dist[:0]
		best := math.Inf(1)
		for j := range len(train) / dim {
			if omitSelf && j == i {
				continue
			}
			d := math.Sqrt(squaredDistance(q, train[j*dim:(j+1)*dim]))
			if math.IsNaN(d) || math.IsInf(d, 0) {
				return nil, fmt.Errorf("metric: nearest ratios: the distance of query %d and training example %d is %g; "+
					"drop diverged samples first", i, j, d)
			}
			if d < best {
				best, nb.Index[i] = d, j
			}
			dist = keepSmallest(dist, d, k)
		}
		nb.Distance[i] = best
		if m := mean(dist[1:k]); m > 0 {
			nb.Ratio[i] = best / m
		}
	}
	return nb, nil
}

// keepSmallest inserts d into the sorted list of the k smallest numbers so far.
func keepSmallest(sorted []float64, d float64, k int) []float64 {
	if len(sorted) == k {
		if d >= sorted[k-1] {
			return sorted
		}
		sorted = sorted[:k-1]
	}
	at, _ := slices.BinarySearch(sorted, d)
	return slices.Insert(sorted, at, d)
}

// squaredDistance sums in four interleaved chains, a fixed order that does not wait for each addition.
func squaredDistance(a, b []float64) float64 {
	var s0, s1, s2, s3 float64
	b = b[:len(a)]
	i := 0
	for ; i+4 <= len(a); i += 4 {
		d0, d1, d2, d3 := a[i]-b[i], a[i+1]-b[i+1], a[i+2]-b[i+2], a[i+3]-b[i+3]
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	for ; i < len(a); i++ {
		d := a[i] - b[i]
		s0 += d * d
	}
	return (s0 + s1) + (s2 + s3)
}

// Shares returns how many of the samples have each of n training examples as their nearest (index from [Neighbours]), the
// number of different ones, and exp(H) of the shares, the effective number of training examples in use.
func Shares(index []int, n int) (counts []int, different int, effective float64) {
	counts = make([]int, n)
	for _, i := range index {
		if counts[i] == 0 {
			different++
		}
		counts[i]++
	}
	return counts, different, EffectiveCount(counts)
}
