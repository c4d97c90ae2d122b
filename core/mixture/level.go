package mixture

import (
	"fmt"
	"math"
)

// Level is a mixture seen through x_t = alpha x0 + sigma eps, eps ~ N(0, I): p_t(x) = sum_n w_n N(x; alpha x_n, A) with
// A = sigma^2 I + alpha^2 C. Make it with [Mixture.At]; safe for concurrent use.
//
// All is worked out along the eigenvectors of C, where A is diagonal: a level costs nothing to make, a row of x costs
// O(N d), and O(d^2) more when C is given by a factor.
type Level struct {
	m            *Mixture
	alpha, sigma float64
	a            []float64 // d: eigenvalues of A
	invA         []float64
	logNorm      float64 // -1/2 log det(2 pi A)
}

// At returns the mixture at signal scale alpha >= 0 and noise scale sigma >= 0. Error: A would be singular, i.e. sigma = 0
// where alpha^2 C is singular (a mixture of points has no density without noise), or a scale that is not finite or negative.
func (m *Mixture) At(alpha, sigma float64) (*Level, error) {
	if !(alpha >= 0) || !(sigma >= 0) || math.IsInf(alpha, 0) || math.IsInf(sigma, 0) {
		return nil, fmt.Errorf("mixture: level alpha = %g, sigma = %g; both must be finite and not negative", alpha, sigma)
	}
	l := &Level{m: m, alpha: alpha, sigma: sigma, a: make([]float64, m.Dim), invA: make([]float64, m.Dim)}
	for i, lam := range m.lambda {
		a := sigma*sigma + alpha*alpha*lam
		if !(a > 0) || math.IsInf(1/a, 0) {
			return nil, fmt.Errorf("mixture: level alpha = %g, sigma = %g: the covariance is singular along direction %d "+
				"(prior variance %g); noise, or a prior width above 0, is needed", alpha, sigma, i, lam)
		}
		l.a[i], l.invA[i] = a, 1/a
		l.logNorm -= 0.5 * math.Log(2*math.Pi*a)
	}
	return l, nil
}

// Alpha and Sigma are the level's scales.
func (l *Level) Alpha() float64 { return l.alpha }

// Sigma is the standard deviation of the level's noise.
func (l *Level) Sigma() float64 { return l.sigma }

// work is the scratch space of one call.
type work struct{ xr, bar, out, w, wr []float64 }

func (l *Level) newWork() *work {
	d := l.m.Dim
	return &work{make([]float64, d), make([]float64, d), make([]float64, d), make([]float64, l.m.N()), make([]float64, d)}
}

// eigen returns x in the basis of C's eigenvectors: x itself, or Q^T x in buf.
func (l *Level) eigen(buf, x []float64) []float64 {
	if l.m.q == nil {
		return x
	}
	l.m.rotate(buf, x)
	return buf
}

// back writes v, in the basis of the eigenvectors, to dst in the usual one.
func (l *Level) back(dst, v []float64) {
	if l.m.q == nil {
		copy(dst, v)
		return
	}
	l.m.unrotate(dst, v)
}

// weigh fills w (N) with softmax(log w_n - 1/2 |x - alpha x_n|^2_A^-1) for x in the eigenbasis and returns log p_t(x).
func (l *Level) weigh(w, x []float64) float64 {
	d := l.m.Dim
	for n := range w {
		mean, sum := l.m.rotated[n*d:(n+1)*d], 0.0
		for i, v := range x {
			e := v - l.alpha*mean[i]
			sum += e * e * l.invA[i]
		}
		w[n] = l.m.logWeights[n] - 0.5*sum
	}
	return l.logNorm + softmax(w)
}

// average sets bar (d) to sum_n w_n x_n in the eigenbasis.
func (l *Level) average(bar, w []float64) {
	d := l.m.Dim
	clear(bar)
	for n, wn := range w {
		if wn == 0 {
			continue
		}
		for i, v := range l.m.rotated[n*d : (n+1)*d] {
			bar[i] += wn * v
		}
	}
}

