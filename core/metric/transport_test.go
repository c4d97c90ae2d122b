package metric

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/mat"
)

// random makes a reproducible generator and logs its seed.
func random(t testing.TB, seed uint64) *rand.Rand {
	t.Helper()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 2))
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol) {
		t.Errorf("%s = %.12g, want %.12g within %g", what, got, want, tol)
	}
}

// bestByBruteForce tries every permutation.
func bestByBruteForce(cost []float64, n int) float64 {
	best := math.Inf(1)
	used := make([]bool, n)
	var walk func(i int, sum float64)
	walk = func(i int, sum float64) {
		if i == n {
			best = min(best, sum)
			return
		}
		for j := range n {
			if !used[j] {
				used[j] = true
				walk(i+1, sum+cost[i*n+j])
				used[j] = false
			}
		}
	}
	walk(0, 0)
	return best
}

// certify checks that a is a permutation and that its dual variables prove it optimal: rounding apart, U_i + V_j <= cost
// everywhere and sum U + sum V = Cost.
func certify(t *testing.T, name string, a *Assignment, cost []float64, n int) {
	t.Helper()
	seen, scale := make([]bool, n), 0.0
	for _, c := range cost {
		scale = max(scale, math.Abs(c))
	}
	for _, j := range a.To {
		if j < 0 || j >= n || seen[j] {
			t.Fatalf("%s: %v is no permutation", name, a.To)
		}
		seen[j] = true
	}
	worst, dual, primal := 0.0, 0.0, 0.0
	for i := range n {
		dual += a.U[i] + a.V[i]
		primal += cost[i*n+a.To[i]]
		for j := range n {
			worst = max(worst, a.U[i]+a.V[j]-cost[i*n+j])
		}
	}
	tol := 1e-13 * float64(n) * scale // prices are sums of at most n costs
	if worst > tol {
		t.Errorf("%s: the dual variables exceed a cost by %g (scale %g)", name, worst, scale)
	}
	near(t, name+" dual objective", dual, a.Cost, tol*float64(n))
	near(t, name+" primal objective", primal, a.Cost, tol*float64(n))
}

func TestAssignBruteForce(t *testing.T) {
	r := random(t, 21)
	for trial := range 600 {
		n := 1 + trial%7
		cost := make([]float64, n*n)
		for i := range cost {
			switch trial % 4 {
			case 0:
				cost[i] = r.NormFloat64()
			case 1:
				cost[i] = float64(r.IntN(3)) // many ties
			case 2:
				cost[i] = float64((i/n + 1) * (i%n + 1)) // the classic worst case
			case 3:
				cost[i] = 1e9 + r.Float64()
			}
		}
		before := slices.Clone(cost)
		a, err := Assign(cost, n)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "cost", a.Cost, bestByBruteForce(cost, n), 1e-12*(1+math.Abs(a.Cost)))
		certify(t, "small", a, cost, n)
		if !slices.Equal(cost, before) {
			t.Fatal("the costs were changed")
		}
	}
}

// TestAssignLarge: optimality by duality at sizes that brute force cannot reach, on easy and on awkward costs.
func TestAssignLarge(t *testing.T) {
	r := random(t, 22)
	for _, c := range []struct {
		name string
		n    int
		cost func(n int) []float64
	}{
		{"points in 2-D", 400, func(n int) []float64 { return pairCosts(normals(r, 2*n), normals(r, 2*n), 2) }},
		{"points in 20-D", 400, func(n int) []float64 { return pairCosts(normals(r, 20*n), normals(r, 20*n), 20) }},
		{"points on a line", 300, func(n int) []float64 { return pairCosts(normals(r, n), normals(r, n), 1) }},
		{"copies of 5 points", 300, func(n int) []float64 {
			base, x := normals(r, 10), make([]float64, 0, 2*n)
			for range n {
				k := r.IntN(5)
				x = append(x, base[2*k:2*k+2]...)
			}
			return pairCosts(x, normals(r, 2*n), 2)
		}},
		{"products", 200, func(n int) []float64 {
			c := make([]float64, n*n)
			for i := range c {
				c[i] = float64((i/n + 1) * (i%n + 1))
			}
			return c
		}},
		{"constant", 200, func(n int) []float64 { return make([]float64, n*n) }},
		{"ties", 300, func(n int) []float64 {
			c := make([]float64, n*n)
			for i := range c {
				c[i] = float64(r.IntN(50))
			}
			return c
		}},
	} {
		cost := c.cost(c.n)
		a, err := Assign(cost, c.n)
		if err != nil {
			t.Fatal(err)
		}
		certify(t, c.name, a, cost, c.n)
	}
}

