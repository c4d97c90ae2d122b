package metric

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestNearestRatios(t *testing.T) {
	// On a line: training 0, 1, 3, 7; query 0.9: distances 0.1, 0.9, 2.1, 6.1.
	train := []float64{0, 1, 3, 7}
	for k, want := range map[int]float64{2: 0.1 / 0.9, 3: 0.1 / 1.5, 4: 0.3 / 9.1, 50: 0.3 / 9.1} {
		nb, err := NearestRatios([]float64{0.9, 3}, train, 1, k)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "ratio", nb.Ratio[0], want, 1e-15)
		near(t, "copy", nb.Ratio[1], 0, 0)
		near(t, "distance", nb.Distance[0], 0.1, 1e-16)
		if nb.Index[0] != 1 || nb.Index[1] != 2 || nb.K != min(k, 4) {
			t.Errorf("k = %d: nearest %v, %d neighbours", k, nb.Index, nb.K)
		}
	}
	// Leave one out: 0 against 1, 3, 7.
	nb, err := LeaveOneOut(train, 1, 50)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{1 / 5.0, 1 / 4.0, 2 / 3.5, 4 / 6.5} {
		near(t, "leave one out", nb.Ratio[i], want, 1e-15)
	}
	if !slices.Equal(nb.Index, []int{1, 0, 1, 2}) || nb.K != 3 {
		t.Errorf("leave one out: nearest %v, %d neighbours", nb.Index, nb.K)
	}
	// Duplicates: the nearest and all the others at distance 0.
	if nb, err = NearestRatios([]float64{2}, []float64{2, 2, 2}, 1, 3); err != nil || nb.Ratio[0] != 0 || nb.Index[0] != 0 {
		t.Errorf("three copies: %+v, %v", nb, err)
	}
}

// TestNearestRatiosDirect compares with a direct computation in many dimensions (dim not a multiple of 4).
func TestNearestRatiosDirect(t *testing.T) {
	r := random(t, 31)
	const dim, n, q, k = 7, 60, 9, 50
	train, query := normals(r, n*dim), normals(r, q*dim)
	nb, err := NearestRatios(query, train, dim, k)
	if err != nil {
		t.Fatal(err)
	}
	for i := range q {
		d := make([]float64, n)
		for j := range n {
			for c := range dim {
				d[j] = math.Hypot(d[j], query[i*dim+c]-train[j*dim+c])
			}
		}
		near(t, "distance", nb.Distance[i], d[nb.Index[i]], 1e-14)
		slices.Sort(d)
		sum := 0.0
		for _, v := range d[1:k] {
			sum += v
		}
		near(t, "ratio", nb.Ratio[i], d[0]*(k-1)/sum, 1e-14)
	}
}

func TestNearestRejects(t *testing.T) {
	for name, c := range map[string]struct {
		query, train []float64
		k            int
		want         string
	}{
		"one example": {[]float64{1}, []float64{2}, 50, "1 training examples"},
		"k":           {[]float64{1}, []float64{2, 3}, 1, "k = 1"},
		"nan":         {[]float64{1, math.NaN()}, []float64{2, 3}, 2, "query 1 and training example 0 is NaN"},
	} {
		if _, err := NearestRatios(c.query, c.train, 1, c.k); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := LeaveOneOut([]float64{1, 2}, 1, 50); err == nil {
		t.Error("two examples leave one to compare with, and that is accepted")
	}
}

// TestRate: the bootstrap's interval against the binomial's normal approximation, and its coverage of the null's threshold.
func TestRate(t *testing.T) {
	r := random(t, 32)
	const n, resamples = 500, 4000
	x := make([]float64, n)
	for i := range x {
		x[i] = r.Float64()
	}
	got, err := MemorisedRate(x, 0.3, resamples, 0.95, r.IntN)
	if err != nil {
		t.Fatal(err)
	}
	below := 0
	for _, v := range x {
		if v < 0.3 {
			below++
		}
	}
	p := float64(below) / n
	if got.Below != below || got.N != n || got.Bootstrap.Value != p {
		t.Errorf("%+v, want %d of %d", got, below, n)
	}
	se := math.Sqrt(p * (1 - p) / n)
	near(t, "lower end", got.Bootstrap.Lo, p-1.96*se, 0.15*se+1.0/n)
	near(t, "upper end", got.Bootstrap.Hi, p+1.96*se, 0.15*se+1.0/n)
	near(t, "Wilson", got.Wilson.Lo, Wilson(below, n, 0.95).Lo, 0)

	// At the null's 5 % quantile, samples of the null's own law are below it 5 % of the time, and the interval is wider
	// than with the threshold held fixed: both sides fluctuate.
	null := make([]float64, n)
	for i := range null {
		null[i] = r.Float64()
	}
	at, err := MemorisedRateAtNull(x, null, 0.05, resamples, 0.95, r.IntN)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := MemorisedRate(x, at.Threshold, resamples, 0.95, r.IntN)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "threshold", at.Threshold, 0.05, 0.03)
	if at.Bootstrap.Lo > 0.05 || at.Bootstrap.Hi < 0.05 {
		t.Errorf("the interval %v misses 5 %%", at.Bootstrap)
	}
	wide, narrow := at.Bootstrap.Hi-at.Bootstrap.Lo, fixed.Bootstrap.Hi-fixed.Bootstrap.Lo
	near(t, "width with the null resampled over that without", wide/narrow, math.Sqrt2, 0.35)
	if _, err := MemorisedRate(nil, 0.5, 10, 0.95, r.IntN); err == nil {
		t.Error("no ratios have a rate")
	}
	if _, err := MemorisedRateAtNull(x, nil, 0.05, 10, 0.95, r.IntN); err == nil {
		t.Error("no null gives a threshold")
	}
}

