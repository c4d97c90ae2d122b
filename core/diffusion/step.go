package diffusion

import (
	"fmt"
	"math"
)

// Step is one reverse step from level t to t-1: x_{t-1} = X0 x0 + X x_t + Noise z, x0 the denoiser's answer at x_t and z
// standard normal. If x0 were the truth, x_{t-1} would again be N(alpha_{t-1} x0, sigma_{t-1}^2): X0 + X alpha_t =
// alpha_{t-1} and X^2 sigma_t^2 + Noise^2 = sigma_{t-1}^2 (TestStepsKeepTheMarginal).
type Step struct {
	X0, X, Noise float64
}

// Ancestral returns the step that draws from DDPM's posterior q(x_{t-1} | x_t, x0) (Ho, Jain, Abbeel 2020, eq. 6 and 7):
//
//	mean     (sqrt(alphabar_{t-1}) beta_t x0 + sqrt(1-beta_t) (1-alphabar_{t-1}) x)/(1-alphabar_t)
//	variance beta_t (1-alphabar_{t-1})/(1-alphabar_t)
//
// At t = 0 it is x0 itself, without noise. It panics on t outside [0, T).
func (s *Schedule) Ancestral(t int) Step {
	if t == 0 {
		return Step{X0: 1}
	}
	beta, v, vPrevious := s.Beta[t], s.Sigma[t]*s.Sigma[t], s.Sigma[t-1]*s.Sigma[t-1]
	return Step{
		X0:    s.Alpha[t-1] * beta / v,
		X:     math.Sqrt(1-beta) * vPrevious / v,
		Noise: math.Sqrt(beta * vPrevious / v),
	}
}

// DDIM returns the step of Song, Meng, Ermon (2021), eq. 12 and 16, with eps = (x - alpha_t x0)/sigma_t:
//
//	x_{t-1} = alpha_{t-1} x0 + sqrt(sigma_{t-1}^2 - Noise^2) eps + Noise z
//	Noise   = eta sqrt(beta_t) sigma_{t-1}/sigma_t
//
// eta = 0 is the deterministic step x = alpha_{t-1} x0 + sigma_{t-1} eps, eta = 1 is Ancestral. At t = 0 it is x0 itself.
// It panics on t outside [0, T) and on eta outside [0, 1].
func (s *Schedule) DDIM(t int, eta float64) Step {
	if !(eta >= 0 && eta <= 1) {
		panic(fmt.Sprintf("diffusion: DDIM with eta = %v, must be in [0, 1]", eta))
	}
	if t == 0 {
		return Step{X0: 1}
	}
	// sigma_{t-1}^2 - Noise^2 = (sigma_{t-1}/sigma_t)^2 (sigma_t^2 - eta^2 beta_t), which is positive: sigma_t^2 > beta_t.
	ratio := s.Sigma[t-1] / s.Sigma[t]
	g := eta * math.Sqrt(s.Beta[t]) / s.Sigma[t] // at most 1
	x := ratio * math.Sqrt(max(0, (1-g)*(1+g)))
	return Step{
		X0:    math.FMA(-s.Alpha[t], x, s.Alpha[t-1]),
		X:     x,
		Noise: eta * math.Sqrt(s.Beta[t]) * ratio,
	}
}

// Apply sets dst to X0 x0 + X x + Noise z, all of one length; dst may be x, x0 or z. z may be nil where Noise is 0. It
// panics on unequal lengths.
func (c Step) Apply(dst, x0, x, z []float64) {
	checkLengths(len(dst), len(x0), len(x))
	if c.Noise == 0 {
		for i := range dst {
			dst[i] = math.FMA(c.X, x[i], float64(c.X0*x0[i]))
		}
		return
	}
	checkLengths(len(dst), len(z), len(z))
	for i := range dst {
		dst[i] = math.FMA(c.Noise, z[i], math.FMA(c.X, x[i], float64(c.X0*x0[i])))
	}
}
