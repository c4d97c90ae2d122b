package mixture

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/metric"
)

// TestDraws: mean and covariance of draws against the closed form, within 5 standard errors, and the component returned.
func TestDraws(t *testing.T) {
	r := random(t, 11)
	const d, k = 2, 40000
	cov := Factor([]float64{0.5, 0, -0.3, 0.4})
	m, err := New([]float64{-2, 0, 1, 1, 3, -1}, d, []float64{0.2, 0, 0.8}, cov)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Linearise(m, func(n int) (Local, error) {
		return NewLocal([]float64{0.3 * float64(n)}, []float64{1, float64(n) - 1}, 0.7), nil
	}, Exact)
	if err != nil {
		t.Fatal(err)
	}
	type source interface {
		Draw(dst []float64, u float64, normals func([]float64)) int
		Moments() (mean, cov []float64)
	}
	for _, c := range []struct {
		name string
		source
		weights []float64
	}{{"mixture", m, m.Weights}, {"posterior", q, q.Weights()}} {
		name := c.name
		fill := func(z []float64) { copy(z, normals(r, len(z))) }
		x, sum, count := make([]float64, k*d), make([]float64, d), make([]int, 3)
		for i := range k {
			count[c.Draw(x[i*d:(i+1)*d], r.Float64(), fill)]++
			for j := range d {
				sum[j] += x[i*d+j]
			}
		}
		mean, cov := c.Moments()
		for j := range d {
			near(t, name+" mean", sum[j]/k, mean[j], 5*math.Sqrt(cov[j*d+j]/k))
		}
		for a := range d {
			for b := range d {
				s, s2 := 0.0, 0.0
				for i := range k {
					p := (x[i*d+a] - mean[a]) * (x[i*d+b] - mean[b])
					s += p
					s2 += p * p
				}
				near(t, name+" covariance", s/k, cov[a*d+b], 5*math.Sqrt(s2)/k)
			}
		}
		for n, w := range c.weights {
			near(t, name+" share", float64(count[n])/k, w, 5*math.Sqrt(w*(1-w)/k))
		}
	}
	// The ends of the interval of u, with a component of weight 0 in between.
	zero := func(z []float64) { clear(z) }
	x := make([]float64, d)
	for u, want := range map[float64]int{0: 0, 0.19999: 0, 0.2: 2, 1 - 1e-17: 2} {
		if n := m.Draw(x, u, zero); n != want || x[0] != m.Means[n*d] {
			t.Errorf("u = %g draws component %d at %v, want %d", u, n, x, want)
		}
	}
}

// TestGridDraws: draws of a 1-D and a 2-D grid density are distributed as it, by the Kolmogorov distance of each coordinate
// (a limit of 1.95/sqrt(k) is passed with probability 0.001) and by the shares of cells.
func TestGridDraws(t *testing.T) {
	r := random(t, 12)
	const k = 20000
	for _, axes := range [][]Axis{{{-1, 2, 31}}, {{0, 1, 6}, {-2, 2, 9}}} {
		g, err := NewGrid(axes...)
		if err != nil {
			t.Fatal(err)
		}
		logp := make([]float64, g.Size())
		for i := range logp {
			logp[i] = r.NormFloat64()
		}
		logp[0], logp[len(logp)-1] = math.Inf(-1), math.Inf(-1)
		p, err := g.Density(logp)
		if err != nil {
			t.Fatal(err)
		}
		d := g.Dim()
		u := make([]float64, k*(1+d))
		for i := range u {
			u[i] = r.Float64()
		}
		x := make([]float64, k*d)
		p.Draw(x, u)
		share := make([]float64, g.Size())
		for i := range k {
			at := 0
			for a, ax := range axes {
				j := math.Round((x[i*d+a] - ax.Lo) / ax.Step())
				at = at*ax.N + int(j)
				if off := x[i*d+a] - ax.At(int(j)); math.Abs(off) > 0.5*ax.Step()*(1+1e-12) {
					t.Fatalf("draw %v lies in no cell", x[i*d:(i+1)*d])
				}
			}
			share[at] += 1.0 / k
		}
		chi2 := 0.0
		for i, s := range share {
			want := p.P[i] * g.Cell()
			if want == 0 {
				near(t, "share of an empty cell", s, 0, 0)
				continue
			}
			chi2 += k * (s - want) * (s - want) / want
		}
		cells := float64(g.Size() - 3)
		near(t, "chi^2 of the cells", chi2, cells, 5*math.Sqrt(2*cells))
		// Inside the cells: the offset is uniform.
		for a, ax := range axes {
			off := make([]float64, k)
			for i := range k {
				off[i] = (x[i*d+a]-ax.Lo)/ax.Step() + 0.5
				off[i] -= math.Floor(off[i])
			}
			mean, sq := 0.0, 0.0
			for _, v := range off {
				mean += v / k
				sq += (v - 0.5) * (v - 0.5) / k
			}
			near(t, "mean offset", mean, 0.5, 5*math.Sqrt(1.0/12/k))
			near(t, "variance of the offset", sq, 1.0/12, 5*math.Sqrt(1.0/180/k))
		}
	}
}

