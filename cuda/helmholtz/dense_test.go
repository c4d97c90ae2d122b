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

// difference returns |a - b| / |b|.
func difference(a, b []complex128) float64 {
	d := make([]complex128, len(a))
	for i := range d {
		d[i] = a[i] - b[i]
	}
	return norm(d) / norm(b)
}

func normals(r *rand.Rand, n int) []complex128 {
	x := make([]complex128, n)
	for i := range x {
		x[i] = complex(r.NormFloat64(), r.NormFloat64())
	}
	return x
}

// dense writes m as a full matrix, from its definition: one coupling per pair of neighbours.
func dense(m *helmholtz.Matrix) [][]complex128 {
	n := m.NZ * m.NX
	a := make([][]complex128, n)
	for i := range a {
		a[i] = make([]complex128, n)
	}
	couple := func(plane []complex128, i, dz, dx int) {
		iz, ix := i/m.NX+dz, i%m.NX+dx
		if plane == nil || iz < 0 || iz >= m.NZ || ix < 0 || ix >= m.NX {
			return
		}
		j := iz*m.NX + ix
		a[i][j], a[j][i] = plane[i], plane[i]
	}
	for i := range n {
		a[i][i] = m.Diagonal[i]
		couple(m.Right, i, 0, 1)
		couple(m.Down, i, 1, 0)
		couple(m.DownRight, i, 1, 1)
		couple(m.DownLeft, i, 1, -1)
	}
	return a
}

// solveDense overwrites the rows of b (n, k) by the solution of a x = b: Gauss with partial pivoting, a is lost.
func solveDense(a [][]complex128, b [][]complex128) {
	n := len(a)
	for k := range n {
		r := k
		for i := k; i < n; i++ {
			if cmplx.Abs(a[i][k]) > cmplx.Abs(a[r][k]) {
				r = i
			}
		}
		a[k], a[r], b[k], b[r] = a[r], a[k], b[r], b[k]
		for i := k + 1; i < n; i++ {
			l := a[i][k] / a[k][k]
			if l == 0 {
				continue
			}
			for j := k + 1; j < n; j++ {
				a[i][j] -= l * a[k][j]
			}
			for j := range b[i] {
				b[i][j] -= l * b[k][j]
			}
		}
	}
	for i := n - 1; i >= 0; i-- {
		for j := range b[i] {
			for k := i + 1; k < n; k++ {
				b[i][j] -= a[i][k] * b[k][j]
			}
			b[i][j] /= a[i][i]
		}
	}
}

func newFactor(t testing.TB, m *helmholtz.Matrix, precision helmholtz.Precision) *helmholtz.Factor {
	t.Helper()
	stencil := helmholtz.FivePoint
	if m.DownRight != nil {
		stencil = helmholtz.NinePoint
	}
	p, err := helmholtz.NewPlan(m.NZ, m.NX, stencil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := helmholtz.NewFactor(p, precision)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if err := f.Factorise(m); err != nil {
		t.Fatal(err)
	}
	return f
}

// random returns a matrix of normal numbers with diagonals of about the size of a row's sum: no structure to lean on.
func random(r *rand.Rand, nz, nx int, nine bool) *helmholtz.Matrix {
	m := helmholtz.NewMatrix(nz, nx, nine)
	for i := range m.Diagonal {
		m.Diagonal[i] = cmplx.Rect(4, 2*math.Pi*r.Float64())
	}
	copy(m.Right, normals(r, nz*nx)) // those that leave the grid, too: they must not be read
	copy(m.Down, normals(r, nz*nx))
	copy(m.DownRight, normals(r, len(m.DownRight)))
	copy(m.DownLeft, normals(r, len(m.DownLeft)))
	return m
}
