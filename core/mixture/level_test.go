package mixture

import (
	"math"
	"strings"
	"testing"
)

type namedCovariance struct {
	name string
	cov  Covariance
}

// covariances returns one of each form, for dimension d, among them singular ones.
func covariances(r func() float64, d int) []namedCovariance {
	diag, lower, singular := make([]float64, d), make([]float64, d*d), make([]float64, d*d)
	for i := range d {
		diag[i] = 0.2 + 0.3*float64(i)
		for j := 0; j <= i; j++ {
			lower[i*d+j] = 0.4 * r()
		}
		lower[i*d+i] = 0.3 + 0.1*float64(i)
		singular[i*d] = 0.5 * r() // C has rank 1
	}
	return []namedCovariance{
		{"points", Covariance{}}, {"isotropic", Isotropic(0.09)}, {"diagonal", Diagonal(diag)},
		{"singular", Factor(singular)}, {"factor", Factor(lower)},
	}
}

// dense returns A = sigma^2 I + alpha^2 C in full.
func dense(c Covariance, d int, alpha, sigma float64) [][]float64 {
	l := c.lower(d)
	a := make([][]float64, d)
	for i := range a {
		a[i] = make([]float64, d)
		for j := range a[i] {
			for k := range d {
				a[i][j] += alpha * alpha * l[i*d+k] * l[j*d+k]
			}
		}
		a[i][i] += sigma * sigma
	}
	return a
}

// solve returns A^-1 b and log det A by Gaussian elimination without pivoting (A positive definite).
func solve(a [][]float64, b []float64) ([]float64, float64) {
	n := len(b)
	m := make([][]float64, n)
	for i := range m {
		m[i] = append(append([]float64(nil), a[i]...), b[i])
	}
	logDet := 0.0
	for k := range n {
		logDet += math.Log(m[k][k])
		for i := k + 1; i < n; i++ {
			f := m[i][k] / m[k][k]
			for j := k; j <= n; j++ {
				m[i][j] -= f * m[k][j]
			}
		}
	}
	x := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		x[i] = m[i][n]
		for j := i + 1; j < n; j++ {
			x[i] -= m[i][j] * x[j]
		}
		x[i] /= m[i][i]
	}
	return x, logDet
}

// TestLevelAgainstDense compares density, responsibilities and denoiser with Gaussian formulas written out densely.
func TestLevelAgainstDense(t *testing.T) {
	r := random(t, 3)
	const d, n, k = 4, 6, 5
	for _, c := range covariances(r.NormFloat64, d) {
		name, cov := c.name, c.cov
		weights := []float64{1, 2, 0, 4, 1, 3}
		m, err := New(normals(r, n*d), d, weights, cov)
		if err != nil {
			t.Fatal(err)
		}
		alpha, sigma := 0.8, 0.6
		l, err := m.At(alpha, sigma)
		if err != nil {
			t.Fatal(err)
		}
		x := normals(r, k*d)
		den, lp, resp := make([]float64, k*d), make([]float64, k), make([]float64, k*n)
		l.Denoise(den, x)
		l.LogDensity(lp, x)
		l.Responsibilities(resp, x)
		a := dense(cov, d, alpha, sigma)
		low := cov.lower(d)
		for row := range k {
			xr := x[row*d : (row+1)*d]
			want, total := make([]float64, d), 0.0
			p := make([]float64, n)
			for c := range n {
				e := make([]float64, d)
				for i := range d {
					e[i] = xr[i] - alpha*m.Means[c*d+i]
				}
				s, logDet := solve(a, e)
				q := 0.0
				for i := range d {
					q += e[i] * s[i]
				}
				p[c] = m.Weights[c] * math.Exp(-0.5*(q+logDet+d*math.Log(2*math.Pi)))
				total += p[c]
				for i := range d { // E[x0 | x_t, c] = x_c + alpha C A^-1 (x_t - alpha x_c)
					v := m.Means[c*d+i]
					for j := range d {
						for h := range d {
							v += alpha * low[i*d+h] * low[j*d+h] * s[j]
						}
					}
					want[i] += p[c] * v
				}
			}
			near(t, name+" log density", lp[row], math.Log(total), 1e-11)
			for c := range n {
				near(t, name+" responsibility", resp[row*n+c], p[c]/total, 1e-12)
			}
			for i := range d {
				near(t, name+" denoiser", den[row*d+i], want[i]/total, 1e-11)
			}
		}
	}
}

