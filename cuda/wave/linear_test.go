package wave_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// <J dv, w> = <dv, J^T w> for every order and boundary, in both precisions.
func TestDotProduct(t *testing.T) {
	for _, s := range settings(120) {
		marchtest.DotProduct(t, s.tried())
	}
}

// The gradient and J belong to the data.
func TestTaylor(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := marchtest.From(5) // a direction of which the second derivative is not by chance next to nothing
			p := plan[float64](t, s.Config, 2)
			v, dv := rough[float64](r, p.Nodes()), marchtest.Normals[float64](r, p.Nodes(), 1)
			v[7] = 1500 // the slowest for all steps: the sponge goes by it
			marchtest.Taylor(t, p, v, rough[float64](r, p.Nodes()), 40, marchtest.Along{Name: "v", DM: dv})
		})
	}
}

// In float32 the slope agrees with a central difference of the misfit in float64.
func TestSlopeSingle(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := marchtest.Seeded(t)
			p, q := plan[float32](t, s.Config, 1), plan[float64](t, s.Config, 1)
			v, dv := rough[float32](r, p.Nodes()), marchtest.Normals[float64](r, p.Nodes(), 1)
			v[7] = 1500
			marchtest.SlopeSingle(t, p, q, v, marchtest.Along{Name: "v", DM: dv})
		})
	}
}
