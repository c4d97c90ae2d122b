// Package mixture holds Gaussian mixtures in closed form: the perfectly memorised diffusion prior, its exact denoiser at
// every noise level, the posterior it gives once the forward map is linearised about each component, and a dense grid that
// integrates a posterior in one or two dimensions with nothing approximated.
//
// Main types
//
//   - [Mixture]: N components that share one covariance (a variance, a diagonal, or a Cholesky factor).
//   - [Level]: the mixture seen through x_t = alpha x0 + sigma eps; density, score, denoiser and its Jacobian.
//   - [Posterior]: N components, each with a covariance of its own, as [Linearise] makes it.
//   - [Grid] and [GridDensity]: the reference that the others are judged against.
//
// Example: the denoiser of five training points that have been memorised with width s = 0.05,
//
//	m, err := mixture.New(points, 2, nil, mixture.Isotropic(0.05*0.05))
//	l, err := m.At(alpha, sigma)
//	l.Denoise(x0, xt) // both k x 2
//
// Conventions: vectors are float64, sets of vectors are row-major (k x d) in one slice. All sums run in index order, so
// that results do not depend on how callers batch. Noise is passed in, so that draws use the caller's generator. Slices of
// a wrong length are a programming error and panic; values that make no sense (negative variance, a factor that is not
// lower triangular, a matrix that is not positive definite) are errors.
//
// What it is not: it fits no mixture to data, it knows no solver (the caller brings residuals and Jacobians), and it speaks
// no plugin protocol; plugins/priors/gmm and plugins/samplers/gmm-posterior do that.
//
// Symbols and formulas are those of the memorization study, sections 1 and 2; C is the shared covariance, s^2 I there.
package mixture
