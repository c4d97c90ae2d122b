package elastic_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// plain is the scheme as elastic.h states it, in float64 and SI units, node by node on arrays of all nodes, every memory variable
// everywhere. One goroutine runs it, and the race detector would take most of its time: so it does not look.
type plain struct {
	c          elastic.Config
	rows, cols int
	vp, vs     []float64
	rho        []float64
	f          [5][]float64    // vx, vz, sxx, szz, sxz
	coef       [2][4][]float64 // along z, x: b and a at half points, b and a at points
	psi        [8][]float64
	edge       [2]int // nodes in front of a layer above and left, which stand still but for their half points
}

func newPlain(c elastic.Config, m []float64) *plain {
	s := &plain{c: c, edge: [2]int{min(c.Top, 1), min(c.Left, 1)}}
	c.Top, c.Left = c.Top+s.edge[0], c.Left+s.edge[1]
	s.c, s.rows, s.cols = c, c.NZ+c.Top+c.Bottom, c.NX+c.Left+c.Right
	n := s.rows * s.cols
	for k := range s.f {
		s.f[k] = make([]float64, n)
	}
	for k := range s.psi {
		s.psi[k] = make([]float64, n)
	}
	for j := range s.rows {
		for i := range s.cols {
			k := min(max(j-c.Top, 0), c.NZ-1)*c.NX + min(max(i-c.Left, 0), c.NX-1)
			s.vp, s.vs, s.rho = append(s.vp, m[k]), append(s.vs, m[c.NZ*c.NX+k]), append(s.rho, m[2*c.NZ*c.NX+k])
		}
	}
	for d, axis := range [2][3]int{{s.rows, c.Top, c.Bottom}, {s.cols, c.Left, c.Right}} {
		for k := range axis[0] {
			for half, shift := range []float64{0.5, 0} {
				b, a := 0.0, 0.0
				for _, side := range [2][2]float64{{float64(axis[1]) - float64(k) - shift, float64(axis[1] - s.edge[d])}, {float64(k) + shift - float64(axis[0]-1-axis[2]), float64(axis[2])}} {
					if side[0] <= 0 || side[1] == 0 {
						continue
					}
					depth := side[0] / side[1]
					sigma := 3 * c.LayerSpeed * math.Log(1000) / (2 * side[1] * c.SpacingM) * depth * depth
					alpha := math.Max(0, math.Pi*c.LayerHz*(1-depth))
					b = math.Exp(-(sigma + alpha) * c.StepS)
					a = sigma / (sigma + alpha) * (b - 1)
				}
				s.coef[d][2*half] = append(s.coef[d][2*half], b)
				s.coef[d][2*half+1] = append(s.coef[d][2*half+1], a)
			}
		}
	}
	return s
}

// at is a field's number: 0 beyond the grid, an image above a free surface.
//
//go:norace
func (s *plain) at(field elastic.Field, j, i int) float64 {
	if s.c.FreeSurface && j < 0 {
		switch field {
		case elastic.VX:
			return s.at(field, -j, i)
		case elastic.VZ:
			return s.at(field, -1-j, i)
		case elastic.SZZ:
			return -s.at(field, -j, i)
		case elastic.SXZ:
			return -s.at(field, -1-j, i)
		}
	}
	if j < 0 || j >= s.rows || i < 0 || i >= s.cols {
		return 0
	}
	return s.f[field][j*s.cols+i]
}

// difference is the derivative of a field at (j, i), along x or z, half a point ahead of its nodes or behind, through its layer.
//
//go:norace
func (s *plain) difference(memory int, field elastic.Field, along string, ahead bool, j, i int) float64 {
	dj, di, axis, at := 0, 1, 1, i
	if along == "z" {
		dj, di, axis, at = 1, 0, 0, j
	}
	k := func(n int) float64 {
		if ahead {
			n++
		}
		return s.at(field, j+n*dj, i+n*di)
	}
	d := k(0) - k(-1)
	if s.c.Order == 4 {
		d = 9./8*d - 1./24*(k(1)-k(-2))
	}
	d /= s.c.SpacingM
	half := 2
	if ahead {
		half = 0
	}
	psi := &s.psi[memory][j*s.cols+i]
	*psi = s.coef[axis][half][at]**psi + s.coef[axis][half+1][at]*d
	return d + *psi
}

