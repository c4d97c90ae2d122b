// Package diffusion holds the noise schedules of diffusion models, the identities between score, denoiser and noise, and
// the coefficients of the reverse steps (ancestral and DDIM). Symbols: x_t = alpha_t x0 + sigma_t eps, t = 0..T-1,
// alpha_t = sqrt(alphabar_t), sigma_t = sqrt(1 - alphabar_t), alphabar_t = prod_{j<=t} (1 - beta_j).
//
// Main types: [Schedule], from [Linear], [SqrtLinear] or [FromBetas]; [Step], one reverse step's three coefficients.
//
//	s, err := diffusion.Linear(200, 1e-4, 0.02)
//	for t := s.Steps() - 1; t >= 0; t-- {
//		// x0 = the denoiser's answer for x at level t, z = standard normals
//		s.Ancestral(t).Apply(x, x0, x, z)
//	}
//
// It is neither a sampler nor a network: it draws no noise and knows no prior.
package diffusion

import (
	"fmt"
	"math"
)

// Schedule is a discrete variance-preserving schedule: x_t = Alpha[t] x0 + Sigma[t] eps, t = 0..T-1 with noise growing
// with t. Beta is the variance that step t adds, alphabar_t = prod_{j<=t} (1 - Beta[j]) = Alpha[t]^2.
type Schedule struct {
	Alpha, Sigma, Beta []float64 // each (T)
}

// Steps returns T.
func (s *Schedule) Steps() int { return len(s.Alpha) }

// FromBetas returns the schedule of the given betas (copied), each in (0, 1). Sigma is summed up by itself, sigma_t^2 =
// (1 - beta_t) sigma_{t-1}^2 + beta_t, and so keeps its digits where alphabar is close to 1.
func FromBetas(beta []float64) (*Schedule, error) {
	n := len(beta)
	if n == 0 {
		return nil, fmt.Errorf("diffusion: schedule of 0 steps, at least 1 is needed")
	}
	s := &Schedule{make([]float64, n), make([]float64, n), append([]float64(nil), beta...)}
	alphabar, variance := 1., 0.
	for t, b := range beta {
		if !(b > 0 && b < 1) {
			return nil, fmt.Errorf("diffusion: beta[%d] = %v, must be in (0, 1)", t, b)
		}
		alphabar *= 1 - b
		variance = math.FMA(1-b, variance, b)
		s.Alpha[t], s.Sigma[t] = math.Sqrt(alphabar), math.Sqrt(variance)
		if alphabar < 0x1p-1022 { // smallest normal double
			return nil, fmt.Errorf("diffusion: step %d of %d leaves no signal (alphabar = %v): fewer steps or smaller betas", t, n, alphabar)
		}
	}
	return s, nil
}

// Linear returns the schedule with beta = linspace(b0, b1, T) of Ho, Jain, Abbeel (2020), section 4. T >= 1 (T = 1 takes
// b0), 0 < b0 <= b1 < 1.
func Linear(steps int, b0, b1 float64) (*Schedule, error) {
	if err := checkRange("linear", steps, b0, b1); err != nil {
		return nil, err
	}
	return FromBetas(linspace(b0, b1, steps))
}

// SqrtLinear returns the schedule with beta = linspace(sqrt b0, sqrt b1, T)^2, the "scaled linear" one of latent diffusion
// (Rombach et al. 2022). Ranges as for Linear.
func SqrtLinear(steps int, b0, b1 float64) (*Schedule, error) {
	if err := checkRange("square-root-linear", steps, b0, b1); err != nil {
		return nil, err
	}
	beta := linspace(math.Sqrt(b0), math.Sqrt(b1), steps)
	for t, r := range beta {
		beta[t] = r * r
	}
	return FromBetas(beta)
}

func checkRange(name string, steps int, b0, b1 float64) error {
	if steps < 1 {
		return fmt.Errorf("diffusion: %s schedule of %d steps, at least 1 is needed", name, steps)
	}
	if !(b0 > 0 && b0 <= b1 && b1 < 1) {
		return fmt.Errorf("diffusion: %s schedule from beta %v to %v, needed: 0 < first <= last < 1", name, b0, b1)
	}
	return nil
}

