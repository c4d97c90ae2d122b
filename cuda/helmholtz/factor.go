package helmholtz

import "fmt"

// Precision is the arithmetic of a Factor.
type Precision int

// Single keeps and computes factors as complex64, Double as complex128.
const (
	Single Precision = iota
	Double
)

// String returns "float32" or "float64", the names of the solver's option.
func (p Precision) String() string {
	if p == Single {
		return "float32"
	}
	return "float64"
}

// A Plan is the analysis of an (nz, nx) grid. It never changes and may be used by any number of goroutines.
type Plan struct {
	nz, nx int
}

// NewPlan analyses a grid of nz by nx nodes, for stencils of five and of nine points.
func NewPlan(nz, nx int) (*Plan, error) {
	if nz < 1 || nx < 1 || nz > 1<<14 || nx > 1<<14 {
		return nil, fmt.Errorf("helmholtz: a grid of %d x %d nodes, 1 to %d a side are allowed", nz, nx, 1<<14)
	}
	return &Plan{nz: nz, nx: nx}, nil
}

// Grid returns the number of nodes in z and in x.
func (p *Plan) Grid() (nz, nx int) { return p.nz, p.nx }

// FactorBytes returns the memory of a Factor of this plan, workspace included.
func (p *Plan) FactorBytes(precision Precision) int {
	return p.nz * p.nx * (p.nx + 2) * 16
}

// A Factor owns the memory of one factorisation. It serves one goroutine at a time, any of them.
type Factor struct {
	plan      *Plan
	precision Precision
	ready     bool
	band      []complex128 // (n, width+1): row i holds L[i][i-width..i-1] and the pivot
}

// NewFactor allocates a factor of the plan.
func NewFactor(plan *Plan, precision Precision) (*Factor, error) {
	if precision != Single && precision != Double {
		return nil, fmt.Errorf("helmholtz: precision %d, allowed are Single and Double", int(precision))
	}
	return &Factor{plan: plan, precision: precision}, nil
}

// Factorise computes S = L Delta L^T, in place of an earlier factorisation. It fails where m does not fit the plan,
// where m is not finite, and where a pivot tile is singular to working precision; Solve is refused then.
func (f *Factor) Factorise(m *Matrix) error {
	f.ready = false
	if err := m.check(f.plan.nz, f.plan.nx); err != nil {
		return err
	}
	if i := m.notFinite(); i >= 0 {
		return fmt.Errorf("helmholtz: the matrix is not finite at node (%d, %d)", i/m.NX, i%m.NX)
	}
	nx, n := m.NX, m.NZ*m.NX
	w := nx + 1
	if f.band == nil {
		f.band = make([]complex128, n*(w+1))
	}
	clear(f.band)
	at := func(i, j int) *complex128 { return &f.band[i*(w+1)+j-i+w] }
	for i := range n {
		iz, ix := i/nx, i%nx
		*at(i, i) += m.Diagonal[i]
		if ix+1 < nx {
			*at(i+1, i) += m.Right[i]
		}
		if iz+1 < m.NZ {
			*at(i+nx, i) += m.Down[i]
			if m.DownRight != nil && ix+1 < nx {
				*at(i+nx+1, i) += m.DownRight[i]
			}
			if m.DownRight != nil && ix > 0 {
				*at(i+nx-1, i) += m.DownLeft[i]
			}
		}
	}
	for j := range n {
		d := *at(j, j)
		if d == 0 {
			return fmt.Errorf("helmholtz: the pivot of node (%d, %d) is zero", j/nx, j%nx)
		}
		last := min(n-1, j+w)
		for i := j + 1; i <= last; i++ {
			u := *at(i, j)
			if u == 0 {
				continue
			}
			l := u / d
			for k := i; k <= last; k++ {
				*at(k, i) -= l * *at(k, j)
			}
		}
		for i := j + 1; i <= last; i++ {
			*at(i, j) /= d
		}
	}
	f.ready = true
	return nil
}

// Solve overwrites x, count right-hand sides b of shape (count, nz, nx), by the solutions of S x = b. Fronts that a
// right-hand side does not reach cost nothing. It fails before Factorise succeeded and where len(x) is not count*nz*nx.
func (f *Factor) Solve(x []complex128, count int) error {
	n := f.plan.nz * f.plan.nx
	if !f.ready {
		return fmt.Errorf("helmholtz: Solve without a factorisation")
	}
	if count < 1 || len(x) != count*n {
		return fmt.Errorf("helmholtz: Solve of %d right-hand sides of %d nodes needs %d entries, x has %d", count, n, count*n, len(x))
	}
	w := f.plan.nx + 1
	at := func(i, j int) complex128 { return f.band[i*(w+1)+j-i+w] }
	for k := range count {
		v := x[k*n : (k+1)*n]
		for i := range v {
			for j := max(0, i-w); j < i; j++ {
				v[i] -= at(i, j) * v[j]
			}
		}
		for i := n - 1; i >= 0; i-- {
			v[i] /= at(i, i)
			for j := i + 1; j <= min(n-1, i+w); j++ {
				v[i] -= at(j, i) * v[j]
			}
		}
	}
	return nil
}

// SolveSingle is Solve for complex64 vectors; the arithmetic is the factor's.
func (f *Factor) SolveSingle(x []complex64, count int) error {
	wide := make([]complex128, len(x))
	for i, v := range x {
		wide[i] = complex128(v)
	}
	if err := f.Solve(wide, count); err != nil {
		return err
	}
	for i, v := range wide {
		x[i] = complex64(v)
	}
	return nil
}

// Refine improves x, count approximate solutions of m x = b, steps times: residual b - m x in float64, correction with
// this factor. m is the matrix that was factorised. b and x are (count, nz, nx).
func (f *Factor) Refine(m *Matrix, b, x []complex128, count, steps int) error {
	if len(b) != len(x) {
		return fmt.Errorf("helmholtz: Refine has b of %d entries and x of %d", len(b), len(x))
	}
	r := make([]complex128, len(x))
	for range steps {
		if err := m.Apply(r, x, count); err != nil {
			return err
		}
		for i := range r {
			r[i] = b[i] - r[i]
		}
		if err := f.Solve(r, count); err != nil {
			return err
		}
		for i := range x {
			x[i] += r[i]
		}
	}
	return nil
}
