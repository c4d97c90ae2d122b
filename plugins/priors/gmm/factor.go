package gmm

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// factor returns the lower factor L (d x d, row-major), L L^T = c + ridge I, of a symmetric positive semidefinite c (d x d).
// It works on the correlation matrix R, c + ridge I = S R S with S diagonal, so that coordinates of any scale keep their
// digits. Where R is singular to rounding, as it is for no more training examples than coordinates, Cholesky's method has
// nothing to divide by; then R = Q Lambda Q^T and Lambda^(1/2) Q^T = O U, U upper triangular, give R = U^T U.
// Error: R has an eigenvalue below -1e-10 d, or c is not symmetric.
func factor(c []float64, d int, ridge float64) ([]float64, error) {
	scale, r := make([]float64, d), make([]float64, d*d)
	for i := range d {
		v := c[i*d+i] + ridge
		if !(v >= 0) {
			return nil, fmt.Errorf("variance of coordinate %d is %g, it must not be negative", i, v)
		}
		scale[i] = math.Sqrt(v)
	}
	for i := range d {
		r[i*d+i] = 1
		for j := range i {
			if c[i*d+j] != c[j*d+i] {
				return nil, fmt.Errorf("the covariance is not symmetric: [%d,%d] = %g, [%d,%d] = %g", i, j, c[i*d+j], j, i, c[j*d+i])
			}
			if s := scale[i] * scale[j]; s > 0 {
				r[i*d+j] = c[i*d+j] / s
				r[j*d+i] = r[i*d+j]
			}
		}
	}
	l := cholesky(r, d)
	if l == nil {
		var err error
		if l, err = spectralFactor(r, d); err != nil {
			return nil, err
		}
	}
	for i := range d {
		for j := range i + 1 {
			l[i*d+j] *= scale[i]
		}
	}
	return l, nil
}

// cholesky returns the lower factor of a correlation matrix, nil where a pivot is no larger than its rounding error.
func cholesky(r []float64, d int) []float64 {
	l := make([]float64, d*d)
	for i := range d {
		li := l[i*d : i*d+i+1]
		for j := range li {
			sum := r[i*d+j]
			for k, v := range l[j*d : j*d+j] {
				sum = math.FMA(-li[k], v, sum)
			}
			if i != j {
				li[j] = sum / l[j*d+j]
				continue
			}
			if !(sum > 16*float64(d)*0x1p-52) {
				return nil
			}
			li[i] = math.Sqrt(sum)
		}
	}
	return l
}

// spectralFactor returns a lower factor of a correlation matrix of any rank.
func spectralFactor(r []float64, d int) ([]float64, error) {
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(d, r), true) {
		return nil, fmt.Errorf("the eigenvalues of the covariance (%d x %d) did not converge", d, d)
	}
	var q mat.Dense
	eigen.VectorsTo(&q)
	root := mat.NewDense(d, d, nil) // Lambda^(1/2) Q^T
	for k, lambda := range eigen.Values(nil) {
		if lambda < -1e-10*float64(d) {
			return nil, fmt.Errorf("the covariance is not positive semidefinite: eigenvalue %d of its correlation matrix is %g", k, lambda)
		}
		s := math.Sqrt(max(lambda, 0))
		for i := range d {
			root.Set(k, i, s*q.At(i, k))
		}
	}
	var qr mat.QR
	qr.Factorize(root)
	var u mat.Dense
	qr.RTo(&u)
	l := make([]float64, d*d)
	for j := range d {
		sign := 1.0
		if u.At(j, j) < 0 {
			sign = -1
		}
		for i := j; i < d; i++ {
			l[i*d+j] = sign * u.At(j, i)
		}
	}
	return l, nil
}
