package diffusion

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// The identities on random vectors with a known x0 and eps, each against the definition x = alpha x0 + sigma eps.
func TestIdentities(t *testing.T) {
	const seed, n = 7, 50
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	s := must(t)(Linear(200, 1e-4, 0.02))
	for _, level := range []int{0, 1, 100, 199} {
		x, x0, eps, score, got := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
		for i := range x {
			x0[i], eps[i] = r.NormFloat64(), r.NormFloat64()
			x[i] = s.Alpha[level]*x0[i] + s.Sigma[level]*eps[i]
			// The score of N(alpha x0, sigma^2) at x.
			score[i] = -(x[i] - s.Alpha[level]*x0[i]) / (s.Sigma[level] * s.Sigma[level])
		}
		for _, c := range []struct {
			name string
			want []float64
			call func(dst []float64)
		}{
			{"X0FromNoise", x0, func(d []float64) { s.X0FromNoise(d, x, eps, level) }},
			{"X0FromScore", x0, func(d []float64) { s.X0FromScore(d, x, score, level) }},
			{"NoiseFromX0", eps, func(d []float64) { s.NoiseFromX0(d, x, x0, level) }},
			{"NoiseFromScore", eps, func(d []float64) { s.NoiseFromScore(d, score, level) }},
			{"ScoreFromX0", score, func(d []float64) { s.ScoreFromX0(d, x, x0, level) }},
			{"ScoreFromNoise", score, func(d []float64) { s.ScoreFromNoise(d, eps, level) }},
			{"X0FromNoise in place", x0, func(d []float64) { copy(d, x); s.X0FromNoise(d, d, eps, level) }},
		} {
			c.call(got)
			for i := range got {
				// Digits lost where sigma = 0.01: eps to 1e-14, the score (divided by sigma once more) to 1e-12.
				within(t, fmt.Sprintf("%s, level %d, element %d", c.name, level, i), got[i], c.want[i], 1e-13*max(1, math.Abs(c.want[i]))/s.Sigma[level])
			}
		}
	}
}

// Every step, of whatever eta, takes N(alpha_t x0, sigma_t^2) to N(alpha_{t-1} x0, sigma_{t-1}^2) when x0 is known.
func TestStepsKeepTheMarginal(t *testing.T) {
	s := must(t)(SqrtLinear(300, 1e-4, 0.05))
	for level := 1; level < 300; level++ {
		steps := map[string]Step{"ancestral": s.Ancestral(level)}
		for _, eta := range []float64{0, 0.3, 1} {
			steps[fmt.Sprintf("DDIM eta %v", eta)] = s.DDIM(level, eta)
		}
		for name, c := range steps {
			name = fmt.Sprintf("%s, level %d: ", name, level)
			within(t, name+"mean", (c.X0+c.X*s.Alpha[level])/s.Alpha[level-1], 1, 1e-14)
			g := s.Sigma[level-1]
			within(t, name+"variance", (c.X*c.X*s.Sigma[level]*s.Sigma[level]+c.Noise*c.Noise)/(g*g), 1, 1e-14)
		}
		a, d := s.Ancestral(level), s.DDIM(level, 1)
		within(t, "DDIM eta 1: X0", d.X0, a.X0, 1e-13)
		within(t, "DDIM eta 1: X", d.X, a.X, 1e-13)
		within(t, "DDIM eta 1: Noise", d.Noise, a.Noise, 1e-13)
		if d := s.DDIM(level, 0); d.Noise != 0 {
			t.Errorf("DDIM of eta 0 has noise %v", d.Noise)
		}
	}
	for name, c := range map[string]Step{"ancestral": s.Ancestral(0), "DDIM": s.DDIM(0, 0), "DDIM eta 1": s.DDIM(0, 1)} {
		if c != (Step{X0: 1}) {
			t.Errorf("%s at t = 0: %+v, must be x0 alone", name, c)
		}
	}
}

