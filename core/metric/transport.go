package metric

import (
	"fmt"
	"math"
	"slices"
)

// MaxAssignment is the largest number of points that [W2] takes: its cost matrix then holds 32 MB.
const MaxAssignment = 2000

// W2 returns the Wasserstein-2 distance between two sets of as many points (n x dim each): sqrt of the least mean squared
// distance over all one-to-one assignments, exact. Errors: sets of different size, empty, larger than [MaxAssignment] (use
// [SlicedW2]), or with numbers that are not finite.
func W2(x, y []float64, dim int) (float64, error) {
	n, m := rowCount("w2", x, dim), rowCount("w2", y, dim)
	if n != m || n == 0 || n > MaxAssignment {
		return 0, fmt.Errorf("metric: w2: %d points against %d; as many are needed, 1 to %d (beyond that, sliced)", n, m, MaxAssignment)
	}
	cost := make([]float64, n*n)
	for i := range n {
		for j := range n {
			cost[i*n+j] = squaredDistance(x[i*dim:(i+1)*dim], y[j*dim:(j+1)*dim])
		}
	}
	a, err := Assign(cost, n)
	if err != nil {
		return 0, fmt.Errorf("metric: w2: %w", err)
	}
	return math.Sqrt(a.Cost / float64(n)), nil
}

// SlicedW2 returns the sliced Wasserstein-2 distance of x (n x dim) and y (m x dim): sqrt of the mean over directions of the
// squared W2 distance of the projections. directions (k x dim) are standard normals of the caller, scaled to length 1 here.
// For two point masses it is |a - b|/sqrt(dim) in expectation. Errors: an empty set, no direction or one of length 0,
// numbers that are not finite.
func SlicedW2(x, y, directions []float64, dim int) (float64, error) {
	n, m, k := rowCount("sliced w2", x, dim), rowCount("sliced w2", y, dim), rowCount("sliced w2: directions", directions, dim)
	if n == 0 || m == 0 || k == 0 {
		return 0, fmt.Errorf("metric: sliced w2: %d and %d points, %d directions; at least one of each is needed", n, m, k)
	}
	px, py, total := make([]float64, n), make([]float64, m), 0.0
	for r := range k {
		dir := directions[r*dim : (r+1)*dim]
		length := 0.0
		for _, v := range dir {
			length += v * v
		}
		length = math.Sqrt(length)
		if !(length > 0) {
			return 0, fmt.Errorf("metric: sliced w2: direction %d has length %g", r, length)
		}
		project(px, x, dir, length)
		project(py, y, dir, length)
		total += squaredW2Line(px, py)
	}
	if math.IsNaN(total) || math.IsInf(total, 0) {
		return 0, fmt.Errorf("metric: sliced w2: the points or directions are not finite")
	}
	return math.Sqrt(total / float64(k)), nil
}

// W2Line returns the Wasserstein-2 distance of two sets of numbers, of any sizes >= 1, by matching quantiles.
func W2Line(x, y []float64) float64 {
	return math.Sqrt(squaredW2Line(slices.Clone(x), slices.Clone(y)))
}

func project(dst, x, dir []float64, length float64) {
	dim := len(dir)
	for i := range dst {
		sum := 0.0
		for j, v := range x[i*dim : (i+1)*dim] {
			sum += v * dir[j]
		}
		dst[i] = sum / length
	}
}

// squaredW2Line sorts both in place. Masses are counted in units of 1/(n m): point i of x covers [i m, (i+1) m).
func squaredW2Line(x, y []float64) float64 {
	slices.Sort(x)
	slices.Sort(y)
	n, m := len(x), len(y)
	sum, at := 0.0, 0
	for i, j := 0, 0; i < n && j < m; {
		next := min((i+1)*m, (j+1)*n)
		d := x[i] - y[j]
		sum += d * d * float64(next-at)
		at = next
		if next == (i+1)*m {
			i++
		}
		if next == (j+1)*n {
			j++
		}
	}
	return sum / (float64(n) * float64(m))
}
