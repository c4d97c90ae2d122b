package rng

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// Raw moments of 2^20 normals, each within 4 standard errors for three fixed seeds: E x^p = 0, 1, 0, 3 with variances
// E x^2p - (E x^p)^2 = 1, 2, 15, 96 over n.
func TestMoments(t *testing.T) {
	const n = 1 << 20
	x := make([]float64, n)
	for seed := range uint64(3) {
		New(seed, "moments").At(0, 0, 0).Normals(x)
		var m [5]float64
		for _, v := range x {
			p := 1.
			for i := range m {
				m[i] += p
				p *= v
			}
		}
		for p, c := range []struct{ mean, variance float64 }{{1, 0}, {0, 1}, {1, 2}, {0, 15}, {3, 96}} {
			got := m[p] / n
			if d := math.Abs(got - c.mean); d > 4*math.Sqrt(c.variance/n) {
				t.Errorf("seed %d: moment %d is %.5f, want %v within %.5f", seed, p, got, c.mean, 4*math.Sqrt(c.variance/n))
			}
		}
	}
}

// Kolmogorov-Smirnov against the exact distribution functions: sqrt(n) D has the 0.999 quantile 1.95.
func TestKolmogorovSmirnov(t *testing.T) {
	const n = 1 << 18
	x := make([]float64, n)
	along := func(fill func(i int) float64) func() {
		return func() {
			for i := range x {
				x[i] = fill(i)
			}
		}
	}
	normal := func(v float64) float64 { return math.Erfc(-v/math.Sqrt2) / 2 }
	uniform := func(v float64) float64 { return v }
	s := New(11, "ks")
	for name, c := range map[string]struct {
		fill func()
		cdf  func(float64) float64
	}{
		"normals over elements":  {func() { s.At(0, 0, 0).Normals(x) }, normal},
		"uniforms over elements": {func() { s.At(0, 0, 1).Uniforms(x) }, uniform},
		"normals over steps":     {along(func(i int) float64 { return s.At(uint32(i), 0, 0).Normal(0) }), normal},
		"normals over chains":    {along(func(i int) float64 { return s.At(0, uint32(i), 0).Normal(1) }), normal},
		"normals over draws":     {along(func(i int) float64 { return s.At(0, 0, uint32(i)).Normal(2) }), normal},
		"normals over seeds":     {along(func(i int) float64 { return New(uint64(i), "ks").At(0, 0, 0).Normal(3) }), normal},
		"normals over purposes":  {along(func(i int) float64 { return New(0, fmt.Sprint(i)).At(0, 0, 0).Normal(4) }), normal},
	} {
		c.fill()
		slices.Sort(x)
		d := 0.
		for i, v := range x {
			f := c.cdf(v)
			d = max(d, f-float64(i)/n, float64(i+1)/n-f)
		}
		if k := d * math.Sqrt(n); k > 1.95 {
			t.Errorf("%s: sqrt(n) D = %.3f, 0.999 quantile 1.95", name, k)
		}
	}
}

// Neighbours in every direction are uncorrelated, and so are their squares: sqrt(n) r is standard normal, bound 4.5.
func TestNeighboursAreUncorrelated(t *testing.T) {
	const n = 1 << 18
	x, y := make([]float64, n+2), make([]float64, n+2)
	s := New(21, "correlation")
	s.At(100, 200, 300).Normals(x)
	fill := func(src Source) []float64 { src.Normals(y); return y[:n] }
	for _, c := range []struct {
		name  string
		other func() []float64
	}{
		{"next element", func() []float64 { return x[1 : n+1] }},
		{"next block", func() []float64 { return x[2:] }},
		{"next step", func() []float64 { return fill(s.At(101, 200, 300)) }},
		{"next chain", func() []float64 { return fill(s.At(100, 201, 300)) }},
		{"next draw", func() []float64 { return fill(s.At(100, 200, 301)) }},
		{"step and chain exchanged", func() []float64 { return fill(s.At(200, 100, 300)) }},
		{"next seed", func() []float64 { return fill(New(22, "correlation").At(100, 200, 300)) }},
		{"other purpose", func() []float64 { return fill(New(21, "correlatioo").At(100, 200, 300)) }},
	} {
		o := c.other()
		var xy, xxyy float64
		for i := range n {
			xy += x[i] * o[i]
			xxyy += (x[i]*x[i] - 1) * (o[i]*o[i] - 1) / 2
		}
		if r := xy / math.Sqrt(n); math.Abs(r) > 4.5 {
			t.Errorf("%s: correlation of %.2f standard errors", c.name, r)
		}
		if r := xxyy / math.Sqrt(n); math.Abs(r) > 4.5 {
			t.Errorf("%s: correlation of squares of %.2f standard errors", c.name, r)
		}
	}
}
