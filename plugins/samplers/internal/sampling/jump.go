package sampling

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
)

// Clean is the level below level 0: alpha = 1, sigma = 0, no noise left.
const Clean = -1

// Jump is one step of a reverse process from level t down to level s, of x given an estimate of x0:
//
//	x_s = X0 x0 + X x_t + Noise n, n ~ N(0, I).
//
// All the steps here have this form; what differs is how much fresh noise takes the place of the old.
type Jump struct{ X0, X, Noise float64 }

// DDIM returns the step of Song, Meng, Ermon, "Denoising diffusion implicit models" (ICLR 2021), equations 12 and 16:
//
//	x_s = alpha_s x0 + sqrt(sigma_s^2 - v) eps + sqrt(v) n, eps = (x_t - alpha_t x0)/sigma_t,
//	v = eta^2 (sigma_s^2/sigma_t^2) (1 - alpha_t^2/alpha_s^2).
//
// eta = 0 adds no noise, eta = 1 is [Ancestral]. s = Clean returns x0. Needs s < t, 0 <= eta <= 1.
func DDIM(d *diffusion.Schedule, t, s int, eta float64) Jump {
	if s == Clean {
		return Jump{X0: 1}
	}
	at, st, as, ss := d.Alpha[t], d.Sigma[t], d.Alpha[s], d.Sigma[s]
	v := eta * eta * (ss * ss / (st * st)) * stepVariance(d, t, s)
	k := math.Sqrt(max(0, ss*ss-v)) / st
	return Jump{X0: as - k*at, X: k, Noise: math.Sqrt(v)}
}

// Ancestral returns a draw from the exact q(x_s | x_t, x0), Ho, Jain, Abbeel, "Denoising diffusion probabilistic models"
// (NeurIPS 2020), equations 6 and 7, with beta = 1 - alphabar_t/alphabar_s (the schedule's beta_t when s = t - 1):
//
//	mean = (sqrt(alphabar_s) beta x0 + sqrt(1 - beta) (1 - alphabar_s) x_t)/(1 - alphabar_t),
//	variance = beta (1 - alphabar_s)/(1 - alphabar_t).
//
// s = Clean returns x0. Needs s < t.
func Ancestral(d *diffusion.Schedule, t, s int) Jump {
	if s == Clean {
		return Jump{X0: 1}
	}
	beta := stepVariance(d, t, s)
	as, vs, vt := d.Alpha[s], d.Sigma[s]*d.Sigma[s], d.Sigma[t]*d.Sigma[t]
	return Jump{X0: as * beta / vt, X: math.Sqrt(1-beta) * vs / vt, Noise: math.Sqrt(beta * vs / vt)}
}

// stepVariance is beta between two levels, 1 - alphabar_t/alphabar_s.
func stepVariance(d *diffusion.Schedule, t, s int) float64 {
	if s == t-1 {
		return d.Beta[t]
	}
	return (d.Sigma[t]*d.Sigma[t] - d.Sigma[s]*d.Sigma[s]) / (d.Alpha[s] * d.Alpha[s])
}

// Apply sets dst to the step from x with the estimate x0 and standard normals n, all of one length; n may be nil when
// Noise is 0. dst may be x.
func (j Jump) Apply(dst, x, x0, n []float64) {
	if j.Noise == 0 {
		for i := range dst {
			dst[i] = math.FMA(j.X0, x0[i], float64(j.X*x[i]))
		}
		return
	}
	for i := range dst {
		dst[i] = math.FMA(j.Noise, n[i], math.FMA(j.X0, x0[i], float64(j.X*x[i])))
	}
}

// Ladder returns the levels that a process of so many steps visits, lowest first: all T of the schedule for steps = 0 or T,
// otherwise round(i (T-1)/(steps-1)), i = 0..steps-1 (T-1 alone for one step), halves away from 0. The highest level is
// always T-1, and of two steps or more the lowest is 0. Errors: steps outside 0..T.
func Ladder(d *diffusion.Schedule, steps int) ([]int, error) {
	T := d.Steps()
	if steps < 0 || steps > T {
		return nil, fmt.Errorf("sampler: steps = %d; the prior's schedule has %d levels, so 1..%d are possible, or 0 for all: %w",
			steps, T, T, contract.ErrInvalidOption)
	}
	if steps == 0 {
		steps = T
	}
	levels := make([]int, steps)
	for i := range levels {
		levels[i] = T - 1
		if steps > 1 {
			levels[i] = (2*i*(T-1) + steps - 1) / (2 * (steps - 1))
		}
	}
	return levels, nil
}

// checkSchedule refuses a schedule whose steps would divide by 0 or that does not preserve variance.
func checkSchedule(d *diffusion.Schedule) error {
	if d == nil || d.Steps() == 0 || len(d.Sigma) != d.Steps() || len(d.Beta) != d.Steps() {
		return fmt.Errorf("the prior gives no schedule: %w", contract.ErrUnsupported)
	}
	last := 1.0
	for t := range d.Alpha {
		a, s := d.Alpha[t], d.Sigma[t]
		if !(a > 0 && a < last && s > 0) || math.Abs(a*a+s*s-1) > 1e-5 {
			return fmt.Errorf("the prior's schedule has alpha = %g, sigma = %g at level %d of %d after alpha = %g; alpha must fall "+
				"with the level, stay above 0, and alpha^2 + sigma^2 = 1", a, s, t, d.Steps(), last)
		}
		last = a
	}
	return nil
}