func pairCosts(x, y []float64, dim int) []float64 {
	n := len(x) / dim
	cost := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range dim {
				d := x[i*dim+k] - y[j*dim+k]
				cost[i*n+j] += d * d
			}
		}
	}
	return cost
}

// TestAssign2000 is the promise of the largest size: seconds, with the certificate.
func TestAssign2000(t *testing.T) {
	if testing.Short() {
		t.Skip("a few seconds")
	}
	r := random(t, 23)
	for _, c := range [][2]int{{1, 1000}, {2, MaxAssignment}, {100, 1000}} {
		dim, n := c[0], c[1]
		x, y := normals(r, n*dim), normals(r, n*dim)
		cost := pairCosts(x, y, dim)
		start := time.Now()
		a, err := Assign(cost, n)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("n = %d, dim = %d: %.2f s, W2 = %.4f", n, dim, time.Since(start).Seconds(), math.Sqrt(a.Cost/float64(n)))
		certify(t, "many points", a, cost, n)
		if dim == 1 {
			near(t, "W2 by sorting", math.Sqrt(a.Cost/float64(n)), W2Line(x, y), 1e-12)
		}
	}
}

func TestAssignRejects(t *testing.T) {
	for name, c := range map[string]struct {
		cost []float64
		n    int
	}{"nan": {[]float64{1, 2, math.NaN(), 3}, 2}, "inf": {[]float64{1, math.Inf(1), 2, 3}, 2}, "length": {[]float64{1, 2, 3}, 2}, "none": {nil, 0}} {
		if _, err := Assign(c.cost, c.n); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := W2([]float64{1, 2}, []float64{1}, 1); err == nil {
		t.Error("sets of different sizes are assigned")
	}
}

func BenchmarkAssign500(b *testing.B) {
	r := random(b, 24)
	const n = 500
	cost := pairCosts(normals(r, 2*n), normals(r, 2*n), 2)
	for b.Loop() {
		if _, err := Assign(cost, n); err != nil {
			b.Fatal(err)
		}
	}
}

func TestW2(t *testing.T) {
	r := random(t, 25)
	x, y := normals(r, 200), normals(r, 200)
	for i := range y {
		y[i] = 3 + 2*y[i]
	}
	sx, sy := slices.Clone(x), slices.Clone(y)
	slices.Sort(sx)
	slices.Sort(sy)
	want := 0.0
	for i := range sx {
		want += (sx[i] - sy[i]) * (sx[i] - sy[i]) / 200
	}
	got, err := W2(x, y, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "on a line, by sorting", got, math.Sqrt(want), 1e-12)
	near(t, "W2Line", W2Line(x, y), math.Sqrt(want), 1e-12)
	sliced, err := SlicedW2(x, y, []float64{-0.3, 7}, 1)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "sliced on a line", sliced, math.Sqrt(want), 1e-12)
	// A translation of a set by a: W2 = |a|, and sliced the root mean square of a along the directions.
	const dim = 3
	p, a := normals(r, 100*dim), []float64{0.5, -1, 2}
	q := slices.Clone(p)
	for i := range q {
		q[i] += a[i%dim]
	}
	if got, err = W2(p, q, dim); err != nil {
		t.Fatal(err)
	}
	near(t, "translation", got, math.Sqrt(5.25), 1e-12)
	dirs := []float64{1, 0, 0, 0, -2, 0, 0, 0, 0.1}
	if got, err = SlicedW2(p, q, dirs, dim); err != nil {
		t.Fatal(err)
	}
	near(t, "sliced translation", got, math.Sqrt(5.25/3), 1e-12)
	// Against the closed form of two Gaussians, |m|^2 + (s1 - s2)^2, at the sampling error of 200 points.
	near(t, "two Gaussians", W2Line(x, y), math.Sqrt(9+1), 0.4)
}