func TestCT(t *testing.T) {
	r := random(t, 33)
	// U by counting pairs, with ties.
	for range 50 {
		h, g := make([]float64, 1+r.IntN(12)), make([]float64, 1+r.IntN(12))
		for i := range h {
			h[i] = float64(r.IntN(6))
		}
		for i := range g {
			g[i] = float64(r.IntN(6))
		}
		u := 0.0
		for _, a := range g {
			for _, b := range h {
				switch {
				case a > b:
					u++
				case a == b:
					u += 0.5
				}
			}
		}
		got, err := CT(h, g)
		if err != nil {
			t.Fatal(err)
		}
		nm := float64(len(h) * len(g))
		near(t, "U", got.U, u, 0)
		near(t, "Z", got.Z, (u-nm/2+0.5)/math.Sqrt(nm*float64(len(h)+len(g)+1)/12), 1e-14)
	}
	// Without copying Z is standard normal; with all samples nearer than all held-out ones, U = 0.
	sum, sq := 0.0, 0.0
	const trials, n, m = 2000, 40, 60
	for range trials {
		c, err := CT(normals(r, n), normals(r, m))
		if err != nil {
			t.Fatal(err)
		}
		z := c.Z - 0.5/math.Sqrt(n*m*(n+m+1)/12.0)
		sum += z / trials
		sq += z * z / trials
	}
	near(t, "mean of Z", sum, 0, 5/math.Sqrt(trials))
	near(t, "variance of Z", sq, 1, 5*math.Sqrt(2.0/trials))
	c, err := CT([]float64{5, 6, 7, 8}, []float64{1, 2, 3, 4})
	if err != nil || c.U != 0 || c.Z > -2 {
		t.Errorf("copies give %+v, %v", c, err)
	}
	if _, err := CT(nil, []float64{1}); err == nil {
		t.Error("no held-out distances are accepted")
	}
	if _, err := CT([]float64{math.NaN()}, []float64{1}); err == nil {
		t.Error("NaN is accepted")
	}
}

func TestShares(t *testing.T) {
	counts, different, eff := Shares([]int{0, 2, 2, 0, 4, 4}, 6)
	if !slices.Equal(counts, []int{2, 0, 2, 0, 2, 0}) || different != 3 {
		t.Errorf("counts %v, %d different", counts, different)
	}
	near(t, "effective number", eff, 3, 1e-14)
	_, _, eff = Shares([]int{1, 1, 1, 0}, 2)
	near(t, "effective number", eff, math.Exp(0.75*math.Log(4.0/3)+0.25*math.Log(4)), 1e-14)
}

func TestDenoiserGap(t *testing.T) {
	x0 := []float64{0, 0, 2, 4, 4, 2} // mean (2, 2): sum |x0 - mean|^2 = 8 + 4 + 4
	got, err := DenoiserGap([]float64{1, 0, 2, 4, 4, 5}, x0, x0, 2)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "gap", got, 10.0/16, 1e-15)
	if _, err := DenoiserGap(x0, x0, []float64{1, 2, 1, 2, 1, 2}, 2); err == nil {
		t.Error("data that do not vary are a unit")
	}
}

func TestRates(t *testing.T) {
	// Wilson: the ends are where (p - k/n)^2 = z^2 p(1-p)/n; z of 95 % is 1.959963984540054.
	const z = 1.959963984540054
	for _, c := range [][2]int{{0, 10}, {3, 10}, {10, 10}, {450, 500}} {
		k, n := c[0], c[1]
		iv := Wilson(k, n, 0.95)
		ph := float64(k) / float64(n)
		for _, p := range []float64{iv.Lo, iv.Hi} {
			near(t, "Wilson's equation", (p-ph)*(p-ph), z*z*p*(1-p)/float64(n), 1e-12)
		}
		if !(iv.Lo < iv.Hi) || iv.Lo > ph || iv.Hi < ph {
			t.Errorf("%d of %d: %+v", k, n, iv)
		}
	}
	near(t, "upper end of 0 of 10", Wilson(0, 10, 0.95).Hi, z*z/(10+z*z), 1e-12)
	x := []float64{4, 1, 3, 2}
	for q, want := range map[float64]float64{0: 1, 1: 4, 0.5: 2.5, 0.05: 1.15, 1.0 / 3: 2} {
		near(t, "quantile", Quantile(x, q), want, 1e-15)
	}
	if x[0] != 4 {
		t.Error("the values were sorted in place")
	}
	near(t, "chi^2", ChiSquare([]float64{2, -4}, []float64{2}), 2.5, 1e-15)
	near(t, "chi^2, tau each", ChiSquare([]float64{2, -4}, []float64{1, 4}), 2.5, 1e-15)
	near(t, "total variation", TotalVariation([]float64{0.5, 0.5, 0}, []float64{0.25, 0.25, 0.5}, 1), 0.5, 1e-15)
	near(t, "of densities", TotalVariation([]float64{2, 0}, []float64{0, 2}, 0.5), 1, 1e-15)
}
