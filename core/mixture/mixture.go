package mixture

import (
	"fmt"
	"math"
)

// Mixture is p(x) = sum_n w_n N(x; x_n, C), n = 1..N, x in R^d, one covariance C for all components. Make it with [New] and
// read its fields only: what is derived from them is kept inside. Safe for concurrent use.
type Mixture struct {
	// Dim is d.
	Dim int
	// Means (N x d, row-major) holds x_n.
	Means []float64
	// Weights (N) holds w_n; they sum to 1.
	Weights []float64
	// Cov is C.
	Cov Covariance

	logWeights []float64 // N
	lambda     []float64 // d: eigenvalues of C
	q          []float64 // d x d: eigenvectors in columns; nil when C is diagonal
	rotated    []float64 // N x d: Q^T x_n
}

// New checks and prepares a mixture in dim dimensions: means (N x dim), weights (N; nil for 1/N each; they are normalised
// to sum 1), cov. It keeps means and the slices of cov. Errors: dim < 1, no component, lengths that disagree, numbers that
// are not finite, weights that are negative or all zero, a covariance that is not in exactly one form.
func New(means []float64, dim int, weights []float64, cov Covariance) (*Mixture, error) {
	if dim < 1 || len(means) == 0 || len(means)%dim != 0 {
		return nil, fmt.Errorf("mixture: %d numbers of means in %d dimensions; one or more rows of one or more numbers are needed",
			len(means), dim)
	}
	n := len(means) / dim
	for i, v := range means {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("mixture: mean %d has coordinate %d = %g; it must be finite", i/dim, i%dim, v)
		}
	}
	w, err := normalisedWeights(weights, n)
	if err != nil {
		return nil, err
	}
	if err := cov.validate(dim); err != nil {
		return nil, err
	}
	m := &Mixture{Dim: dim, Means: means, Weights: w, Cov: cov, logWeights: make([]float64, n)}
	for i, v := range w {
		m.logWeights[i] = math.Log(v)
	}
	if m.lambda, m.q, err = cov.spectrum(dim); err != nil {
		return nil, err
	}
	m.rotated = means
	if m.q != nil {
		m.rotated = make([]float64, len(means))
		for i := range n {
			m.rotate(m.rotated[i*dim:(i+1)*dim], means[i*dim:(i+1)*dim])
		}
	}
	return m, nil
}

func normalisedWeights(weights []float64, n int) ([]float64, error) {
	w := make([]float64, n)
	if weights == nil {
		for i := range w {
			w[i] = 1 / float64(n)
		}
		return w, nil
	}
	if len(weights) != n {
		return nil, fmt.Errorf("mixture: %d weights for %d components", len(weights), n)
	}
	sum := 0.0
	for i, v := range weights {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("mixture: weight %d = %g; a weight is finite and not negative", i, v)
		}
		sum += v
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("mixture: the %d weights sum to %g; a finite sum above 0 is needed", n, sum)
	}
	for i, v := range weights {
		w[i] = v / sum
	}
	return w, nil
}

// Spectral returns the mixture in the basis of the eigenvectors of C, where C is diagonal: means (N x d, row-major) holds
// Q^T x_n, variances (d) the eigenvalues, basis (d x d, row-major) the eigenvectors Q in columns; nil: Q = I. The slices are
// the mixture's own, not to be written.
func (m *Mixture) Spectral() (means, variances, basis []float64) { return m.rotated, m.lambda, m.q }

// N is the number of components.
func (m *Mixture) N() int { return len(m.Weights) }

// rotate sets dst = Q^T x, both d long and apart.
func (m *Mixture) rotate(dst, x []float64) {
	d := m.Dim
	clear(dst)
	for i := range d {
		xi := x[i]
		for j, qij := range m.q[i*d : (i+1)*d] {
			dst[j] += qij * xi
		}
	}
}