// TestW2LineUneven: unequal sizes against copies of the points up to a common size.
func TestW2LineUneven(t *testing.T) {
	r := random(t, 26)
	for _, c := range [][2]int{{12, 20}, {7, 9}, {1, 6}, {5, 1}, {8, 24}} {
		n, m := c[0], c[1]
		x, y := normals(r, n), normals(r, m)
		var cx, cy []float64
		for _, v := range x {
			cx = append(cx, slices.Repeat([]float64{v}, m)...)
		}
		for _, v := range y {
			cy = append(cy, slices.Repeat([]float64{v}, n)...)
		}
		want, err := W2(cx, cy, 1)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "uneven sizes", W2Line(x, y), want, 1e-12)
		sliced, err := SlicedW2(x, y, []float64{1}, 1)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "uneven sizes, sliced", sliced, want, 1e-12)
	}
}

func TestFrechet(t *testing.T) {
	r := random(t, 27)
	const dim, n = 4, 333
	x := normals(r, n*dim)
	for i := range x {
		x[i] = 1e6 + x[i]*(1+float64(i%dim))
	}
	// The same bits however the stream is cut; mean and covariance against the two-pass formulas.
	whole, cut := NewMoments(dim), NewMoments(dim)
	whole.Add(x)
	for i := 0; i < n; {
		k := min(1+r.IntN(90), n-i)
		cut.Add(x[i*dim : (i+k)*dim])
		i += k
	}
	m1, s1, err := whole.MeanCov()
	if err != nil {
		t.Fatal(err)
	}
	m2, s2, err := cut.MeanCov()
	if err != nil {
		t.Fatal(err)
	}
	for i := range dim {
		near(t, "mean, cut", m2[i], m1[i], 0)
		mu := 0.0
		for k := range n {
			mu += x[k*dim+i]
		}
		near(t, "mean", m1[i], mu/n, 1e-8)
		for j := range dim {
			near(t, "covariance, cut", s2.At(i, j), s1.At(i, j), 0)
			c := 0.0
			for k := range n {
				c += (x[k*dim+i] - m1[i]) * (x[k*dim+j] - m1[j]) / (n - 1)
			}
			near(t, "covariance", s1.At(i, j), c, 1e-8)
		}
	}
	if d, err := Frechet(whole, cut); err != nil || math.Abs(d) > 1e-10 {
		t.Errorf("the distance of a set to itself is %g, %v", d, err)
	}
	// Commuting covariances, one singular: |m|^2 + sum (sqrt l1 - sqrt l2)^2, turned by one rotation.
	c, s := math.Cos(0.7), math.Sin(0.7)
	turn := func(a, b float64) *mat.SymDense {
		return mat.NewSymDense(2, []float64{a*c*c + b*s*s, (a - b) * c * s, (a - b) * c * s, a*s*s + b*c*c})
	}
	got, err := FrechetGaussian([]float64{1, 2}, turn(4, 0), []float64{0, 0}, turn(9, 2.25))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "commuting", got, 5+1+2.25, 1e-7) // a root of rounding at the singular one
	// 2 x 2 in general: Tr sqrt(S1 S2) = sqrt(Tr S1 S2 + 2 sqrt(det S1 det S2)).
	a, b := mat.NewSymDense(2, []float64{2, 0.7, 0.7, 1}), mat.NewSymDense(2, []float64{0.5, -0.2, -0.2, 3})
	tr := 2*0.5 - 2*0.7*0.2 + 1*3
	want := 3 + 3.5 - 2*math.Sqrt(tr+2*math.Sqrt((2-0.49)*(1.5-0.04)))
	if got, err = FrechetGaussian([]float64{0, 0}, a, []float64{0, 0}, b); err != nil {
		t.Fatal(err)
	}
	near(t, "general", got, want, 1e-12)
	// The way for a singular first covariance against that for a regular one: the distance is symmetric. 3 vectors span a plane.
	few, many := NewMoments(dim), NewMoments(dim)
	few.Add(normals(r, 3*dim))
	many.Add(normals(r, 50*dim))
	there, err := Frechet(few, many)
	if err != nil {
		t.Fatal(err)
	}
	if got, err = Frechet(many, few); err != nil {
		t.Fatal(err)
	}
	near(t, "symmetry", got, there, 1e-6)
	if _, err := Frechet(NewMoments(2), NewMoments(2)); err == nil {
		t.Error("empty sums have a distance")
	}
	if _, err := Frechet(NewMoments(2), NewMoments(3)); err == nil {
		t.Error("different dimensions have a distance")
	}
}
