package metric

import (
	"math"
	"slices"
	"testing"
)

// TestCoverage: exchangeable truths are covered at the nominal rate (within 4 standard errors), for many L.
func TestCoverage(t *testing.T) {
	r := random(t, 41)
	const cells = 40000
	for _, l := range []int{2, 5, 16, 32} {
		for _, level := range []float64{0.5, 0.9} {
			k, nominal, err := RankInterval(l, level)
			if err != nil {
				t.Fatal(err)
			}
			samples, truth := normals(r, l*cells), normals(r, cells)
			inside := make([]bool, cells)
			got := Coverage(inside, samples, truth, k)
			near(t, "coverage", got, nominal, 4*math.Sqrt(nominal*(1-nominal)/cells))
			// By sorting, on some cells.
			count := 0
			for c := range truth {
				if inside[c] {
					count++
				}
				if c > 200 {
					continue
				}
				var x []float64
				for i := range l {
					x = append(x, samples[i*cells+c])
				}
				slices.Sort(x)
				if want := x[k-1] <= truth[c] && truth[c] <= x[l-k]; want != inside[c] {
					t.Fatalf("L = %d, k = %d: truth %g in %v: %v", l, k, truth[c], x, inside[c])
				}
			}
			near(t, "share of the map", float64(count)/cells, got, 0)
		}
	}
	for _, c := range []struct {
		l       int
		level   float64
		k       int
		nominal float64
	}{{16, 0.9, 1, 15.0 / 17}, {19, 0.9, 1, 0.9}, {39, 0.9, 2, 0.9}, {128, 0.5, 32, 65.0 / 129}, {2, 0.9, 1, 1.0 / 3}} {
		k, nominal, err := RankInterval(c.l, c.level)
		if err != nil || k != c.k || math.Abs(nominal-c.nominal) > 1e-15 {
			t.Errorf("L = %d at %g: k = %d, %g, %v; want %d, %g", c.l, c.level, k, nominal, err, c.k, c.nominal)
		}
	}
	if _, _, err := RankInterval(1, 0.9); err == nil {
		t.Error("one sample has an interval")
	}
	if Coverage(nil, []float64{math.NaN(), 0, 1, 2}, []float64{0.5}, 1) != 1 ||
		Coverage(nil, []float64{math.NaN(), 0, 1, 2}, []float64{1.5}, 1) != 1 ||
		Coverage(nil, []float64{math.NaN(), math.NaN(), 0, 1}, []float64{0.5}, 2) != 0 {
		t.Error("NaN samples are not on both sides")
	}
}

// TestCRPS: the pair sum by brute force, and the expectation for Gaussians. For samples and truth of N(0, 1) that is
// E|X-Y| - E|X-X'|/2 = 1/sqrt(pi), at any L, since the score is fair; at truth y it is
// y(2 Phi(y) - 1) + 2 phi(y) - 1/sqrt(pi) (Gneiting and Raftery 2007, eq. 21).
func TestCRPS(t *testing.T) {
	r := random(t, 42)
	const l, cells = 9, 11
	x, y := normals(r, l*cells), normals(r, cells)
	dst := make([]float64, cells)
	mean, err := CRPS(dst, x, y)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for c := range cells {
		want := 0.0
		for i := range l {
			want += math.Abs(x[i*cells+c]-y[c]) / l
			for j := range l {
				want -= math.Abs(x[i*cells+c]-x[j*cells+c]) / (2 * l * (l - 1))
			}
		}
		near(t, "crps", dst[c], want, 1e-14)
		total += want / cells
	}
	near(t, "mean crps", mean, total, 1e-14)

	const many = 100000
	for _, l := range []int{2, 8} {
		if mean, err = CRPS(nil, normals(r, l*many), normals(r, many)); err != nil {
			t.Fatal(err)
		}
		near(t, "Gaussian, any L", mean, 1/math.Sqrt(math.Pi), 5/math.Sqrt(many))
	}
	const big = 200000
	truth := 0.8
	if mean, err = CRPS(nil, normals(r, big), []float64{truth}); err != nil {
		t.Fatal(err)
	}
	want := truth*math.Erf(truth/math.Sqrt2) + 2*math.Exp(-truth*truth/2)/math.Sqrt(2*math.Pi) - 1/math.Sqrt(math.Pi)
	near(t, "Gaussian at 0.8", mean, want, 5/math.Sqrt(big))
	if _, err := CRPS(nil, []float64{1}, []float64{1}); err == nil {
		t.Error("one sample has a fair score")
	}
}

func TestSpread(t *testing.T) {
	r := random(t, 43)
	const l, cells = 4, 50000
	x, y := normals(r, l*cells), normals(r, cells)
	s, err := Spread(x, y)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "rmse", s.RMSE, math.Sqrt(1+1.0/l), 0.02)
	near(t, "spread against skill", s.Ratio, 1, 0.02)
	for i := range x {
		x[i] /= 2 // half the spread
	}
	if s, err = Spread(x, y); err != nil {
		t.Fatal(err)
	}
	near(t, "overconfident", s.Ratio, math.Sqrt(1.25/4/(1+1.0/16)), 0.02)
	mu, std, err := MeanStd([]float64{1, 10, 3, 10, 8, 10}, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", mu[0], 4, 0)
	near(t, "standard deviation", std[0], math.Sqrt(13), 1e-15)
	near(t, "standard deviation", std[1], 0, 0)
}

