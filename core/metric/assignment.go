package metric

import (
	"fmt"
	"math"
)

// Assignment is a minimal one-to-one assignment with the proof of its optimality.
type Assignment struct {
	// To (n) is the column of each row, Cost the sum of the costs of the pairs.
	To   []int
	Cost float64
	// U (n) and V (n) are dual variables: U_i + V_j <= cost_ij, with equality on the pairs, so that sum U + sum V, a lower
	// bound of every assignment's cost, equals Cost (all up to rounding).
	U, V []float64
}

// Assign finds the assignment of rows to columns of least total cost; cost (n x n, row-major, left as it is). Exact, by
// Jonker and Volgenant (1987): column reduction, reduction transfer, two passes of augmenting row reduction, then shortest
// augmenting paths; O(n^3) at worst. Deterministic: ties go to the lowest index met. Errors: n < 1, a length that is not
// n x n, a cost that is not finite.
func Assign(cost []float64, n int) (*Assignment, error) {
	if n < 1 || len(cost) != n*n {
		return nil, fmt.Errorf("metric: assignment: %d costs for %d rows and columns", len(cost), n)
	}
	for i, c := range cost {
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return nil, fmt.Errorf("metric: assignment: the cost of row %d and column %d is %g; it must be finite", i/n, i%n, c)
		}
	}
	s := &assigner{n: n, cost: cost, row: make([]int, n), col: make([]int, n), v: make([]float64, n)}
	free := s.reduceColumns()
	for range 2 {
		free = s.reduceRows(free)
	}
	s.augment(free)
	a := &Assignment{To: s.row, U: make([]float64, n), V: s.v}
	for i, j := range s.row {
		c := cost[i*n+j]
		a.U[i] = c - s.v[j]
		a.Cost += c
	}
	return a, nil
}

// assigner is a partial assignment: row[i] is the column of row i, col[j] the row of column j, -1 for none. v are the
// columns' prices; every assigned column is one of least cost - v in its row.
type assigner struct {
	n        int
	cost     []float64
	row, col []int
	v        []float64
}

// line is row i of the costs.
func (s *assigner) line(i int) []float64 { return s.cost[i*s.n : (i+1)*s.n] }

// reduceColumns prices each column at its least cost, assigns it to that row where the row is still free, and then lowers
// the price of the columns of rows that were chosen once as far as the row allows. It returns the rows left free.
func (s *assigner) reduceColumns() []int {
	n, least := s.n, make([]int, s.n)
	copy(s.v, s.line(0))
	for i := 1; i < n; i++ {
		for j, c := range s.line(i) {
			if c < s.v[j] {
				s.v[j], least[j] = c, i
			}
		}
	}
	chosen := make([]int, n)
	for i := range n {
		s.row[i] = -1
	}
	for j := n - 1; j >= 0; j-- {
		i := least[j]
		s.col[j] = -1
		if chosen[i]++; chosen[i] == 1 {
			s.row[i], s.col[j] = j, i
		}
	}
	var free []int
	for i := range n {
		switch {
		case chosen[i] == 0:
			free = append(free, i)
		case chosen[i] == 1 && n > 1:
			own, least := s.row[i], math.Inf(1)
			for j, c := range s.line(i) {
				if h := c - s.v[j]; j != own && h < least {
					least = h
				}
			}
			s.v[own] -= least - (s.line(i)[own] - s.v[own])
		}
	}
	return free
}

// reduceRows gives each free row its best column, at a price lowered to where the second best is as good; a row that is
// pushed out is treated at once while prices fall, else left for the next phase. It returns the rows left free.
func (s *assigner) reduceRows(free []int) []int {
	var left []int
	// Rounding can make prices creep: past the budget, rows are left to the shortest paths, which always end.
	budget := 4 * s.n * max(1, int(math.Log2(float64(s.n))))
	queue := append([]int(nil), free...)
	for k := 0; k < len(queue); {
		i := queue[k]
		k++
		best, second := math.Inf(1), math.Inf(1)
		j1, j2 := -1, -1
		for j, c := range s.line(i) {
			h := c - s.v[j]
			if h < second {
				if h < best {
					second, j2 = best, j1
					best, j1 = h, j
				} else {
					second, j2 = h, j
				}
			}
		}
		lowered := s.v[j1] - (second - best)
		falls := j2 >= 0 && lowered < s.v[j1]
		if budget--; budget < 0 {
			falls = false
		}
		old := s.col[j1]
		switch {
		case falls:
			s.v[j1] = lowered
		case old >= 0 && j2 >= 0 && second == best: // as good, and perhaps nobody's
			j1 = j2
			old = s.col[j1]
		case old >= 0:
			left = append(left, i) // nothing to gain here
			continue
		}
		s.row[i], s.col[j1] = j1, i
		if old < 0 {
			continue
		}
		s.row[old] = -1
		if falls {
			k--
			queue[k] = old
		} else {
			left = append(left, old)
		}
	}
	return left
}

// augment assigns each free row along a shortest path of reduced costs (Dijkstra over columns).
func (s *assigner) augment(free []int) {
	n := s.n
	dist, from := make([]float64, n), make([]int, n)
	order := make([]int, n) // columns: settled [0, low), at the present distance [low, up), open [up, n)
	for _, start := range free {
		for j, c := range s.line(start) {
			dist[j], from[j], order[j] = c-s.v[j], start, j
		}
		low, up, settled, end, here := 0, 0, 0, -1, 0.0
		for end < 0 {
			if low == up { // the next distance, and all columns at it
				settled = low
				here = dist[order[up]]
				up++
				for k := up; k < n; k++ {
					j := order[k]
					if d := dist[j]; d <= here {
						if d < here {
							up, here = low, d
						}
						order[k], order[up] = order[up], j
						up++
					}
				}
				for _, j := range order[low:up] {
					if s.col[j] < 0 {
						end = j
						break
					}
				}
				if end >= 0 {
					break
				}
			}
			through := order[low]
			low++
			i := s.col[through]
			line := s.line(i)
			shift := line[through] - s.v[through] - here
			for k := up; k < n; k++ {
				j := order[k]
				d := line[j] - s.v[j] - shift
				if d >= dist[j] {
					continue
				}
				dist[j], from[j] = d, i
				if d <= here { // equal, but for rounding
					dist[j] = here
					if s.col[j] < 0 {
						end = j
						break
					}
					order[k], order[up] = order[up], j
					up++
				}
			}
		}
		for _, j := range order[:settled] {
			s.v[j] += dist[j] - here
		}
		for j := end; ; { // turn the path round
			i := from[j]
			s.col[j] = i
			j, s.row[i] = s.row[i], j
			if i == start {
				break
			}
		}
	}
}
