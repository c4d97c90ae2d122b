package mixture

import (
	"math"
	"math/rand/v2"
	"testing"
)

// stylised is a problem of the memorization study, section 2.
type stylised struct {
	dim, nd int
	means   []float64
	y       []float64
	tau     float64
	f       func(x []float64) []float64
	jac     func(x []float64) []float64 // nd x dim
}

func stylised1D() stylised {
	return stylised{
		dim: 1, nd: 1, means: []float64{-1.5, -0.4, 0.4, 1.2, 2.5}, y: []float64{0}, tau: 0.3,
		f:   func(x []float64) []float64 { return []float64{x[0] + 0.3*x[0]*x[0]*x[0]} },
		jac: func(x []float64) []float64 { return []float64{1 + 0.9*x[0]*x[0]} },
	}
}

func stylised2D() stylised {
	p := stylised{
		dim: 2, nd: 2, tau: 0.3,
		f: func(x []float64) []float64 {
			return []float64{x[0] + 0.3*x[0]*x[1], x[1] + 0.2*x[0]*x[0]}
		},
		jac: func(x []float64) []float64 {
			return []float64{1 + 0.3*x[1], 0.3 * x[0], 0.4 * x[0], 1}
		},
	}
	for k := range 5 {
		a := 2 * math.Pi * float64(k) / 5
		p.means = append(p.means, 2*math.Cos(a), 2*math.Sin(a))
	}
	p.y = p.f([]float64{0.7 * p.means[0], 0.7 * p.means[1]})
	return p
}

func (p stylised) residual(x []float64) []float64 {
	r := p.f(x)
	for i, v := range p.y {
		r[i] = v - r[i]
	}
	return r
}

func (p stylised) phi(x []float64) float64 {
	sum := 0.0
	for _, v := range p.residual(x) {
		sum += v * v / (2 * p.tau * p.tau)
	}
	return sum
}

func (p stylised) local(n int) (Local, error) {
	x := p.means[n*p.dim : (n+1)*p.dim]
	return NewLocal(p.residual(x), p.jac(x), p.tau), nil
}

func (p stylised) linearised(t *testing.T, cov Covariance, rule Rule) (*Mixture, *Posterior) {
	t.Helper()
	m, err := New(p.means, p.dim, nil, cov)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Linearise(m, p.local, rule)
	if err != nil {
		t.Fatal(err)
	}
	return m, q
}

// onGrid returns the exact posterior and the linearised one on the grid.
func (p stylised) onGrid(t *testing.T, g *Grid, m *Mixture, q *Posterior) (exact, linear *GridDensity) {
	t.Helper()
	x := g.Points()
	lp, phi, lq := make([]float64, g.Size()), make([]float64, g.Size()), make([]float64, g.Size())
	if err := m.LogDensity(lp, x); err != nil {
		t.Fatal(err)
	}
	for i := range phi {
		phi[i] = p.phi(x[i*p.dim : (i+1)*p.dim])
	}
	exact, err := g.Posterior(lp, phi)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.LogDensity(lq, x); err != nil {
		t.Fatal(err)
	}
	linear, err = g.Density(lq)
	if err != nil {
		t.Fatal(err)
	}
	// The linearised density is normalised by itself: a grid that does not resolve it shows here.
	if math.Abs(linear.LogEvidence) > 1e-6 {
		t.Errorf("the grid integrates the linearised posterior to exp(%g)", linear.LogEvidence)
	}
	return exact, linear
}

// random makes a reproducible generator and logs its seed.
func random(t *testing.T, seed uint64) *rand.Rand {
	t.Helper()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
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
