package maximum

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// section is a latent space of two fields on a grid of 5 x 7.
func section() *space.Space {
	return &space.Space{Name: "latent", DType: tensor.Float64, Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}, {Name: "rho", Unit: "kg/m3"}},
		Axes: []space.Axis{{Name: "field", Size: 2}, {Name: "z", Unit: "m", Size: 5, Step: 20}, {Name: "x", Unit: "m", Size: 7, Step: 20}}}
}

// TestDerivatives: the objective's terms, as functions of the optimiser's variables, and what pull says are their derivatives
// (Taylor slopes 1 and 2), with bounds and weights and without.
func TestDerivatives(t *testing.T) {
	sp := section()
	d := sp.Len()
	mix, err := mixture.New(append(make([]float64, d), vector(d, 3, 1)...), d, []float64{0.3, 0.7}, mixture.Isotropic(4))
	if err != nil {
		t.Fatal(err)
	}
	level, err := mix.At(1, 0)
	if err != nil {
		t.Fatal(err)
	}
	bounds := Options{Lower: []float64{-3, -5}, Upper: []float64{4}}
	for name, tc := range map[string]struct {
		o    Options
		law  law
		held int // coordinates whose derivative is 0
	}{
		"normal":           {Options{}, law{std: 0.7}, 0},
		"mixture":          {Options{}, law{mixture: level}, 0},
		"Tikhonov":         {Options{TikhonovStd: []float64{0.5, 2}}, law{}, 0},
		"total variation":  {Options{TVJump: []float64{0.4}, TVSmoothing: 0.5}, law{}, 0},
		"bounds":           {bounds, law{std: 0.7}, 0},
		"bounds, all":      {Options{Lower: bounds.Lower, Upper: bounds.Upper, TikhonovStd: []float64{1}, TVJump: []float64{1}, TVSmoothing: 0.3, DepthPower: 1.5}, law{std: 2}, 0},
		"weights and hold": {Options{HoldAboveM: 30, DepthPower: 0.5, TikhonovStd: []float64{1}}, law{}, 2 * 2 * 7},
	} {
		v, err := newVariables(&tc.o, sp)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p, err := newPenalty(&tc.o, v, sp)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		value := func(x []float64) (float64, []float64) {
			z, g := make([]float64, d), make([]float64, d)
			v.latent(z, x)
			f := tc.law.add(z, g) + p.add(z, g)
			v.pull(g, x)
			return f, g
		}
		x, dx := vector(d, 1, 7), vector(d, 1, 8)
		_, g := value(x)
		slope, zero := 0.0, 0
		for i := range g {
			if v.held != nil && v.held[i] {
				dx[i] = 0
			}
			if g[i] == 0 {
				zero++
			}
			slope += g[i] * dx[i]
		}
		if zero != tc.held {
			t.Errorf("%s: %d derivatives are 0, want %d", name, zero, tc.held)
		}
		table, err := gradcheck.Taylor(func(x []float64) ([]float64, error) { f, _ := value(x); return []float64{f}, nil }, x, dx, []float64{slope}, gradcheck.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := table.Check(0.1); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func vector(n int, scale float64, seed uint64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	v := make([]float64, n)
	for i := range v {
		v[i] = scale * r.NormFloat64()
	}
	return v
}

// TestPenalties: both penalties of a field that is known, by hand: a step of height 3 between columns 2 and 3 of one field of
// 5 x 7, which 5 pairs of neighbours see.
func TestPenalties(t *testing.T) {
	z, g := make([]float64, 70), make([]float64, 70)
	for i := range 35 {
		if i%7 > 2 {
			z[i] = 3
		}
	}
	p := penalty{grid: grid{2, 5, 7}, std: []float64{2, 1}}
	if got, want := p.add(z, g), 5*0.5*2.25; math.Abs(got-want) > 1e-12 {
		t.Errorf("Tikhonov %g, want %g", got, want)
	}
	p = penalty{grid: grid{2, 5, 7}, jump: []float64{1.5, 1}, smoothing: 0.1}
	if got, want := p.add(z, g), 5*(math.Sqrt(4+0.01)-0.1); math.Abs(got-want) > 1e-12 {
		t.Errorf("total variation %g, want %g", got, want)
	}
}

// TestVariables: T and its inverse, bounds per quantity, and points that no variable reaches.
func TestVariables(t *testing.T) {
	sp := section()
	v, err := newVariables(&Options{Lower: []float64{1000, 1500}, Upper: []float64{5000, 2500}, DepthPower: 1}, sp)
	if err != nil {
		t.Fatal(err)
	}
	z, x, back := make([]float64, 70), make([]float64, 70), make([]float64, 70)
	for i := range z {
		z[i] = 1501 + 14*float64(i%70)
	}
	if k := v.inverse(x, z); k >= 0 {
		t.Fatalf("number %d, %g, is out of bounds", k, z[k])
	}
	v.latent(back, x)
	for i := range z {
		if math.Abs(back[i]-z[i]) > 1e-9 {
			t.Fatalf("number %d: %g comes back as %g", i, z[i], back[i])
		}
	}
	for i := range x {
		x[i] = 1e9 * float64(1-2*(i%2))
	}
	v.latent(back, x)
	for i, b := range back {
		lo, hi := 1000.0, 5000.0
		if i >= 35 {
			lo, hi = 1500, 2500
		}
		if b < lo || b > hi {
			t.Fatalf("number %d: %g is not within %g..%g", i, b, lo, hi)
		}
	}
	z[40] = 2500.1
	if k := v.inverse(x, z); k != 40 {
		t.Errorf("a number beyond its bound is found at %d", k)
	}
}

// A start may lie on a bound, as far as float32 tells: what an earlier stage of sampling gave is rounded to that. What is held may
// lie beyond the bounds, and stays to the bit.
func TestStartOnBounds(t *testing.T) {
	sp := section()
	v, err := newVariables(&Options{Lower: []float64{1500.1}, Upper: []float64{5000.3}, HoldAboveM: 30, DepthPower: 1}, sp)
	if err != nil {
		t.Fatal(err)
	}
	z, x, back := make([]float64, 70), make([]float64, 70), make([]float64, 70)
	for i := range z {
		z[i] = float64(float32([]float64{1500.1, 5000.3}[i%2]))
	}
	for i := range 14 { // the first two rows of the first field
		z[i] = 1480.7
	}
	if k := v.inverse(x, z); k >= 0 {
		t.Fatalf("number %d, %.9g, is out of bounds", k, z[k])
	}
	v.latent(back, x)
	g := make([]float64, 70)
	for i := range g {
		g[i] = 1
	}
	v.pull(g, x)
	for i, b := range back {
		held := i%35 < 14
		if i < 14 && b != 1480.7 || math.Abs(b-z[i]) > 0.01 || !held && (b <= 1500.1 || b >= 5000.3) || held != (g[i] == 0) {
			t.Errorf("number %d: %.9g becomes %.9g, derivative %g", i, z[i], b, g[i])
		}
	}
}