func TestRankHistogram(t *testing.T) {
	r := random(t, 44)
	const l, cells = 19, 20000
	ranks := make([]int, cells)
	Ranks(ranks, normals(r, l*cells), normals(r, cells), nil)
	counts, chi2, p, err := RankHistogram(ranks, l, 10)
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, c := range counts {
		total += c
	}
	if total != cells || p < 1e-4 {
		t.Errorf("calibrated: counts %v, chi^2 %g, p %g", counts, chi2, p)
	}
	near(t, "chi^2", chi2, 9, 5*math.Sqrt(18))
	wide := normals(r, cells)
	for i := range wide {
		wide[i] *= 1.2
	}
	Ranks(ranks, normals(r, l*cells), wide, nil)
	if counts, _, p, err = RankHistogram(ranks, l, 10); err != nil || p > 1e-6 || counts[0] < counts[5] {
		t.Errorf("overconfident: counts %v, p %g, %v", counts, p, err)
	}
	// All equal: ties are spread over all ranks.
	same := make([]float64, l*cells)
	Ranks(ranks, same, same[:cells], r.IntN)
	if _, _, p, err = RankHistogram(ranks, l, 20); err != nil || p < 1e-4 {
		t.Errorf("ties: p %g, %v", p, err)
	}
	one := make([]int, 1)
	Ranks(one, []float64{1, 2, 3, 4}, []float64{2.5}, nil)
	if one[0] != 2 {
		t.Errorf("2.5 has rank %d among 1, 2, 3, 4", one[0])
	}
	counts, chi2, _, err = RankHistogram([]int{0, 1, 2, 3, 3, 3}, 3, 2)
	if err != nil || !slices.Equal(counts, []int{2, 4}) || math.Abs(chi2-2.0/3) > 1e-15 {
		t.Errorf("counts %v, chi^2 %g, %v", counts, chi2, err)
	}
	for _, c := range []struct {
		ranks   []int
		l, bins int
	}{{[]int{1}, 19, 3}, {[]int{20}, 19, 4}, {[]int{-1}, 19, 4}, {nil, 19, 4}, {[]int{1}, 19, 1}} {
		if _, _, _, err := RankHistogram(c.ranks, c.l, c.bins); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

func TestEqualCountBins(t *testing.T) {
	r := random(t, 45)
	const cells = 60007
	std, e := make([]float64, cells), make([]float64, cells)
	for i := range std {
		std[i] = 0.5 + r.Float64()
		e[i] = math.Abs(std[i] * r.NormFloat64())
	}
	bins, err := EqualCountBins(std, e, 30)
	if err != nil {
		t.Fatal(err)
	}
	total, last := 0, 0.0
	for _, b := range bins {
		total += b.N
		if b.Std < last || b.N < cells/30 || b.N > cells/30+1 {
			t.Errorf("bin %+v after %g", b, last)
		}
		last = b.Std
		near(t, "error over standard deviation", b.Error/b.Std, math.Sqrt(2/math.Pi), 5*0.7/math.Sqrt(cells/30))
	}
	if total != cells {
		t.Errorf("%d of %d cells are in bins", total, cells)
	}
	bins, err = EqualCountBins([]float64{3, 1, 2, 5, 4}, []float64{30, 10, 20, 50, 40}, 2)
	if err != nil || bins[0] != (Bin{3, 2, 20}) || bins[1] != (Bin{2, 4.5, 45}) {
		t.Errorf("%+v, %v", bins, err)
	}
	if _, err := EqualCountBins(std[:3], e[:3], 4); err == nil {
		t.Error("three cells fill four bins")
	}
	if _, err := EqualCountBins([]float64{1, math.NaN()}, []float64{1, 1}, 1); err == nil {
		t.Error("NaN is sorted")
	}
}

// TestTARP: a right posterior passes, a biased and a narrow one fail, and the maximum is the one over a fine sweep of a.
func TestTARP(t *testing.T) {
	r := random(t, 46)
	const cases, l, dim = 1500, 200, 3
	run := func(scale, shift float64) TARPResult {
		f := make([]float64, cases)
		for i := range f {
			y := normals(r, dim) // the posterior is N(y, I), the reference a function of y
			truth, x, ref := normals(r, dim), normals(r, l*dim), make([]float64, dim)
			for c := range dim {
				truth[c] += y[c]
				ref[c] = 2 * y[(c+1)%dim]
			}
			for k := range x {
				x[k] = y[k%dim] + scale*x[k] + shift
			}
			f[i] = TARPFraction(x, truth, ref)
		}
		got, err := TARP(f)
		if err != nil {
			t.Fatal(err)
		}
		sweep := 0.0
		for k := range 20001 {
			a, below := float64(k)/20000, 0
			for _, v := range f {
				if v < a {
					below++
				}
			}
			sweep = max(sweep, math.Abs(float64(below)/cases-a))
		}
		near(t, "maximum over a sweep", got.Deviation, sweep, 1.0/20000+1e-12)
		near(t, "signed", math.Abs(got.Signed), got.Deviation, 0)
		return got
	}
	limit := 1.95/math.Sqrt(cases) + 1.0/(l+1) // passed with probability 0.001
	if got := run(1, 0); got.Deviation > limit {
		t.Errorf("a right posterior deviates by %g, limit %g", got.Deviation, limit)
	}
	if got := run(0.5, 0); got.Deviation < 2*limit {
		t.Errorf("a narrow posterior deviates by %g only", got.Deviation)
	}
	if got := run(1, 1); got.Deviation < 2*limit {
		t.Errorf("a biased posterior deviates by %g only", got.Deviation)
	}
	near(t, "fraction", TARPFraction([]float64{1, -1, 2, 5}, []float64{2}, []float64{0}), 2.5/4, 0)
	got, err := TARP([]float64{0.5, 0.5})
	if err != nil || got.Deviation != 0.5 {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := TARP([]float64{1.2}); err == nil {
		t.Error("a fraction of 1.2 is accepted")
	}
}
