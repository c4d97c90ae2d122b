package mixture

import (
	"fmt"
	"math"
)

// Posterior is sum_n w_n N(x; mu_n, C_n), n = 1..N, x in R^d, each component with a covariance of its own.
type Posterior struct {
	// Dim is d.
	Dim int
	// Means (N x d, row-major) holds mu_n.
	Means []float64
	// LogWeights (N) holds log w_n, normalised: their exponentials sum to 1.
	LogWeights []float64
	// Factors (N x d x d, row-major) holds G_n, lower triangular, C_n = G_n G_n^T; singular when C_n is.
	Factors []float64
}

// N is the number of components.
func (p *Posterior) N() int { return len(p.LogWeights) }

// Weights returns w_n (N).
func (p *Posterior) Weights() []float64 {
	w := make([]float64, p.N())
	for i, v := range p.LogWeights {
		w[i] = math.Exp(v)
	}
	return w
}

func (p *Posterior) factor(n int) []float64 { return p.Factors[n*p.Dim*p.Dim : (n+1)*p.Dim*p.Dim] }

// Draw sets dst (d) to one draw and returns its component; u and normals as in [Mixture.Draw].
func (p *Posterior) Draw(dst []float64, u float64, normals func(dst []float64)) int {
	mustLen("draw", len(dst), p.Dim)
	n := pick(p.Weights(), u)
	z := make([]float64, p.Dim)
	normals(z)
	copy(dst, p.Means[n*p.Dim:(n+1)*p.Dim])
	addLower(dst, p.factor(n), z)
	return n
}

// logTerms sets t (N) to log w_n N(x; mu_n, C_n). norm (N) holds -1/2 log det(2 pi C_n).
func (p *Posterior) logTerms(t, x, norm, buf []float64) {
	d := p.Dim
	for n := range t {
		g, mean, sum := p.factor(n), p.Means[n*d:(n+1)*d], 0.0
		for i := range d { // forward substitution: G e = x - mu
			e := x[i] - mean[i]
			for j := range i {
				e -= g[i*d+j] * buf[j]
			}
			buf[i] = e / g[i*d+i]
			sum += buf[i] * buf[i]
		}
		t[n] = p.LogWeights[n] + norm[n] - 0.5*sum
	}
}

func (p *Posterior) norms() ([]float64, error) {
	norm := make([]float64, p.N())
	for n := range norm {
		g := p.factor(n)
		norm[n] = -0.5 * float64(p.Dim) * math.Log(2*math.Pi)
		for i := range p.Dim {
			v := g[i*p.Dim+i]
			if v == 0 {
				return nil, fmt.Errorf("mixture: posterior component %d has a singular covariance (row %d of its factor): it has no density", n, i)
			}
			norm[n] -= math.Log(math.Abs(v))
		}
	}
	return norm, nil
}

// LogDensity sets dst (k) to log p(x) for the k rows of x (k x d). Error: a component's covariance is singular.
func (p *Posterior) LogDensity(dst, x []float64) error {
	mustLen("log density", len(dst), rows("log density", x, p.Dim))
	norm, err := p.norms()
	if err != nil {
		return err
	}
	t, buf := make([]float64, p.N()), make([]float64, p.Dim)
	for k := range dst {
		p.logTerms(t, x[k*p.Dim:(k+1)*p.Dim], norm, buf)
		dst[k] = LogSumExp(t)
	}
	return nil
}

// Density sets dst (k) to p(x) for the k rows of x (k x d). Error: as LogDensity.
func (p *Posterior) Density(dst, x []float64) error {
	if err := p.LogDensity(dst, x); err != nil {
		return err
	}
	for i, v := range dst {
		dst[i] = math.Exp(v)
	}
	return nil
}

// Responsibilities sets dst (k x N) to P(component n | x) for the k rows of x (k x d). Error: as LogDensity.
func (p *Posterior) Responsibilities(dst, x []float64) error {
	k, n := rows("responsibilities", x, p.Dim), p.N()
	mustLen("responsibilities", len(dst), k*n)
	norm, err := p.norms()
	if err != nil {
		return err
	}
	buf := make([]float64, p.Dim)
	for i := range k {
		t := dst[i*n : (i+1)*n]
		p.logTerms(t, x[i*p.Dim:(i+1)*p.Dim], norm, buf)
		softmax(t)
	}
	return nil
}

// Moments returns mean (d) and covariance (d x d, row-major) of the whole posterior.
func (p *Posterior) Moments() (mean, cov []float64) {
	return moments(p.Dim, p.Means, p.Weights(), p.factor)
}

// Variance returns v^T C_n v, the variance of component n along v (d). For a unit vector in the null space of J_n and the
// prior s^2 I it is s^2: the data do not narrow that direction.
func (p *Posterior) Variance(n int, v []float64) float64 {
	mustLen("variance", len(v), p.Dim)
	g, d, sum := p.factor(n), p.Dim, 0.0
	for j := range d {
		e := 0.0
		for i := j; i < d; i++ {
			e += g[i*d+j] * v[i]
		}
		sum += e * e
	}
	return sum
}
