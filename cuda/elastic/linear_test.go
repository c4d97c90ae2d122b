package elastic_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
)

// <J dm, w> = <dm, J^T w> for every order and boundary, in both precisions.
func TestDotProduct(t *testing.T) {
	for _, s := range settings(120) {
		t.Run(s.name, func(t *testing.T) {
			dotProduct[float64](t, s.Config, 1e-12)
			dotProduct[float32](t, s.Config, 1e-5)
		})
	}
}

func dotProduct[T cuda.Float](t *testing.T, c elastic.Config, bound float64) {
	t.Helper()
	const models, many = 2, 2
	r := seeded(t)
	p := plan[T](t, c, 2)
	m := append(rough[T](r, &c), rough[T](r, &c)...)
	dm, w := directions[T](r, &c, models*many, 30), normals[T](r, models*many*p.Data(), 1)
	dd, g := make([]T, len(w)), make([]float64, len(dm))
	must(t, p.JVP(m, dm, many, dd))
	must(t, p.VJP(m, w, many, g))
	for k := range models * many {
		part := func(x []float64, n int) []float64 { return x[k*n:][:n] }
		dot := gradcheck.DotProduct(part(doubles(dm), p.Nodes()), part(doubles(dd), p.Data()), part(doubles(w), p.Data()), part(g, p.Nodes()))
		if err := dot.Check(bound); err != nil || dot.Tangent == 0 {
			t.Errorf("%T, direction %d: %v %v", T(0), k, dot, err)
		}
	}
}

// misfit of a plan: 1/2 |F(m) - observed|^2, scaled.
func misfit(t *testing.T, p *elastic.Plan[float64], observed []float64, scale float64) func(m []float64) ([]float64, error) {
	t.Helper()
	return func(m []float64) ([]float64, error) {
		d := make([]float64, p.Data())
		err := p.Forward(m, d)
		sum := 0.0
		for i := range d {
			sum += (d[i] - observed[i]) * (d[i] - observed[i])
		}
		return []float64{scale * sum / 2}, err
	}
}

// The gradient and J belong to the data, for each of vp, vs and rho by itself and for all: |F(m + h dm) - F(m) - h J dm| and the
// misfit's remainder fall as h^2.
func TestTaylor(t *testing.T) {
	for _, s := range settings(90) {
		t.Run(s.name, func(t *testing.T) {
			r := draws{seededWith(5)} // directions of which the second derivative is not by chance next to nothing
			p := plan[float64](t, s.Config, 2)
			m, all := rough[float64](r, &s.Config), directions[float64](r, &s.Config, 1, 1)
			observed := make([]float64, p.Data())
			must(t, p.Forward(rough[float64](r, &s.Config), observed))
			scale := 1 / gradcheck.Norm(observed) / gradcheck.Norm(observed)
			d, dd, g := make([]float64, p.Data()), make([]float64, p.Data()), make([]float64, p.Nodes())
			must(t, p.Gradient(m, observed, []int{0}, d, g))
			forward := func(x []float64) ([]float64, error) {
				out := make([]float64, p.Data())
				return out, p.Forward(x, out)
			}
			n := p.Nodes() / 3
			for k, what := range []string{"vp", "vs", "rho", "all"} {
				dm := make([]float64, 3*n)
				if k == 3 {
					copy(dm, all)
				} else {
					copy(dm[k*n:], all[k*n:][:n])
				}
				options := gradcheck.Options{H0: 20, Factor: 2, Rows: 8}
				must(t, p.JVP(m, dm, 1, dd))
				table, err := gradcheck.Taylor(forward, m, dm, dd, options)
				must(t, err)
				slopeTwo(t, "J, "+what, table)
				slope := 0.0
				for i := range g {
					slope += scale * g[i] * dm[i]
				}
				table, err = gradcheck.Taylor(misfit(t, p, observed, scale), m, dm, []float64{slope}, options)
				must(t, err)
				slopeTwo(t, "gradient, "+what, table)
			}
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