//go:norace
func (s *plain) node(j, i int) int { return min(j, s.rows-1)*s.cols + min(i, s.cols-1) }

//go:norace
func (s *plain) step(source []elastic.Node, q float64) {
	h, dt := s.c.SpacingM, s.c.StepS
	forces := make([]float64, 5*len(s.vp))
	for _, n := range source {
		j, i := n.IZ+s.c.Top, n.IX+s.c.Left
		w := n.Weight * q / (h * h)
		if n.Field == elastic.VX && j == 0 && s.c.FreeSurface {
			w *= 2
		}
		forces[int(n.Field)*len(s.vp)+j*s.cols+i] += w
	}
	for j := range s.rows {
		for i := range s.cols {
			k := s.node(j, i)
			fx := s.difference(0, elastic.SXX, "x", true, j, i) + s.difference(1, elastic.SXZ, "z", false, j, i) + forces[k]
			fz := s.difference(2, elastic.SXZ, "x", false, j, i) + s.difference(3, elastic.SZZ, "z", true, j, i) + forces[len(s.vp)+k]
			if j >= s.edge[0] {
				s.f[elastic.VX][k] += dt * 2 / (s.rho[k] + s.rho[s.node(j, i+1)]) * fx
			}
			if i >= s.edge[1] {
				s.f[elastic.VZ][k] += dt * 2 / (s.rho[k] + s.rho[s.node(j+1, i)]) * fz
			}
		}
	}
	for j := range s.rows {
		for i := range s.cols {
			k := s.node(j, i)
			exx, ezz := s.difference(4, elastic.VX, "x", false, j, i), s.difference(5, elastic.VZ, "z", false, j, i)
			exz := s.difference(6, elastic.VZ, "x", true, j, i) + s.difference(7, elastic.VX, "z", true, j, i)
			modulus := func(k int) float64 { return s.rho[k] * s.vs[k] * s.vs[k] }
			mu := modulus(k)
			lam := s.rho[k]*s.vp[k]*s.vp[k] - 2*mu
			if j < s.edge[0] || i < s.edge[1] {
				exx, ezz = 0, 0
			}
			if s.c.FreeSurface && j == 0 {
				s.f[elastic.SXX][k] += dt * 4 * mu * (lam + mu) / (lam + 2*mu) * exx
			} else {
				s.f[elastic.SXX][k] += dt * ((lam+2*mu)*exx + lam*ezz)
				s.f[elastic.SZZ][k] += dt * ((lam+2*mu)*ezz + lam*exx)
			}
			sum := 0.0
			for _, n := range []int{k, s.node(j, i+1), s.node(j+1, i), s.node(j+1, i+1)} {
				sum += 1 / modulus(n)
			}
			s.f[elastic.SXZ][k] += dt * 4 / sum * exz
			s.f[elastic.SXX][k] -= dt * forces[2*len(s.vp)+k]
			s.f[elastic.SZZ][k] -= dt * forces[3*len(s.vp)+k]
		}
	}
}

// seismogram runs one shot: vx (rows, receivers), then vz.
func seismogram(c elastic.Config, m []float64, shot int) (d [2][]float64) {
	s := newPlain(c, m)
	for it := range c.Steps {
		s.step(c.Sources[shot], c.Wavelets[shot][it])
		if (it+1)%c.Each != 0 {
			continue
		}
		for _, r := range c.Receivers {
			for component := range d {
				sum := 0.0
				for _, n := range r[component] {
					sum += n.Weight * s.at(n.Field, n.IZ+s.c.Top, n.IX+s.c.Left)
				}
				d[component] = append(d[component], sum)
			}
		}
	}
	return d
}

// The kernels are the scheme: to rounding, at every order and boundary, with a fluid in the model too.
func TestAgainstPlainProgram(t *testing.T) {
	for _, s := range settings(150) {
		fluid := func(m []float64) { // rows 8 to 10
			clear(m[s.NZ*s.NX+8*s.NX:][:3*s.NX])
		}
		marchtest.AgainstPlain(t, s.tried(), 2e-5, len(s.Sources), fluid, func(m []float64, shot int) [][]float64 {
			d := seismogram(s.Config, m, shot)
			return d[:]
		})
	}
}
