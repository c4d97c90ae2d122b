package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// <J dm, w> = <dm, J^T w> for every order and boundary, in both precisions.
func TestDotProduct(t *testing.T) {
	for _, s := range settings(120) {
		marchtest.DotProduct(t, s.tried())
	}
}

// The gradient and J belong to the data, for each of vp, vs and rho by itself and for all.
func TestTaylor(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := marchtest.From(5) // directions of which the second derivative is not by chance next to nothing
			p := plan[float64](t, s.Config, 2)
			m, all := rough[float64](r, &s.Config), directions[float64](r, &s.Config, 1, 1)
			marchtest.Taylor(t, p, m, rough[float64](r, &s.Config), 20, each(all)...)
		})
	}
}

// In float32 the slope along a direction of vp, of vs, of rho and of all agrees with a central difference of the misfit in float64.
func TestSlopeSingle(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := marchtest.Seeded(t)
			p, q := plan[float32](t, s.Config, 1), plan[float64](t, s.Config, 1)
			m := rough[float32](r, &s.Config)
			marchtest.SlopeSingle(t, p, q, m, each(directions[float64](r, &s.Config, 1, 1))...)
		})
	}
}

// each is a direction of vp, vs and rho, and each of them by itself.
func each(all []float64) []marchtest.Along {
	along, n := []marchtest.Along{{Name: "all", DM: all}}, len(all)/3
	for k, field := range []string{"vp", "vs", "rho"} {
		dm := make([]float64, len(all))
		copy(dm[k*n:], all[k*n:][:n])
		along = append(along, marchtest.Along{Name: field, DM: dm})
	}
	return along
}
