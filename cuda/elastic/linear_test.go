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
			n := p.Nodes() / 3
			along := []marchtest.Along{{Name: "all", DM: all}}
			for k, field := range []string{"vp", "vs", "rho"} {
				dm := make([]float64, 3*n)
				copy(dm[k*n:], all[k*n:][:n])
				along = append(along, marchtest.Along{Name: field, DM: dm})
			}
			marchtest.Taylor(t, p, m, rough[float64](r, &s.Config), 20, along...)
		})
	}
}
