package elastic_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
)

// In float32 the slope of the misfit along a direction of vp, of vs, of rho and of all agrees with a central difference of the
// misfit in float64, for every order and boundary.
func TestSlopeSingle(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := seeded(t)
			p, q := plan[float32](t, s.Config, 1), plan[float64](t, s.Config, 1)
			m, all := rough[float32](r, &s.Config), directions[float64](r, &s.Config, 1, 1)
			zero, observed := make([]float32, p.Data()), make([]float64, p.Data())
			d, g := make([]float32, p.Data()), make([]float64, p.Nodes())
			must(t, p.Gradient(m, zero, []int{0}, d, g))
			phi, n := misfit(t, q, observed, 1), p.Nodes()/3
			for k, what := range []string{"vp", "vs", "rho", "all"} {
				dm := make([]float64, 3*n)
				if k == 3 {
					copy(dm, all)
				} else {
					copy(dm[k*n:], all[k*n:][:n])
				}
				slope, size := 0.0, 0.0
				for i := range g {
					slope += g[i] * dm[i]
					size += g[i] * dm[i] * g[i] * dm[i]
				}
				at := func(h float64) float64 {
					x := doubles(m)
					for i := range x {
						x[i] += h * dm[i]
					}
					y, err := phi(x)
					must(t, err)
					return y[0]
				}
				const h = 0.05
				want, typical := (at(h)-at(-h))/(2*h), math.Sqrt(size)
				if !(math.Abs(slope-want) <= 1e-3*typical) || !(gradcheck.Norm(g) > 0) {
					t.Errorf("%s: slope %g, central difference %g, typical size %g", what, slope, want, typical)
				}
			}
		})
	}
}
