package wave_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// plain is the scheme as acoustic.h states it, in float64, node by node on arrays of all nodes, every memory variable
// everywhere. One goroutine runs it, and the race detector would take most of its time: so it does not look.
type plain struct {
	c          wave.Config
	rows, cols int
	courant    []float64
	p, before  []float64
	// along z and x: b and a at half points and at points, and the variables
	bh, ah, b, a [2][]float64
	psi, zeta    [2][]float64
	// at the half points before the first row and column, where there is a layer
	edge   [2][]float64
	be, ae [2]float64
}

func newPlain(c wave.Config, v []float64) *plain {
	s := &plain{c: c, rows: c.NZ + c.Top + c.Bottom, cols: c.NX + c.Left + c.Right}
	n := s.rows * s.cols
	s.courant, s.p, s.before = make([]float64, n), make([]float64, n), make([]float64, n)
	for j := range s.rows {
		for i := range s.cols {
			k := min(max(j-c.Top, 0), c.NZ-1)*c.NX + min(max(i-c.Left, 0), c.NX-1)
			s.courant[j*s.cols+i] = math.Pow(v[k]*c.StepS/c.SpacingM, 2)
			if c.FreeSurface && j == 0 {
				s.courant[j*s.cols+i] = 0
			}
		}
	}
	for d, axis := range [2][3]int{{s.rows, c.Top, c.Bottom}, {s.cols, c.Left, c.Right}} {
		s.psi[d], s.zeta[d] = make([]float64, n), make([]float64, n)
		coefficients := func(shift float64) (b, a []float64) {
			b, a = make([]float64, axis[0]), make([]float64, axis[0])
			for k := range b {
				for _, side := range [2][2]float64{{float64(axis[1]) - float64(k) - shift, float64(axis[1])}, {float64(k) + shift - float64(axis[0]-1-axis[2]), float64(axis[2])}} {
					if side[0] <= 0 || side[1] == 0 {
						continue
					}
					depth := side[0] / side[1]
					sigma := 3 * c.LayerSpeed * math.Log(1000) / (2 * side[1] * c.SpacingM) * depth * depth
					alpha := math.Max(0, math.Pi*c.LayerHz*(1-depth))
					b[k] = math.Exp(-(sigma + alpha) * c.StepS)
					a[k] = sigma / (sigma + alpha) * (b[k] - 1)
				}
			}
			return b, a
		}
		s.bh[d], s.ah[d] = coefficients(0.5)
		s.b[d], s.a[d] = coefficients(0)
		s.edge[d] = make([]float64, [2]int{s.cols, s.rows}[d])
		if axis[1] > 0 {
			b, a := coefficients(-0.5)
			s.be[d], s.ae[d] = b[0], a[0]
		}
	}
	return s
}

// at is p(j, i): 0 beyond the grid, odd about a free surface.
//
//go:norace
func (s *plain) at(j, i int) float64 {
	if s.c.FreeSurface && j < 0 {
		return -s.at(-j, i)
	}
	if j < 0 || j >= s.rows || i < 0 || i >= s.cols {
		return 0
	}
	return s.p[j*s.cols+i]
}