func TestGridBasics(t *testing.T) {
	g, err := NewGrid(Axis{-5, 5, 2000})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "step", g.Cell(), 10.0/1999, 1e-16)
	x := g.Points()
	lp, phi := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x { // prior N(0, 1/4), datum 1 with tau 1/2: posterior N(1/2, 1/8), evidence N(1; 0, 1/2)
		lp[i] = -2*v*v - 0.5*math.Log(2*math.Pi/4)
		phi[i] = 2 * (v - 1) * (v - 1)
	}
	p, err := g.Posterior(lp, phi)
	if err != nil {
		t.Fatal(err)
	}
	mean, cov := p.Moments()
	near(t, "mean", mean[0], 0.5, 1e-12)
	near(t, "variance", cov[0], 0.125, 1e-12)
	near(t, "log evidence", p.LogEvidence-0.5*math.Log(2*math.Pi/4), -1-0.5*math.Log(math.Pi), 1e-12)
	near(t, "total variation", p.TotalVariation(p), 0, 0)
	near(t, "of two Gaussians", shiftTV(t, g), math.Erf(0.5/math.Sqrt2), 2e-6)
	for _, axes := range [][]Axis{{}, {{0, 1, 1}}, {{1, 0, 5}}, {{0, 1, 2}, {0, 1, 2}, {0, 1, 2}}} {
		if _, err := NewGrid(axes...); err == nil {
			t.Errorf("a grid of %v is made", axes)
		}
	}
	lp[3] = math.NaN()
	if _, err := g.Posterior(lp, phi); err == nil {
		t.Error("a NaN is integrated")
	}
	for i := range phi {
		lp[i], phi[i] = 0, math.Inf(1)
	}
	if _, err := g.Posterior(lp, phi); err == nil {
		t.Error("a density of nothing is normalised")
	}
}

// TestLogEvidences: a linear map's evidences in closed form (Linearise is exact there), up to their common constant, and the
// effective number of components of the stylised problem growing with s.
func TestLogEvidences(t *testing.T) {
	r := random(t, 13)
	g, err := NewGrid(Axis{-6, 6, 301}, Axis{-6, 6, 301})
	if err != nil {
		t.Fatal(err)
	}
	jac := []float64{1, -0.5}
	x := g.Points()
	phi := make([]float64, g.Size())
	for i := range phi {
		e := (0.3 - jac[0]*x[2*i] - jac[1]*x[2*i+1]) / 0.4
		phi[i] = 0.5 * e * e
	}
	for _, c := range []Covariance{Isotropic(0.16), Factor([]float64{0.5, 0, 0.4, 0.3})} {
		means := normals(r, 6)
		m, err := New(means, 2, nil, c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.LogEvidences(m, phi)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Linearise(m, func(n int) (Local, error) {
			return NewLocal([]float64{0.3 - jac[0]*means[2*n] - jac[1]*means[2*n+1]}, jac, 0.4), nil
		}, Exact)
		if err != nil {
			t.Fatal(err)
		}
		total := LogSumExp(got)
		for n, v := range got {
			near(t, "log weight", v-total, q.LogWeights[n], 1e-9)
		}
	}
	p := stylised1D()
	g, err = NewGrid(Axis{-5, 5, 2000})
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, s := range []float64{0.01, 0.1, 0.5, 2} {
		m, err := New(p.means, 1, nil, Isotropic(s*s))
		if err != nil {
			t.Fatal(err)
		}
		x, phi := g.Points(), make([]float64, g.Size())
		for i := range phi {
			phi[i] = p.phi(x[i : i+1])
		}
		w, err := g.LogEvidences(m, phi)
		if err != nil {
			t.Fatal(err)
		}
		softmax(w)
		n := Effective(w)
		if n <= last || n > 5 {
			t.Errorf("s = %g: %.3f effective components after %.3f", s, n, last)
		}
		last = n
	}
	m, err := New(p.means, 1, nil, Covariance{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.LogEvidences(m, make([]float64, g.Size())); err == nil {
		t.Error("points have evidences on a grid")
	}
}

// shiftTV is the distance of N(0, 1/4) and N(1/2, 1/4): erf(delta/(2 sqrt 2 sigma)), delta = 1/2, sigma = 1/2.
func shiftTV(t *testing.T, g *Grid) float64 {
	t.Helper()
	x := g.Points()
	p, q := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		c := math.Sqrt(2 / math.Pi)
		p[i], q[i] = c*math.Exp(-2*v*v), c*math.Exp(-2*(v-0.5)*(v-0.5))
	}
	return metric.TotalVariation(p, q, g.Cell())
}