// TestTweedieAndJacobian: the score is the gradient of the log density, D = (x + sigma^2 s)/alpha, and VJP is D's Jacobian,
// symmetric, by central differences.
func TestTweedieAndJacobian(t *testing.T) {
	r := random(t, 4)
	const d, n = 3, 7
	for _, c := range covariances(r.NormFloat64, d) {
		name, cov := c.name, c.cov
		m, err := New(normals(r, n*d), d, nil, cov)
		if err != nil {
			t.Fatal(err)
		}
		for _, lev := range [][2]float64{{0.99, 0.15}, {0.7, 0.7}, {0.2, 0.98}, {1, 3}} {
			l, err := m.At(lev[0], lev[1])
			if err != nil {
				t.Fatal(err)
			}
			x := normals(r, d)
			score, den := make([]float64, d), make([]float64, d)
			l.Score(score, x)
			l.Denoise(den, x)
			const h = 1e-5
			jac := make([]float64, d*d)
			for j := range d {
				up, down := append([]float64(nil), x...), append([]float64(nil), x...)
				up[j] += h
				down[j] -= h
				lp, dn := make([]float64, 2), make([]float64, 2*d)
				both := append(up, down...)
				l.LogDensity(lp, both)
				l.Denoise(dn, both)
				near(t, name+" score", score[j], (lp[0]-lp[1])/(2*h), 2e-6*(1+math.Abs(score[j])))
				near(t, name+" Tweedie", den[j], (x[j]+lev[1]*lev[1]*score[j])/lev[0], 1e-11)
				for i := range d {
					jac[i*d+j] = (dn[i] - dn[d+i]) / (2 * h)
				}
			}
			for i := range d { // one unit vector per row, all at the same x
				v, got := make([]float64, d), make([]float64, d)
				v[i] = 1
				l.VJP(got, x, v)
				for j := range d {
					near(t, name+" J^T", got[j], jac[i*d+j], 1e-6)
					near(t, name+" J", got[j], jac[j*d+i], 1e-6)
				}
			}
		}
	}
}

// TestDenoiserByQuadrature: E[x0 | x_t] as an integral over x0, in one dimension.
func TestDenoiserByQuadrature(t *testing.T) {
	means, weights := []float64{-1, 0.3, 2}, []float64{0.2, 0.5, 0.3}
	m, err := New(means, 1, weights, Isotropic(0.16))
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGrid(Axis{-8, 9, 8001})
	if err != nil {
		t.Fatal(err)
	}
	x0 := g.Points()
	lp, phi := make([]float64, len(x0)), make([]float64, len(x0))
	if err := m.LogDensity(lp, x0); err != nil {
		t.Fatal(err)
	}
	alpha, sigma := 0.6, 0.8
	l, err := m.At(alpha, sigma)
	if err != nil {
		t.Fatal(err)
	}
	for _, xt := range []float64{-2, -0.3, 0, 0.7, 3} {
		for i, v := range x0 {
			e := (xt - alpha*v) / sigma
			phi[i] = 0.5 * e * e
		}
		post, err := g.Posterior(lp, phi)
		if err != nil {
			t.Fatal(err)
		}
		mean, cov := post.Moments()
		got, jac, logp := make([]float64, 1), make([]float64, 1), make([]float64, 1)
		l.Denoise(got, []float64{xt})
		l.VJP(jac, []float64{xt}, []float64{1})
		l.LogDensity(logp, []float64{xt})
		near(t, "denoiser", got[0], mean[0], 1e-10)
		near(t, "Jacobian = alpha Cov/sigma^2", jac[0], alpha*cov[0]/(sigma*sigma), 1e-10)
		near(t, "log evidence", logp[0], post.LogEvidence-math.Log(sigma*math.Sqrt(2*math.Pi)), 1e-10)
	}
}