//go:norace
func (s *plain) step(q []float64) {
	weights := map[int][]float64{2: {-2, 1}, 4: {-5. / 2, 4. / 3, -1. / 12}, 6: {-49. / 18, 3. / 2, -3. / 20, 1. / 90},
		8: {-205. / 72, 8. / 5, -1. / 5, 8. / 315, -1. / 560}}[s.c.Order]
	l := make([]float64, len(s.p))
	for d, dir := range [2][2]int{{1, 0}, {0, 1}} {
		for j := range s.rows {
			for i := range s.cols {
				k := [2]int{j, i}[d]
				s.psi[d][j*s.cols+i] = s.bh[d][k]*s.psi[d][j*s.cols+i] + s.ah[d][k]*(s.at(j+dir[0], i+dir[1])-s.at(j, i))
			}
		}
		for k := range s.edge[d] {
			s.edge[d][k] = s.be[d]*s.edge[d][k] + s.ae[d]*s.at([2]int{0, k}[d], [2]int{k, 0}[d])
		}
		for j := range s.rows {
			for i := range s.cols {
				n, k := j*s.cols+i, [2]int{j, i}[d]
				e := weights[0] * s.at(j, i)
				for r := 1; r < len(weights); r++ {
					e += weights[r] * (s.at(j+r*dir[0], i+r*dir[1]) + s.at(j-r*dir[0], i-r*dir[1]))
				}
				e += s.psi[d][n]
				if k > 0 {
					e -= s.psi[d][n-dir[0]*s.cols-dir[1]]
				} else {
					e -= s.edge[d][[2]int{i, j}[d]]
				}
				s.zeta[d][n] = s.b[d][k]*s.zeta[d][n] + s.a[d][k]*e
				l[n] += e + s.zeta[d][n]
			}
		}
	}
	for n, x := range q {
		l[n] += x
	}
	for n := range s.p {
		s.before[n] = 2*s.p[n] - s.before[n] + s.courant[n]*l[n]
	}
	s.p, s.before = s.before, s.p
}

// sponge is one step of sponge.h on arrays of all nodes.
//
//go:norace
func (s *plain) sponge(q []float64, damping []float64) {
	next := make([]float64, len(s.p))
	p := func(j, i int) float64 { return s.p[(j+s.rows)%s.rows*s.cols+(i+s.cols)%s.cols] }
	for j := range s.rows {
		for i := range s.cols {
			n := j*s.cols + i
			c := s.courant[n]
			next[n] = (2-5*c-damping[n])*s.p[n] - (1-damping[n])*s.before[n] +
				c*(4./3*(p(j+1, i)+p(j-1, i)+p(j, i+1)+p(j, i-1))-1./12*(p(j+2, i)+p(j-2, i)+p(j, i+2)+p(j, i-2))+q[n])
		}
	}
	s.before, s.p = s.p, next
}

// seismogram runs one shot.
func seismogram(c wave.Config, v []float64, shot int) []float64 {
	s := newPlain(c, v)
	damping := make([]float64, len(s.p))
	if c.Sponge {
		slowest := v[0]
		for _, x := range v {
			slowest = min(slowest, x)
		}
		width := float64(c.Left-1) * c.SpacingM
		strip := func(m int) float64 {
			return c.StepS * 3 * slowest * math.Log(1e7) / (2 * width) * math.Pow(float64(m)*c.SpacingM/width, 2)
		}
		for j := range s.rows { // top and bottom
			for i := range s.cols {
				if j < c.Top {
					damping[j*s.cols+i] = strip(c.Top - 1 - j)
				} else if j >= s.rows-c.Bottom {
					damping[j*s.cols+i] = strip(j - s.rows + c.Bottom)
				}
			}
		}
		for j := range s.rows { // then left and right, corners too
			for m := range c.Left {
				damping[j*s.cols+c.Left-1-m] = strip(m)
				damping[j*s.cols+s.cols-c.Right+m] = strip(m)
			}
		}
	}
	var d []float64
	for it := range c.Steps {
		q := make([]float64, len(s.p))
		for _, n := range c.Sources[shot] {
			q[(n.IZ+c.Top)*s.cols+n.IX+c.Left] += n.Weight * c.Wavelets[shot][it]
		}
		if c.Sponge {
			s.sponge(q, damping)
		} else {
			s.step(q)
		}
		for _, r := range c.Receivers {
			sum := 0.0
			for _, n := range r {
				sum += n.Weight * s.at(n.IZ+c.Top, n.IX+c.Left)
			}
			d = append(d, sum)
		}
	}
	return d
}

// The kernels are the scheme: to rounding, at every order and boundary.
func TestAgainstPlainProgram(t *testing.T) {
	for _, s := range settings(150) {
		marchtest.AgainstPlain(t, s.tried(), 1e-5, len(s.Sources), nil, func(v []float64, shot int) [][]float64 {
			return [][]float64{seismogram(s.Config, v, shot)}
		})
	}
}
