package helmholtz

import (
	"fmt"
	"math"
)

// Matrix is a complex symmetric matrix on an (NZ, NX) grid, node (iz, ix) being number iz*NX + ix. Each plane has NZ*NX
// entries; a coupling is kept once, at the node written first here, and one that would leave the grid is not read.
type Matrix struct {
	NZ, NX    int
	Diagonal  []complex128
	Right     []complex128 // (iz, ix) with (iz, ix+1)
	Down      []complex128 // (iz, ix) with (iz+1, ix)
	DownRight []complex128 // (iz, ix) with (iz+1, ix+1); nil in a five-point stencil
	DownLeft  []complex128 // (iz, ix) with (iz+1, ix-1); nil in a five-point stencil
}

// NewMatrix returns a zero matrix of nz by nx nodes, with diagonal couplings if ninePoint.
func NewMatrix(nz, nx int, ninePoint bool) *Matrix {
	n := nz * nx
	m := &Matrix{
		NZ: nz, NX: nx, Diagonal: make([]complex128, n), Right: make([]complex128, n), Down: make([]complex128, n),
	}
	if ninePoint {
		m.DownRight, m.DownLeft = make([]complex128, n), make([]complex128, n)
	}
	return m
}

// check refuses a matrix whose planes do not fit the grid.
func (m *Matrix) check(nz, nx int) error {
	if m.NZ != nz || m.NX != nx {
		return fmt.Errorf("helmholtz: the matrix is of a grid of %d x %d nodes, the plan of one of %d x %d", m.NZ, m.NX, nz, nx)
	}
	planes := []struct {
		name   string
		values []complex128
		needed bool
	}{
		{"Diagonal", m.Diagonal, true},
		{"Right", m.Right, true},
		{"Down", m.Down, true},
		{"DownRight", m.DownRight, m.DownLeft != nil},
		{"DownLeft", m.DownLeft, m.DownRight != nil},
	}
	for _, p := range planes {
		if len(p.values) != nz*nx && (p.needed || p.values != nil) {
			return fmt.Errorf("helmholtz: plane %s of the matrix has %d entries, a grid of %d x %d nodes has %d",
				p.name, len(p.values), nz, nx, nz*nx)
		}
	}
	return nil
}

// Apply computes y = S x for count vectors: x and y are (count, NZ, NX) and must not overlap. Each row is summed in the
// order diagonal, left, right, up, down, then the diagonal neighbours.
func (m *Matrix) Apply(y, x []complex128, count int) error {
	n := m.NZ * m.NX
	if err := m.check(m.NZ, m.NX); err != nil {
		return err
	}
	if len(x) != count*n || len(y) != count*n {
		return fmt.Errorf("helmholtz: Apply of %d vectors on %d x %d nodes needs %d entries, x has %d, y %d",
			count, m.NZ, m.NX, count*n, len(x), len(y))
	}
	for k := 0; k < count; k++ {
		m.apply(y[k*n:(k+1)*n], x[k*n:(k+1)*n])
	}
	return nil
}

func (m *Matrix) apply(y, x []complex128) {
	nx := m.NX
	for iz := 0; iz < m.NZ; iz++ {
		for ix := 0; ix < nx; ix++ {
			i := iz*nx + ix
			s := m.Diagonal[i] * x[i]
			if ix > 0 {
				s += m.Right[i-1] * x[i-1]
			}
			if ix+1 < nx {
				s += m.Right[i] * x[i+1]
			}
			if iz > 0 {
				s += m.Down[i-nx] * x[i-nx]
			}
			if iz+1 < m.NZ {
				s += m.Down[i] * x[i+nx]
			}
			if m.DownRight != nil {
				if iz > 0 && ix > 0 {
					s += m.DownRight[i-nx-1] * x[i-nx-1]
				}
				if iz > 0 && ix+1 < nx {
					s += m.DownLeft[i-nx+1] * x[i-nx+1]
				}
				if iz+1 < m.NZ && ix > 0 {
					s += m.DownLeft[i] * x[i+nx-1]
				}
				if iz+1 < m.NZ && ix+1 < nx {
					s += m.DownRight[i] * x[i+nx+1]
				}
			}
			y[i] = s
		}
	}
}

// notFinite returns the first node with a coefficient that is NaN or infinite, or -1.
func (m *Matrix) notFinite() int {
	for i, d := range m.Diagonal {
		t := d + m.Right[i] + m.Down[i]
		if m.DownRight != nil {
			t += m.DownRight[i] + m.DownLeft[i]
		}
		if s := real(t) - real(t) + imag(t) - imag(t); math.IsNaN(s) {
			return i
		}
	}
	return -1
}
