package marchtest

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// DotProduct wants <J dm, w> = <dm, J^T w>, to 1e-12 in float64 and 1e-5 in float32, for two models with two directions each.
func DotProduct(t *testing.T, c Case) {
	t.Run(c.Name, func(t *testing.T) {
		dotProduct(t, c.Double, 1e-12)
		dotProduct(t, c.Single, 1e-5)
	})
}

func dotProduct[T cuda.Float](t *testing.T, f Family[T], bound float64) {
	t.Helper()
	const models, many = 2, 2
	r := Seeded(t)
	p, err := f.New(twin.CPU(t, 2), How{})
	Must(t, err)
	m := append(f.Model(r), f.Model(r)...)
	dm, w := f.Directions(r, models*many, 30), Normals[T](r, models*many*p.Data(), 1)
	dd, g := make([]T, len(w)), make([]float64, len(dm))
	Must(t, p.JVP(m, dm, many, dd))
	Must(t, p.VJP(m, w, many, g))
	for k := range models * many {
		part := func(x []float64, n int) []float64 { return x[k*n:][:n] }
		dot := gradcheck.DotProduct(part(Doubles(dm), p.Nodes()), part(Doubles(dd), p.Data()), part(Doubles(w), p.Data()), part(g, p.Nodes()))
		if err := dot.Check(bound); err != nil || dot.Tangent == 0 {
			t.Errorf("%T, direction %d: %v %v", T(0), k, dot, err)
		}
	}
}

// Along is a direction by name.
type Along struct {
	Name string
	DM   []float64
}

// Taylor wants a gradient and J at m that belong to the data along each direction: |F(m + h dm) - F(m) - h J dm| and the remainder of
// phi(m) = 1/2 |F(m) - F(other)|^2 fall as h^2 from h0 on, by halves. It looks at the first-order remainder alone: along a direction
// that is nearly at right angles to a gradient the function itself changes by its second order for long.
func Taylor(t *testing.T, p Plan[float64], m, other []float64, h0 float64, along ...Along) {
	t.Helper()
	forward := func(x []float64) ([]float64, error) {
		d := make([]float64, p.Data())
		return d, p.Forward(x, d)
	}
	observed, err := forward(other)
	Must(t, err)
	scale := 1 / gradcheck.Norm(observed) / gradcheck.Norm(observed)
	misfit := func(x []float64) ([]float64, error) {
		d, err := forward(x)
		sum := 0.0
		for i := range d {
			sum += (d[i] - observed[i]) * (d[i] - observed[i])
		}
		return []float64{scale * sum / 2}, err
	}
	d, g := make([]float64, p.Data()), make([]float64, p.Nodes())
	Must(t, p.Gradient(m, observed, []int{0}, d, g))
	slopeTwo := func(what string, f func(x []float64) ([]float64, error), dm, df []float64) {
		t.Helper()
		table, err := gradcheck.Taylor(f, m, dm, df, gradcheck.Options{H0: h0, Factor: 2, Rows: 8})
		Must(t, err)
		if !(math.Abs(table.Order1-2) <= 0.1) {
			t.Errorf("%s: slope %g, want 2\n%v", what, table.Order1, table)
		}
	}
	for _, a := range along {
		dd, slope := make([]float64, p.Data()), 0.0
		Must(t, p.JVP(m, a.DM, 1, dd))
		slopeTwo("J, "+a.Name, forward, a.DM, dd)
		for i := range g {
			slope += scale * g[i] * a.DM[i]
		}
		slopeTwo("gradient, "+a.Name, misfit, a.DM, []float64{slope})
	}
}

// SlopeSingle wants the slope of 1/2 |F(m)|^2 in float32, along each direction, to agree with its central difference in float64, to 1e-3 of
// what such a slope has by chance, sqrt(sum (g dm)^2). p and q are plans of one configuration.
func SlopeSingle(t *testing.T, p Plan[float32], q Plan[float64], m []float32, along ...Along) {
	t.Helper()
	d, g := make([]float32, p.Data()), make([]float64, p.Nodes())
	Must(t, p.Gradient(m, make([]float32, p.Data()), []int{0}, d, g))
	for _, a := range along {
		slope, typical := 0.0, 0.0
		for i, x := range g {
			slope += x * a.DM[i]
			typical += x * a.DM[i] * x * a.DM[i]
		}
		misfit := func(h float64) float64 {
			x, out := Doubles(m), make([]float64, q.Data())
			for i := range x {
				x[i] += h * a.DM[i]
			}
			Must(t, q.Forward(x, out))
			return gradcheck.Norm(out) * gradcheck.Norm(out) / 2
		}
		const h = 0.05
		want := (misfit(h) - misfit(-h)) / (2 * h)
		if !(math.Abs(slope-want) <= 1e-3*math.Sqrt(typical)) || typical == 0 {
			t.Errorf("along %s: slope %g, central difference %g, typical size %g", a.Name, slope, want, math.Sqrt(typical))
		}
	}
}
