package helmholtz

import "math"

// The independent reference: A as it stands in the equation, not symmetric, solved by Gaussian elimination with partial
// pivoting in its band, complex128; the adjoint by elimination of A^H itself.

// band is a matrix with b diagonals on either side; element (i, j) lies at rows[i][j-i+b], with room for the fill of
// pivoting.
type band struct {
	n, b int
	rows [][]complex128
}

func newBand(n, b int) *band {
	m := &band{n: n, b: b, rows: make([][]complex128, n)}
	for i := range m.rows {
		m.rows[i] = make([]complex128, 3*b+1)
	}
	return m
}

func (m *band) add(i, j int, v complex128) { m.rows[i][j-i+m.b] += v }

// adjoint returns the conjugate transpose.
func (m *band) adjoint() *band {
	t := newBand(m.n, m.b)
	for i := range m.n {
		for j := max(0, i-m.b); j <= min(m.n-1, i+m.b); j++ {
			v := m.rows[i][j-i+m.b]
			t.add(j, i, complex(real(v), -imag(v)))
		}
	}
	return t
}

// solve overwrites every right-hand side (each n long) with the solution, and the matrix with what is left of it.
// The race detector does not look at it, which takes more time than the elimination.
//
//go:norace
func (m *band) solve(rhs ...[]complex128) {
	size := func(v complex128) float64 { return math.Abs(real(v)) + math.Abs(imag(v)) }
	for i := range m.n {
		p := i
		for r := i + 1; r <= min(m.n-1, i+m.b); r++ {
			if size(m.rows[r][i-r+m.b]) > size(m.rows[p][i-p+m.b]) {
				p = r
			}
		}
		last := min(m.n-1, i+2*m.b)
		if p != i {
			for j := i; j <= last; j++ {
				a, c := &m.rows[i][j-i+m.b], &m.rows[p][j-p+m.b]
				*a, *c = *c, *a
			}
			for _, x := range rhs {
				x[i], x[p] = x[p], x[i]
			}
		}
		top := m.rows[i][m.b : m.b+last-i+1]
		for r := i + 1; r <= min(m.n-1, i+m.b); r++ {
			row := m.rows[r][i-r+m.b:]
			if row[0] == 0 {
				continue
			}
			f := row[0] / top[0]
			for j := range top { // not by value: that is checked as a pointer, under the race detector, at every step
				row[j] -= f * top[j]
			}
			for _, x := range rhs {
				x[r] -= f * x[i]
			}
		}
	}
	for i := m.n - 1; i >= 0; i-- {
		for _, x := range rhs {
			s := x[i]
			for j := i + 1; j <= min(m.n-1, i+2*m.b); j++ {
				s -= m.rows[i][j-i+m.b] * x[j]
			}
			x[i] = s / m.rows[i][m.b]
		}
	}
}

// problem is a set-up of the reference, all in plain numbers.
type problem struct {
	nz, nx, cells        int
	spacingKM, sigma, hz float64
	src, rec             [][2]int // iz, ix
}

func (p *problem) padded() (pz, px int) { return p.nz + 2*p.cells, p.nx + 2*p.cells }

func (p *problem) index(q [2]int) int {
	_, px := p.padded()
	return (q[0]+p.cells)*px + q[1] + p.cells
}

// inside returns the model's node of a padded one.
func (p *problem) inside(iz, ix int) int {
	clamp := func(k, n int) int { return min(max(k-p.cells, 0), n-1) }
	return clamp(iz, p.nz)*p.nx + clamp(ix, p.nx)
}

// s is the stretch at node k of n padded ones, k in halves.
func (p *problem) s(n, k int) complex128 {
	depth := 0.0
	if k < p.cells {
		depth = float64(p.cells-k) / float64(p.cells)
	} else if k >= n-p.cells {
		depth = float64(p.cells-(n-1-k)) / float64(p.cells)
	}
	return complex(1, p.sigma*depth*depth/(2*math.Pi*p.hz))
}

// matrix is A for the model m (nz, nx).
func (p *problem) matrix(m []float64) *band {
	pz, px := p.padded()
	a := newBand(pz*px, px)
	w := 2 * math.Pi * p.hz
	for iz := range pz {
		for ix := range px {
			i := iz*px + ix
			a.add(i, i, complex(w*w*m[p.inside(iz, ix)], 0))
			for _, d := range [][2]int{{0, 1}, {0, -1}, {1, 0}, {-1, 0}} {
				jz, jx := iz+d[0], ix+d[1]
				if jz < 0 || jx < 0 || jz >= pz || jx >= px {
					continue
				}
				here, there := p.s(px, ix), p.s(px, jx)
				if d[0] != 0 {
					here, there = p.s(pz, iz), p.s(pz, jz)
				}
				v := 1 / (here * (here + there) / 2 * complex(p.spacingKM*p.spacingKM, 0))
				a.add(i, jz*px+jx, v)
				a.add(i, i, -v)
			}
		}
	}
	return a
}

// fields returns u of every shot.
func (p *problem) fields(m []float64) [][]complex128 {
	a := p.matrix(m)
	u := make([][]complex128, len(p.src))
	for s, q := range p.src {
		u[s] = make([]complex128, a.n)
		u[s][p.index(q)] = complex(1/(p.spacingKM*p.spacingKM), 0)
	}
	a.solve(u...)
	return u
}

// data returns u at the receivers, shot after shot.
func (p *problem) data(u [][]complex128) []complex128 {
	var d []complex128
	for _, field := range u {
		for _, q := range p.rec {
			d = append(d, field[p.index(q)])
		}
	}
	return d
}

// adjoints returns A^-H P^T w of every shot, w as data.
func (p *problem) adjoints(m []float64, w []complex128) [][]complex128 {
	ah := p.matrix(m).adjoint()
	mu := make([][]complex128, len(p.src))
	for s := range mu {
		mu[s] = make([]complex128, ah.n)
		for r, q := range p.rec {
			mu[s][p.index(q)] += w[s*len(p.rec)+r]
		}
	}
	ah.solve(mu...)
	return mu
}

// gradient returns Re J^H w from the fields u and the adjoints mu of w: from A u = b follows
// J dm = -P A^-1 diag(omega^2 u) dm. layer says whether the layer's share is added to the edge.
func (p *problem) gradient(u, mu [][]complex128, layer bool) []float64 {
	pz, px := p.padded()
	w2 := math.Pow(2*math.Pi*p.hz, 2)
	g := make([]float64, p.nz*p.nx)
	for iz := range pz {
		for ix := range px {
			in := iz >= p.cells && ix >= p.cells && iz < p.cells+p.nz && ix < p.cells+p.nx
			if !in && !layer {
				continue
			}
			for s := range u {
				a, b := u[s][iz*px+ix], mu[s][iz*px+ix]
				g[p.inside(iz, ix)] -= w2 * (real(a)*real(b) + imag(a)*imag(b))
			}
		}
	}
	return g
}
