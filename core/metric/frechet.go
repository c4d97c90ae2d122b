package metric

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// momentBlock rows are added to the sums at a time: a number of rows that does not depend on how the caller cuts the stream.
const momentBlock = 64

// Moments sums a stream of feature vectors (dim numbers each) for their mean and covariance, in float64, about the first
// vector, so that a large common offset costs no digits. Results have the same bits however the stream is cut.
type Moments struct {
	dim, n int
	origin []float64     // dim: the first vector
	sum    []float64     // dim: sum of x - origin
	prod   *mat.SymDense // dim x dim: sum of (x - origin)(x - origin)^T
	block  []float64     // up to momentBlock rows not yet in prod, less origin
}

// NewMoments makes an empty sum for vectors of dim >= 1 numbers.
func NewMoments(dim int) *Moments {
	if dim < 1 {
		panic(fmt.Sprintf("metric: moments of %d dimensions", dim))
	}
	return &Moments{dim: dim, sum: make([]float64, dim), prod: mat.NewSymDense(dim, nil)}
}

// Dim is the length of a vector.
func (m *Moments) Dim() int { return m.dim }

// N is the number of vectors so far; it belongs beside every distance computed from them.
func (m *Moments) N() int { return m.n }

// Add takes the rows of features (k x dim).
func (m *Moments) Add(features []float64) {
	k := rowCount("moments", features, m.dim)
	for r := range k {
		row := features[r*m.dim : (r+1)*m.dim]
		if m.origin == nil {
			m.origin = append([]float64(nil), row...)
		}
		for i, v := range row {
			e := v - m.origin[i]
			m.sum[i] += e
			m.block = append(m.block, e)
		}
		m.n++
		if len(m.block) == momentBlock*m.dim {
			addProducts(m.prod, m.block, m.dim)
			m.block = m.block[:0]
		}
	}
}

func addProducts(prod *mat.SymDense, block []float64, dim int) {
	if k := len(block) / dim; k > 0 {
		prod.SymRankK(prod, 1, mat.NewDense(k, dim, block).T())
	}
}

// MeanCov returns the mean (dim) and the covariance, with 1/(n-1). Error: fewer than 2 vectors, or numbers not finite.
func (m *Moments) MeanCov() ([]float64, *mat.SymDense, error) {
	if m.n < 2 {
		return nil, nil, fmt.Errorf("metric: moments: %d vectors; at least 2 are needed for a covariance", m.n)
	}
	var cov mat.SymDense
	cov.ReuseAsSym(m.dim)
	cov.CopySym(m.prod)
	addProducts(&cov, m.block, m.dim)
	mu, nf := make([]float64, m.dim), float64(m.n)
	for i := range m.dim {
		for j := i; j < m.dim; j++ {
			cov.SetSym(i, j, (cov.At(i, j)-m.sum[i]*m.sum[j]/nf)/(nf-1))
		}
		mu[i] = m.origin[i] + m.sum[i]/nf
		if v := cov.At(i, i); math.IsNaN(mu[i]) || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, nil, fmt.Errorf("metric: moments: feature %d of %d vectors has mean %g and variance %g", i, m.n, mu[i], v)
		}
	}
	return mu, &cov, nil
}

// Frechet returns the Frechet distance of two Gaussians with the streams' moments,
//
//	|m1 - m2|^2 + Tr S1 + Tr S2 - 2 sum sqrt eig(S1^1/2 S2 S1^1/2)
//
// (Dowson and Landau 1982), the square of their W2 distance. It is called FID only on features of Inception-v3; with other
// networks FD-self or FD-random. Negative eigenvalues, which rounding leaves where S1 or S2 is singular, count as 0.
// Errors: fewer than 2 vectors on a side, different dimensions, an eigensolver that does not converge.
func Frechet(a, b *Moments) (float64, error) {
	if a.dim != b.dim {
		return 0, fmt.Errorf("metric: frechet: features of %d and of %d dimensions", a.dim, b.dim)
	}
	m1, s1, err := a.MeanCov()
	if err != nil {
		return 0, fmt.Errorf("metric: frechet: first set: %w", err)
	}
	m2, s2, err := b.MeanCov()
	if err != nil {
		return 0, fmt.Errorf("metric: frechet: second set: %w", err)
	}
	return FrechetGaussian(m1, s1, m2, s2)
}

// FrechetGaussian is [Frechet] for means (d) and covariances (d x d) that are given.
func FrechetGaussian(m1 []float64, s1 mat.Symmetric, m2 []float64, s2 mat.Symmetric) (float64, error) {
	sameLen("frechet", m1, m2)
	d := len(m1)
	if s1.SymmetricDim() != d || s2.SymmetricDim() != d {
		panic(fmt.Sprintf("metric: frechet: covariances of %d and %d dimensions for means of %d", s1.SymmetricDim(), s2.SymmetricDim(), d))
	}
	// With S1 = R R^T for any R the eigenvalues are those of R^T S2 R: R is the Cholesky factor, or where S1 is singular
	// (fewer vectors than features) Q L^1/2 of S1 = Q L Q^T, several times slower.
	var eig mat.EigenSym
	var root, tmp, prod mat.Dense
	var chol mat.Cholesky
	if chol.Factorize(s1) {
		var lower mat.TriDense
		chol.LTo(&lower)
		root.CloneFrom(&lower)
	} else {
		if !eig.Factorize(s1, true) {
			return 0, fmt.Errorf("metric: frechet: the eigensolver did not converge on the first covariance (%d x %d)", d, d)
		}
		eig.VectorsTo(&root)
		for j, v := range eig.Values(nil) {
			r := math.Sqrt(max(v, 0))
			for i := range d {
				root.Set(i, j, root.At(i, j)*r)
			}
		}
	}
	tmp.Mul(s2, &root)
	prod.Mul(root.T(), &tmp)
	sym := mat.NewSymDense(d, nil)
	for i := range d {
		for j := i; j < d; j++ {
			sym.SetSym(i, j, 0.5*(prod.At(i, j)+prod.At(j, i)))
		}
	}
	if !eig.Factorize(sym, false) {
		return 0, fmt.Errorf("metric: frechet: the eigensolver did not converge on the product (%d x %d)", d, d)
	}
	sum := 0.0
	for _, v := range eig.Values(nil) {
		sum += math.Sqrt(max(v, 0))
	}
	return squaredDistance(m1, m2) + mat.Trace(s1) + mat.Trace(s2) - 2*sum, nil
}