// LogDensity sets dst (k) to log p_t(x) for the k rows of x (k x d).
func (l *Level) LogDensity(dst, x []float64) {
	d := l.m.Dim
	mustLen("log density", len(dst), rows("log density", x, d))
	s := l.newWork()
	for k := range dst {
		dst[k] = l.weigh(s.w, l.eigen(s.xr, x[k*d:(k+1)*d]))
	}
}

// Responsibilities sets dst (k x N) to P(component n | x_t) for the k rows of x (k x d).
func (l *Level) Responsibilities(dst, x []float64) {
	d, n := l.m.Dim, l.m.N()
	k := rows("responsibilities", x, d)
	mustLen("responsibilities", len(dst), k*n)
	s := l.newWork()
	for i := range k {
		l.weigh(dst[i*n:(i+1)*n], l.eigen(s.xr, x[i*d:(i+1)*d]))
	}
}

// Score sets dst (k x d) to grad log p_t(x) = sum_n w_n A^-1 (alpha x_n - x) for the rows of x (k x d). dst may be x.
func (l *Level) Score(dst, x []float64) {
	l.each("score", dst, x, func(s *work, xr []float64) {
		for i, v := range xr {
			s.out[i] = (l.alpha*s.bar[i] - v) * l.invA[i]
		}
	})
}

// Denoise sets dst (k x d) to the exact denoiser E[x0 | x_t = x] for the rows of x (k x d):
//
//	D(x) = sigma^2 A^-1 sum_n w_n x_n + alpha C A^-1 x, w = responsibilities at x.
//
// For C = s^2 I: D = (sigma^2/v) sum_n w_n x_n + (alpha s^2/v) x, v = sigma^2 + alpha^2 s^2 (memorization study, section 1);
// for C = 0 the weighted mean alone. dst may be x.
func (l *Level) Denoise(dst, x []float64) {
	l.each("denoise", dst, x, func(s *work, xr []float64) {
		s2 := l.sigma * l.sigma
		for i, v := range xr {
			s.out[i] = (s2*s.bar[i] + l.alpha*l.m.lambda[i]*v) * l.invA[i]
		}
	})
}

func (l *Level) each(what string, dst, x []float64, f func(s *work, xr []float64)) {
	d := l.m.Dim
	k := rows(what, x, d)
	mustLen(what, len(dst), len(x))
	s := l.newWork()
	for i := range k {
		xr := l.eigen(s.xr, x[i*d:(i+1)*d])
		l.weigh(s.w, xr)
		l.average(s.bar, s.w)
		f(s, xr)
		l.back(dst[i*d:(i+1)*d], s.out)
	}
}

// VJP sets dst (k x d) to J^T v, J = dD/dx (d x d) at the rows of x (k x d), v (k x d):
//
//	J = alpha C A^-1 + sigma^2 alpha A^-1 Cov_w(x_n) A^-1 = (alpha/sigma^2) Cov[x0 | x_t = x].
//
// J is symmetric for every covariance, so that this is J v too. dst may be v or x.
func (l *Level) VJP(dst, x, v []float64) {
	d := l.m.Dim
	k := rows("vjp", x, d)
	mustLen("vjp", len(dst), len(x))
	mustLen("vjp", len(v), len(x))
	s, y := l.newWork(), make([]float64, d)
	for r := range k {
		xr := l.eigen(s.xr, x[r*d:(r+1)*d])
		vr := l.eigen(s.wr, v[r*d:(r+1)*d])
		l.weigh(s.w, xr)
		l.average(s.bar, s.w)
		clear(y) // Cov_w A^-1 v = sum_n w_n (x_n - bar) (x_n - bar)^T A^-1 v
		for n, wn := range s.w {
			if wn == 0 {
				continue
			}
			mean, dot := l.m.rotated[n*d:(n+1)*d], 0.0
			for i, m := range mean {
				dot += (m - s.bar[i]) * l.invA[i] * vr[i]
			}
			for i, m := range mean {
				y[i] += wn * dot * (m - s.bar[i])
			}
		}
		s2 := l.sigma * l.sigma
		for i := range d {
			s.out[i] = l.alpha * l.invA[i] * (l.m.lambda[i]*vr[i] + s2*y[i])
		}
		l.back(dst[r*d:(r+1)*d], s.out)
	}
}
