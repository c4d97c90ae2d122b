package helmholtz_test

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"github.com/waveprior/waveprior/cuda/helmholtz"
)

func norm(x []complex128) float64 {
	s := 0.0
	for _, v := range x {
		s += real(v)*real(v) + imag(v)*imag(v)
	}
	return math.Sqrt(s)
}

func TestSolveSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	c := func() complex128 { return complex(r.NormFloat64(), r.NormFloat64()) }
	for _, g := range [][2]int{{1, 1}, {1, 9}, {7, 5}, {20, 31}, {33, 40}, {90, 77}} {
		m := helmholtz.NewMatrix(g[0], g[1], true)
		n := g[0] * g[1]
		for i := range n {
			m.Diagonal[i] = cmplx.Rect(12, 1) + c()
			m.Right[i], m.Down[i], m.DownRight[i], m.DownLeft[i] = c(), c(), c(), c()
		}
		p, err := helmholtz.NewPlan(g[0], g[1], helmholtz.NinePoint)
		if err != nil {
			t.Fatal(err)
		}
		f, err := helmholtz.NewFactor(p, helmholtz.Double)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Factorise(m); err != nil {
			t.Fatal(err)
		}
		x := make([]complex128, 3*n)
		for i := range x {
			x[i] = c()
		}
		y := make([]complex128, 3*n)
		if err := m.Apply(y, x, 3); err != nil {
			t.Fatal(err)
		}
		if err := f.Solve(y, 3); err != nil {
			t.Fatal(err)
		}
		for i := range y {
			y[i] -= x[i]
		}
		if e := norm(y) / norm(x); e > 1e-12 {
			t.Errorf("grid %v: error %g", g, e)
		}
	}
}
