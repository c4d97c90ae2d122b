// Package diffusion holds the noise schedules of diffusion models and the identities between score, denoiser and
// noise. Symbols: x_t = alpha_t x0 + sigma_t eps, t = 0..T-1, alpha_t = sqrt(alphabar_t).
package diffusion

// Schedule is a discrete variance-preserving schedule: x_t = Alpha[t] x0 + Sigma[t] eps, t = 0..T-1 with noise growing
// with t. Beta is the variance that step t adds, alphabar_t = prod_{j<=t} (1 - Beta[j]) = Alpha[t]^2.
type Schedule struct {
	Alpha, Sigma, Beta []float64 // each (T)
}

// Steps returns T.
func (s *Schedule) Steps() int { return len(s.Alpha) }
