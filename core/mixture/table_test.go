package mixture

import (
	"math"
	"testing"
)

// TestSineExample: F(x) = sin x^2 with two preimages of one datum; the memorization study's page, section 1.
func TestSineExample(t *testing.T) {
	p := stylised{
		dim: 1, nd: 1, means: []float64{0.5, math.Sqrt(math.Pi - 0.25)}, y: []float64{math.Sin(0.25)}, tau: 0.01,
		f:   func(x []float64) []float64 { return []float64{math.Sin(x[0] * x[0])} },
		jac: func(x []float64) []float64 { return []float64{2 * x[0] * math.Cos(x[0]*x[0])} },
	}
	cov := Isotropic(0.05 * 0.05)
	_, exact := p.linearised(t, cov, Exact)
	_, published := p.linearised(t, cov, Published)
	near(t, "weight with the determinant", exact.Weights()[0], 0.769, 0.0005)
	near(t, "weight without", published.Weights()[0], 0.5, 1e-6)

	// The true weights: each component's evidence by quadrature.
	var logZ [2]float64
	for n := range 2 {
		m, err := New(p.means[n:n+1], 1, nil, cov)
		if err != nil {
			t.Fatal(err)
		}
		g, err := NewGrid(Axis{p.means[n] - 0.6, p.means[n] + 0.6, 20001})
		if err != nil {
			t.Fatal(err)
		}
		x := g.Points()
		lp, phi := make([]float64, len(x)), make([]float64, len(x))
		if err := m.LogDensity(lp, x); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			phi[i] = p.phi(x[i : i+1])
		}
		post, err := g.Posterior(lp, phi)
		if err != nil {
			t.Fatal(err)
		}
		logZ[n] = post.LogEvidence
	}
	w := 1 / (1 + math.Exp(logZ[1]-logZ[0]))
	t.Logf("exact weights by quadrature %.4f/%.4f, linearised %.4f/%.4f", w, 1-w, exact.Weights()[0], exact.Weights()[1])
	near(t, "exact weight by quadrature", w, 0.770, 0.0005)
}

// TestTotalVariationTable: total variation between exact and linearised posterior, section 2 of the memorization study.
// tol is half the last digit of the page's figure. 1-D on the study's own grid, -5..5 with 2000 points (at s = 0.01 that gives
// 8.23e-5, ten times as many points 8.07e-5: the kinks of |p - q|, within the page's one digit).
func TestTotalVariationTable(t *testing.T) {
	one, two := stylised1D(), stylised2D()
	for _, c := range []struct {
		name      string
		p         stylised
		s         float64
		points    int
		half      float64 // the grid is -half..half
		exact     float64
		exactTol  float64
		published float64 // 0: the page gives none
		pubTol    float64
	}{
		{"1-D", one, 0.5, 2000, 5, 0.119, 0.0005, 0.236, 0.0005},
		{"1-D", one, 0.3, 2000, 5, 0.0375, 0.00005, 0.0643, 0.00005},
		{"1-D", one, 0.1, 2000, 5, 0.0050, 0.00005, 0, 0},
		{"1-D", one, 0.05, 2000, 5, 0.0018, 0.00005, 0, 0},
		{"1-D", one, 0.01, 2000, 5, 8e-5, 0.5e-5, 0, 0},
		{"2-D", two, 0.5, 501, 5, 0.068, 0.0005, 0.070, 0.0005},
		{"2-D", two, 0.3, 501, 5, 0.0285, 0.00005, 0, 0},
		{"2-D", two, 0.1, 601, 3, 0.0064, 0.00005, 0, 0},
		{"2-D", two, 0.05, 601, 3, 0.0020, 0.00005, 0, 0},
		{"2-D", two, 0.02, 1201, 3, 3e-4, 0.5e-4, 0, 0},
	} {
		var axes []Axis
		for range c.p.dim {
			axes = append(axes, Axis{-c.half, c.half, c.points})
		}
		g, err := NewGrid(axes...)
		if err != nil {
			t.Fatal(err)
		}
		tv := map[Rule]float64{}
		for _, rule := range []Rule{Exact, Published} {
			if rule == Published && c.published == 0 {
				continue
			}
			m, q := c.p.linearised(t, Isotropic(c.s*c.s), rule)
			exact, linear := c.p.onGrid(t, g, m, q)
			tv[rule] = exact.TotalVariation(linear)
		}
		t.Logf("%s s = %-4g grid -%g..%g, %d points an axis: with the determinant %.3g (page %g)",
			c.name, c.s, c.half, c.half, c.points, tv[Exact], c.exact)
		near(t, c.name+" with the determinant", tv[Exact], c.exact, c.exactTol)
		if c.published > 0 {
			t.Logf("    without %.3g (page %g)", tv[Published], c.published)
			near(t, c.name+" without", tv[Published], c.published, c.pubTol)
		}
	}
}