// TestStable: far from all points, in many dimensions and at little noise, the nearest point wins without a NaN, and with
// s = 0 the Jacobian vanishes there.
func TestStable(t *testing.T) {
	r := random(t, 5)
	const d, n = 100, 50
	m, err := New(normals(r, n*d), d, nil, Covariance{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.At(0.99995, 0.01)
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float64, d)
	for i := range x {
		x[i] = m.Means[7*d+i] + 1e-3*r.NormFloat64()
	}
	x[0] += 0.5
	den, vjp, resp := make([]float64, d), make([]float64, d), make([]float64, n)
	l.Denoise(den, x)
	l.VJP(vjp, x, normals(r, d))
	l.Responsibilities(resp, x)
	near(t, "weight of the nearest", resp[7], 1, 0)
	for i := range d {
		near(t, "denoised", den[i], m.Means[7*d+i], 2e-15) // s2*x/s2
		near(t, "J^T v", vjp[i], 0, 0)
	}
	if err := m.LogDensity(make([]float64, 1), x); err == nil || !strings.Contains(err.Error(), "singular") {
		t.Errorf("the density of a mixture of points gives error %v", err)
	}
}

// TestBatchesAlike: a row's result has the same bits alone and in a batch, in place and not.
func TestBatchesAlike(t *testing.T) {
	r := random(t, 6)
	const d, n, k = 5, 9, 4
	m, err := New(normals(r, n*d), d, nil, covariances(r.NormFloat64, d)[4].cov)
	if err != nil {
		t.Fatal(err)
	}
	l, err := m.At(0.5, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	x := normals(r, k*d)
	all, one := make([]float64, k*d), make([]float64, d)
	l.Denoise(all, x)
	for i := range k {
		l.Denoise(one, x[i*d:(i+1)*d])
		for j := range d {
			near(t, "row alone", one[j], all[i*d+j], 0)
		}
	}
	l.Denoise(x, x)
	for j := range x {
		near(t, "in place", x[j], all[j], 0)
	}
}

func TestNewRejects(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		means   []float64
		dim     int
		weights []float64
		cov     Covariance
		want    string
	}{
		"no rows":      {nil, 2, nil, Covariance{}, "0 numbers of means in 2 dimensions"},
		"ragged":       {[]float64{1, 2, 3}, 2, nil, Covariance{}, "3 numbers of means"},
		"nan mean":     {[]float64{1, 2, 3, nan}, 2, nil, Covariance{}, "mean 1 has coordinate 1 = NaN"},
		"weights":      {[]float64{1, 2}, 1, []float64{1}, Covariance{}, "1 weights for 2"},
		"negative":     {[]float64{1, 2}, 1, []float64{1, -1}, Covariance{}, "weight 1 = -1"},
		"all zero":     {[]float64{1, 2}, 1, []float64{0, 0}, Covariance{}, "sum to 0"},
		"variance":     {[]float64{1, 2}, 1, nil, Isotropic(-1), "variance = -1"},
		"two forms":    {[]float64{1, 2}, 1, nil, Covariance{Diagonal: []float64{1}, Factor: []float64{1}}, "both"},
		"and variance": {[]float64{1, 2}, 1, nil, Covariance{Variance: 1, Factor: []float64{1}}, "exactly one"},
		"diagonal":     {[]float64{1, 2}, 2, nil, Diagonal([]float64{1}), "diagonal has 1 numbers, the dimension is 2"},
		"no diagonal":  {[]float64{1, 2}, 2, nil, Diagonal(nil), "diagonal has 0"},
		"upper":        {[]float64{1, 2}, 2, nil, Factor([]float64{1, 1, 0, 1}), "factor[0,1] = 1"},
	} {
		if _, err := New(c.means, c.dim, c.weights, c.cov); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestSpectral: Q is orthogonal, Q diag(variances) Q^T = C, and Q times the rotated means are the means.
func TestSpectral(t *testing.T) {
	r := random(t, 12)
	const d, n = 4, 3
	for _, c := range covariances(r.NormFloat64, d) {
		m, err := New(normals(r, n*d), d, nil, c.cov)
		if err != nil {
			t.Fatal(err)
		}
		means, variances, q := m.Spectral()
		if q == nil {
			q = make([]float64, d*d)
			for i := range d {
				q[i*d+i] = 1
			}
		}
		l := c.cov.lower(d)
		for i := range d {
			for j := range d {
				unit, cov, want := 0.0, 0.0, 0.0
				for k := range d {
					unit += q[i*d+k] * q[j*d+k]
					cov += q[i*d+k] * variances[k] * q[j*d+k]
					want += l[i*d+k] * l[j*d+k]
				}
				one := 0.0
				if i == j {
					one = 1
				}
				near(t, c.name+" Q Q^T", unit, one, 1e-14)
				near(t, c.name+" C", cov, want, 1e-14)
			}
			for k := range n {
				back := 0.0
				for j := range d {
					back += q[i*d+j] * means[k*d+j]
				}
				near(t, c.name+" mean", back, m.Means[k*d+i], 1e-14)
			}
		}
	}
}