// linspace returns n values from a to b, both ends exact.
func linspace(a, b float64, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = math.FMA(float64(i), (b-a)/float64(max(n-1, 1)), a)
	}
	if n > 1 {
		v[n-1] = b
	}
	return v
}

// tolerance of Validate: each of its relations holds step by step, so float32 arithmetic in a plugin passes.
const tolerance = 1e-6

// Validate checks a schedule that came from elsewhere (a plugin, a file): equal lengths of at least 1, alpha, sigma and
// beta in (0, 1) (sigma may round to 1), alpha^2 + sigma^2 = 1 and alpha_t^2 = (1 - beta_t) alpha_{t-1}^2 with alpha_{-1} = 1, both to 1e-6. So alpha falls
// and sigma grows with t.
func (s *Schedule) Validate() error {
	n := len(s.Alpha)
	if n == 0 || len(s.Sigma) != n || len(s.Beta) != n {
		return fmt.Errorf("diffusion: schedule with %d alphas, %d sigmas, %d betas, needed: the same number, at least 1",
			n, len(s.Sigma), len(s.Beta))
	}
	previous := 1.
	for t := range n {
		a, g, b := s.Alpha[t], s.Sigma[t], s.Beta[t]
		for i, v := range []float64{a, g, b} {
			if sigma := i == 1; !(v > 0 && (v < 1 || sigma && v == 1)) {
				name := [...]string{"alpha", "sigma", "beta"}[i]
				return fmt.Errorf("diffusion: schedule has %s[%d] = %v, must be in (0, 1)", name, t, v)
			}
		}
		if d := float64(a*a) + float64(g*g) - 1; math.Abs(d) > tolerance {
			return fmt.Errorf("diffusion: schedule has alpha[%d]^2 + sigma[%d]^2 = %v, must be 1 within %v", t, t, d+1, tolerance)
		}
		if want := (1 - b) * previous * previous; math.Abs(a*a-want) > tolerance*want {
			return fmt.Errorf("diffusion: schedule has alpha[%d]^2 = %v, but (1 - beta[%d]) alpha[%d]^2 = %v, must agree within a factor 1 +- %v",
				t, a*a, t, t-1, want, tolerance)
		}
		previous = a
	}
	return nil
}

// Respace returns the schedule of a subset of the steps: increasing indices into s. Alpha and Sigma are those of s, Beta is
// recomputed, beta_k = 1 - alphabar_{steps[k]}/alphabar_{steps[k-1]} (Nichol, Dhariwal 2021, section 4). A network trained
// on s is asked at level steps[k] where the new schedule is at k.
func (s *Schedule) Respace(steps []int) (*Schedule, error) {
	if len(steps) == 0 {
		return nil, fmt.Errorf("diffusion: respacing to 0 steps, at least 1 is needed")
	}
	r := &Schedule{}
	next := 0
	for k, t := range steps {
		if t < next || t >= s.Steps() {
			return nil, fmt.Errorf("diffusion: respacing step %d is %d, must increase and be in [0, %d)", k, t, s.Steps())
		}
		b := 0.
		for ; next <= t; next++ {
			b = math.FMA(1-b, s.Beta[next], b) // 1 - prod (1 - beta), without its cancellation
		}
		r.Alpha, r.Sigma, r.Beta = append(r.Alpha, s.Alpha[t]), append(r.Sigma, s.Sigma[t]), append(r.Beta, b)
	}
	return r, nil
}

// Spaced returns n step indices spread evenly over 0..total-1, the first and the last among them: round(k (total-1)/(n-1)),
// halves upwards; for n = 1 the last alone. 1 <= n <= total.
func Spaced(total, n int) ([]int, error) {
	if n < 1 || n > total {
		return nil, fmt.Errorf("diffusion: %d of %d steps, must be in [1, %d]", n, total, total)
	}
	if n == 1 {
		return []int{total - 1}, nil
	}
	steps := make([]int, n)
	for k := range steps {
		steps[k] = (2*k*(total-1) + n - 1) / (2 * (n - 1))
	}
	return steps, nil
}
