package wave_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/wave"
)

// <J dv, w> = <dv, J^T w> for every order and boundary, in both precisions.
func TestDotProduct(t *testing.T) {
	for _, s := range settings(120) {
		t.Run(s.name, func(t *testing.T) {
			dotProduct[float64](t, s.Config, 1e-12)
			dotProduct[float32](t, s.Config, 1e-5)
		})
	}
}

func dotProduct[T cuda.Float](t *testing.T, c wave.Config, bound float64) {
	t.Helper()
	const models, many = 2, 2
	r := seeded(t)
	p := plan[T](t, c, 2)
	v, dv := rough[T](r, models*p.Nodes()), normals[T](r, models*many*p.Nodes(), 30)
	w := normals[T](r, models*many*p.Data(), 1)
	dd, g := make([]T, len(w)), make([]float64, len(dv))
	must(t, p.JVP(v, dv, many, dd))
	must(t, p.VJP(v, w, many, g))
	for k := range models * many {
		part := func(x []float64, n int) []float64 { return x[k*n:][:n] }
		dot := gradcheck.DotProduct(part(doubles(dv), p.Nodes()), part(doubles(dd), p.Data()), part(doubles(w), p.Data()), part(g, p.Nodes()))
		if err := dot.Check(bound); err != nil || dot.Tangent == 0 {
			t.Errorf("%T, direction %d: %v %v", T(0), k, dot, err)
		}
	}
}

// The gradient and J belong to the data: |F(v + h dv) - F(v) - h J dv| and the misfit's remainder fall as h^2.
func TestTaylor(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := draws{seededWith(5)} // a direction of which the second derivative is not by chance next to nothing
			p := plan[float64](t, s.Config, 2)
			v, dv := rough[float64](r, p.Nodes()), normals[float64](r, p.Nodes(), 1)
			v[7] = 1500 // the slowest for all steps: the sponge goes by it
			observed := make([]float64, p.Data())
			must(t, p.Forward(rough[float64](r, p.Nodes()), observed))
			d, dd, g := make([]float64, p.Data()), make([]float64, p.Data()), make([]float64, p.Nodes())
			must(t, p.JVP(v, dv, 1, dd))
			forward := func(x []float64) ([]float64, error) {
				out := make([]float64, p.Data())
				return out, p.Forward(x, out)
			}
			options := gradcheck.Options{H0: 40, Factor: 2, Rows: 8}
			table, err := gradcheck.Taylor(forward, v, dv, dd, options)
			must(t, err)
			slopeTwo(t, "J", table)
			must(t, p.Gradient(v, observed, []int{0}, d, g))
			slope := 0.0
			for i := range g {
				slope += g[i] * dv[i]
			}
			misfit := func(x []float64) ([]float64, error) {
				out := make([]float64, p.Data())
				err := p.Forward(x, out)
				sum := 0.0
				for i := range out {
					sum += (out[i] - observed[i]) * (out[i] - observed[i])
				}
				return []float64{sum / 2}, err
			}
			table, err = gradcheck.Taylor(misfit, v, dv, []float64{slope}, options)
			must(t, err)
			slopeTwo(t, "gradient", table)
		})
	}
}

// slopeTwo looks at the first-order remainder alone: along a direction that is nearly at right angles to a gradient the
// function itself changes by its second order for long.
func slopeTwo(t *testing.T, what string, table *gradcheck.Table) {
	t.Helper()
	if !(math.Abs(table.Order1-2) <= 0.1) {
		t.Errorf("%s: slope %g, want 2\n%v", what, table.Order1, table)
	}
}

// In float32 the slope agrees with a central difference of the misfit in float64.
func TestSlopeSingle(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := seeded(t)
			p, q := plan[float32](t, s.Config, 1), plan[float64](t, s.Config, 1)
			v, dv := rough[float32](r, p.Nodes()), normals[float64](r, p.Nodes(), 1)
			v[7] = 1500
			observed := make([]float32, p.Data())
			d, g := make([]float32, p.Data()), make([]float64, p.Nodes())
			must(t, p.Gradient(v, observed, []int{0}, d, g))
			slope := 0.0
			for i := range g {
				slope += g[i] * dv[i]
			}
			misfit := func(h float64) float64 {
				x, out := doubles(v), make([]float64, q.Data())
				for i := range x {
					x[i] += h * dv[i]
				}
				must(t, q.Forward(x, out))
				return gradcheck.Norm(out) * gradcheck.Norm(out) / 2
			}
			const h = 0.05
			want := (misfit(h) - misfit(-h)) / (2 * h)
			scale := gradcheck.Norm(g) * gradcheck.Norm(dv) / math.Sqrt(float64(len(g)))
			if !(math.Abs(slope-want) <= 1e-3*scale) {
				t.Errorf("slope %g, central difference %g, typical size %g", slope, want, scale)
			}
		})
	}
}