// unrotate sets dst = Q x, both d long and apart.
func (m *Mixture) unrotate(dst, x []float64) {
	d := m.Dim
	for i := range d {
		sum := 0.0
		for j, qij := range m.q[i*d : (i+1)*d] {
			sum += qij * x[j]
		}
		dst[i] = sum
	}
}

// LogDensity sets dst (k) to log p(x) for the k rows of x (k x d). Error: C is singular, so that there is no density.
func (m *Mixture) LogDensity(dst, x []float64) error {
	l, err := m.At(1, 0)
	if err != nil {
		return err
	}
	l.LogDensity(dst, x)
	return nil
}

// Density sets dst (k) to p(x) for the k rows of x (k x d). Error: as LogDensity.
func (m *Mixture) Density(dst, x []float64) error {
	if err := m.LogDensity(dst, x); err != nil {
		return err
	}
	for i, v := range dst {
		dst[i] = math.Exp(v)
	}
	return nil
}

// Responsibilities sets dst (k x N) to the probability that a row of x (k x d) comes from component n. Error: as LogDensity.
func (m *Mixture) Responsibilities(dst, x []float64) error {
	l, err := m.At(1, 0)
	if err != nil {
		return err
	}
	l.Responsibilities(dst, x)
	return nil
}

// Draw sets dst (d) to one draw and returns its component. u in [0, 1) picks the component by the inverse distribution
// function; normals fills its argument (d numbers, called once) with standard normals.
func (m *Mixture) Draw(dst []float64, u float64, normals func(dst []float64)) int {
	mustLen("draw", len(dst), m.Dim)
	n := pick(m.Weights, u)
	z := make([]float64, m.Dim)
	normals(z)
	copy(dst, m.Means[n*m.Dim:(n+1)*m.Dim])
	m.Cov.addNoise(dst, z)
	return n
}

// Moments returns the mean (d) and the covariance (d x d, row-major) of the whole mixture:
// C + sum_n w_n (x_n - mean)(x_n - mean)^T.
func (m *Mixture) Moments() (mean, cov []float64) {
	l := m.Cov.lower(m.Dim)
	return moments(m.Dim, m.Means, m.Weights, func(int) []float64 { return l })
}

// moments returns mean and covariance of sum_n w_n N(mean_n, G_n G_n^T), G_n = factor(n) lower triangular.
func moments(d int, means, weights []float64, factor func(n int) []float64) (mean, cov []float64) {
	mean, cov = make([]float64, d), make([]float64, d*d)
	for n, w := range weights {
		for i := range d {
			mean[i] += w * means[n*d+i]
		}
	}
	for n, w := range weights {
		g, x := factor(n), means[n*d:(n+1)*d]
		for i := range d {
			for j := 0; j <= i; j++ {
				sum := (x[i] - mean[i]) * (x[j] - mean[j])
				for k := 0; k <= j; k++ {
					sum += g[i*d+k] * g[j*d+k]
				}
				cov[i*d+j] += w * sum
			}
		}
	}
	for i := range d {
		for j := 0; j < i; j++ {
			cov[j*d+i] = cov[i*d+j]
		}
	}
	return mean, cov
}

// pick returns the smallest n with u < w_0 + ... + w_n, never a component of weight 0.
func pick(w []float64, u float64) int {
	sum, last := 0.0, 0
	for n, v := range w {
		if v <= 0 {
			continue
		}
		sum += v
		last = n
		if u < sum {
			return n
		}
	}
	return last // u at or above the rounded sum of all weights
}

func mustLen(what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("mixture: %s: %d numbers, %d are needed", what, got, want))
	}
}

// rows returns the number of rows of x (k x d) and panics when x is not whole rows.
func rows(what string, x []float64, d int) int {
	if len(x)%d != 0 {
		panic(fmt.Sprintf("mixture: %s: %d numbers are not whole rows of %d", what, len(x), d))
	}
	return len(x) / d
}