// The formulas of spec/memorization.md, section 3, with alphabar multiplied out here.
func TestStepFormulas(t *testing.T) {
	s := must(t)(Linear(200, 1e-4, 0.02))
	bar := func(level int) float64 {
		p := 1.
		for j := range level + 1 {
			p *= 1 - (1e-4 + (0.02-1e-4)*float64(j)/199)
		}
		return p
	}
	x0, x, z := 0.7, -1.3, 0.4
	for _, level := range []int{1, 2, 100, 199} {
		b, a, p := 1e-4+(0.02-1e-4)*float64(level)/199, bar(level), bar(level-1)
		mean := (math.Sqrt(p)*b*x0 + math.Sqrt(1-b)*(1-p)*x) / (1 - a)
		want := mean + math.Sqrt(b*(1-p)/(1-a))*z
		dst := []float64{0}
		s.Ancestral(level).Apply(dst, []float64{x0}, []float64{x}, []float64{z})
		within(t, fmt.Sprintf("ancestral step at %d", level), dst[0], want, 1e-11) // 1 - alphabar loses digits here
		eps := (x - math.Sqrt(a)*x0) / math.Sqrt(1-a)
		s.DDIM(level, 0).Apply(dst, []float64{x0}, []float64{x}, nil)
		within(t, fmt.Sprintf("DDIM step at %d", level), dst[0], math.Sqrt(p)*x0+math.Sqrt(1-p)*eps, 1e-11)
	}
}

// chain pushes mean and variance of x_T through the reverse steps with the exact denoiser of x0 ~ N(mu, v), which is
// linear: D(x) = mu + k (x - alpha mu), k = alpha v/(alpha^2 v + sigma^2).
func chain(s *Schedule, step func(int) Step, mu, v, mean, variance float64) (float64, float64) {
	for level := s.Steps() - 1; level >= 0; level-- {
		c := step(level)
		a, g := s.Alpha[level], s.Sigma[level]
		k := a * v / (a*a*v + g*g)
		slope := c.X0*k + c.X
		mean = c.X0*mu*(1-k*a) + slope*mean
		variance = slope*slope*variance + c.Noise*c.Noise
	}
	return mean, variance
}

// From the exact marginal at T-1 every sampler keeps the mean, and its variance tends to the target's with the number of
// steps, at first order: twice the steps (with half the betas), half the error.
func TestGaussianChainConverges(t *testing.T) {
	for _, target := range []struct{ mu, v float64 }{{0, 1}, {2, 0.25}, {-1, 4}, {0.5, 0.01}} {
		for name, eta := range map[string]float64{"ancestral": -1, "DDIM": 0, "DDIM eta 0.5": 0.5} {
			var errs []float64
			for _, steps := range []int{500, 1000, 2000, 4000} {
				scale := 1000 / float64(steps)
				s := must(t)(Linear(steps, 1e-4*scale*scale, 0.02*scale))
				step := s.Ancestral
				if eta >= 0 {
					step = func(level int) Step { return s.DDIM(level, eta) }
				}
				a, g := s.Alpha[steps-1], s.Sigma[steps-1]
				mean, variance := chain(s, step, target.mu, target.v, a*target.mu, a*a*target.v+g*g)
				within(t, fmt.Sprintf("%s, N(%v, %v), %d steps: mean", name, target.mu, target.v, steps), mean, target.mu, 1e-11)
				errs = append(errs, math.Abs(variance/target.v-1))
			}
			t.Logf("%s, N(%v, %v): relative error of the variance %.2g", name, target.mu, target.v, errs)
			if last := errs[3]; last > 0.02 {
				t.Errorf("%s, N(%v, %v): relative error of the variance %.3g after 4000 steps", name, target.mu, target.v, last)
			}
			for i := range 3 {
				if r := errs[i] / errs[i+1]; errs[i+1] > 1e-10 && (r < 1.7 || r > 2.6) {
					t.Errorf("%s, N(%v, %v): error falls by %.2f from %d to %d steps, first order is 2",
						name, target.mu, target.v, r, 500<<i, 1000<<i)
				}
			}
		}
	}
}

func TestPanics(t *testing.T) {
	s := must(t)(Linear(10, 1e-4, 0.02))
	for name, f := range map[string]func(){
		"eta":            func() { s.DDIM(3, 1.5) },
		"eta NaN":        func() { s.DDIM(0, math.NaN()) },
		"level":          func() { s.Ancestral(10) },
		"lengths":        func() { s.X0FromNoise(make([]float64, 2), make([]float64, 3), make([]float64, 2), 0) },
		"missing noise":  func() { s.Ancestral(5).Apply(make([]float64, 2), make([]float64, 2), make([]float64, 2), nil) },
		"negative level": func() { s.DDIM(-1, 0) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
