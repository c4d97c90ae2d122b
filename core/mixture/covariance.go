package mixture

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Covariance is one covariance C (d x d) shared by all components, in exactly one of three forms. The zero value is C = 0:
// a mixture of points, as the empirical distribution of a training set.
type Covariance struct {
	// Variance is s^2 in C = s^2 I. Not negative; it must be 0 when one of the other fields is set.
	Variance float64
	// Diagonal (d) holds the variances in C = diag(Diagonal). None negative.
	Diagonal []float64
	// Factor (d x d, row-major) is L in C = L L^T, lower triangular. Rows of zeros are allowed (a singular C).
	Factor []float64
}

// Isotropic returns C = variance I.
func Isotropic(variance float64) Covariance { return Covariance{Variance: variance} }

// Diagonal returns C = diag(variances). The slice is kept.
func Diagonal(variances []float64) Covariance { return Covariance{Diagonal: set(variances)} }

// Factor returns C = L L^T with L (d x d, row-major) lower triangular. The slice is kept.
func Factor(lower []float64) Covariance { return Covariance{Factor: set(lower)} }

// set keeps a nil slice from reading as "this form is not meant".
func set(x []float64) []float64 {
	if x == nil {
		return []float64{}
	}
	return x
}

func (c Covariance) validate(d int) error {
	switch {
	case c.Diagonal != nil && c.Factor != nil:
		return fmt.Errorf("mixture: covariance has both a diagonal (%d numbers) and a factor (%d numbers); give exactly one",
			len(c.Diagonal), len(c.Factor))
	case (c.Diagonal != nil || c.Factor != nil) && c.Variance != 0:
		return fmt.Errorf("mixture: covariance has a variance (%g) beside a diagonal or a factor; give exactly one", c.Variance)
	case c.Diagonal != nil:
		if len(c.Diagonal) != d {
			return fmt.Errorf("mixture: covariance diagonal has %d numbers, the dimension is %d", len(c.Diagonal), d)
		}
		for i, v := range c.Diagonal {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("mixture: covariance diagonal[%d] = %g; a variance is finite and not negative", i, v)
			}
		}
	case c.Factor != nil:
		if len(c.Factor) != d*d {
			return fmt.Errorf("mixture: covariance factor has %d numbers, %d x %d = %d are needed", len(c.Factor), d, d, d*d)
		}
		for i := range d {
			for j := range d {
				v := c.Factor[i*d+j]
				if math.IsNaN(v) || math.IsInf(v, 0) || (j > i && v != 0) {
					return fmt.Errorf("mixture: covariance factor[%d,%d] = %g; it must be finite, and 0 above the diagonal", i, j, v)
				}
			}
		}
	default:
		if !(c.Variance >= 0) || math.IsInf(c.Variance, 0) {
			return fmt.Errorf("mixture: covariance variance = %g; it must be finite and not negative", c.Variance)
		}
	}
	return nil
}

// spectrum returns the eigenvalues lambda (d) of C and, for a factor, the eigenvectors Q (d x d, row-major, in columns), so
// that C = Q diag(lambda) Q^T; Q is nil where C is diagonal already. From the singular values of L: a small eigenvalue
// keeps its relative accuracy, which an eigensolver applied to L L^T would lose.
func (c Covariance) spectrum(d int) (lambda, q []float64, err error) {
	lambda = make([]float64, d)
	switch {
	case c.Diagonal != nil:
		copy(lambda, c.Diagonal)
	case c.Factor != nil:
		var svd mat.SVD
		if !svd.Factorize(mat.NewDense(d, d, append([]float64(nil), c.Factor...)), mat.SVDFullU) {
			return nil, nil, fmt.Errorf("mixture: covariance factor (%d x %d): the singular value decomposition did not converge", d, d)
		}
		var u mat.Dense
		svd.UTo(&u)
		for i, s := range svd.Values(nil) {
			lambda[i] = s * s
		}
		q = make([]float64, d*d)
		for i := range d {
			for j := range d {
				q[i*d+j] = u.At(i, j)
			}
		}
	default:
		for i := range lambda {
			lambda[i] = c.Variance
		}
	}
	return lambda, q, nil
}

// lower returns L (d x d, row-major, lower triangular) with C = L L^T, whatever the form.
func (c Covariance) lower(d int) []float64 {
	l := make([]float64, d*d)
	switch {
	case c.Factor != nil:
		copy(l, c.Factor)
	case c.Diagonal != nil:
		for i, v := range c.Diagonal {
			l[i*d+i] = math.Sqrt(v)
		}
	default:
		for i := range d {
			l[i*d+i] = math.Sqrt(c.Variance)
		}
	}
	return l
}

// addNoise adds L z to dst (d), z (d) standard normal.
func (c Covariance) addNoise(dst, z []float64) {
	d := len(dst)
	switch {
	case c.Factor != nil:
		addLower(dst, c.Factor, z)
	case c.Diagonal != nil:
		for i := range d {
			dst[i] += math.Sqrt(c.Diagonal[i]) * z[i]
		}
	default:
		s := math.Sqrt(c.Variance)
		for i := range d {
			dst[i] += s * z[i]
		}
	}
}

// addLower adds G z to dst, G (d x d, row-major) lower triangular.
func addLower(dst, g, z []float64) {
	d := len(dst)
	for i := range d {
		sum := 0.0
		for j := 0; j <= i; j++ {
			sum += g[i*d+j] * z[j]
		}
		dst[i] += sum
	}
}
