package mixture

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/metric"
)

// Axis is N >= 2 equally spaced points from Lo to Hi, both ends included.
type Axis struct {
	Lo, Hi float64
	N      int
}

// Step is the distance of two points.
func (a Axis) Step() float64 { return (a.Hi - a.Lo) / float64(a.N-1) }

// At is point i.
func (a Axis) At(i int) float64 {
	if i == a.N-1 {
		return a.Hi
	}
	return a.Lo + float64(i)*a.Step()
}

// Grid is a rectangle of points in one or two dimensions, the last axis fastest, each point the middle of a cell.
type Grid struct{ axes []Axis }

// NewGrid makes a grid of one or two axes. Errors: another number of axes, fewer than 2 points, ends in the wrong order.
func NewGrid(axes ...Axis) (*Grid, error) {
	if len(axes) < 1 || len(axes) > 2 {
		return nil, fmt.Errorf("mixture: grid of %d axes; 1 or 2 are possible", len(axes))
	}
	for i, a := range axes {
		if a.N < 2 || !(a.Hi > a.Lo) || math.IsInf(a.Hi-a.Lo, 0) {
			return nil, fmt.Errorf("mixture: grid axis %d from %g to %g with %d points; needed are finite ends in order and 2 points or more",
				i, a.Lo, a.Hi, a.N)
		}
	}
	return &Grid{append([]Axis(nil), axes...)}, nil
}

// Dim is 1 or 2, Size the number of points, Cell the length or area of a cell.
func (g *Grid) Dim() int { return len(g.axes) }

// Size is the number of points.
func (g *Grid) Size() int {
	n := 1
	for _, a := range g.axes {
		n *= a.N
	}
	return n
}

// Cell is the length (1-D) or area (2-D) of a cell.
func (g *Grid) Cell() float64 {
	v := 1.0
	for _, a := range g.axes {
		v *= a.Step()
	}
	return v
}

// Points returns all points (Size x Dim, row-major).
func (g *Grid) Points() []float64 {
	d := g.Dim()
	x := make([]float64, g.Size()*d)
	for i := range g.Size() {
		g.point(x[i*d:(i+1)*d], i)
	}
	return x
}

func (g *Grid) point(dst []float64, i int) {
	for a := len(g.axes) - 1; a >= 0; a-- {
		dst[a] = g.axes[a].At(i % g.axes[a].N)
		i /= g.axes[a].N
	}
}

// GridDensity is a normalised density on a grid.
type GridDensity struct {
	Grid *Grid
	// P (Size) holds the density; sum(P) Cell = 1.
	P []float64
	// LogEvidence is log of the integral that P was divided by: log p(y) for a posterior made from a normalised prior, but
	// for the likelihood's own constant, -n/2 log(2 pi tau^2) for n real numbers.
	LogEvidence float64
}

// Posterior returns the density proportional to exp(logPrior - phi) on the grid, by the sum over cells (for a smooth density
// that vanishes at the borders the trapezoidal rule, whose error falls faster than any power of the step). logPrior and phi
// (Size each) are the prior's log density and |F(x) - y|^2/(2 tau^2) at Points. Phi of +Inf is density 0. Error: a NaN, +Inf
// density, or nothing left.
func (g *Grid) Posterior(logPrior, phi []float64) (*GridDensity, error) {
	mustLen("grid posterior: log prior", len(logPrior), g.Size())
	mustLen("grid posterior: phi", len(phi), g.Size())
	l := make([]float64, g.Size())
	for i := range l {
		l[i] = logPrior[i] - phi[i]
	}
	return g.Density(l)
}

// Density returns the density proportional to exp(logP), logP (Size). Errors as Posterior.
func (g *Grid) Density(logP []float64) (*GridDensity, error) {
	mustLen("grid density", len(logP), g.Size())
	for i, v := range logP {
		if math.IsNaN(v) || math.IsInf(v, 1) {
			return nil, fmt.Errorf("mixture: grid density: log density %g at point %d of %d", v, i, g.Size())
		}
	}
	cell := g.Cell()
	e := LogSumExp(logP) + math.Log(cell)
	if math.IsInf(e, -1) {
		return nil, fmt.Errorf("mixture: grid density: the density is 0 at all %d points; the grid misses the mass", g.Size())
	}
	q := &GridDensity{Grid: g, P: make([]float64, g.Size()), LogEvidence: e}
	for i, v := range logP {
		q.P[i] = math.Exp(v - e)
	}
	return q, nil
}

// LogEvidences returns log of the integral of N(x; x_n, C) exp(-phi(x)) (N) for each component of m, by the sum over cells:
// the exact logarithm of the factor by which the data change w_n, where [Linearise] gives an approximation. phi (Size) as in
// Posterior. The grid must resolve C (a step below the prior width) and hold the components. Error: C is singular, or a
// component's integral is NaN or +Inf.
func (g *Grid) LogEvidences(m *Mixture, phi []float64) ([]float64, error) {
	mustLen("grid evidences: phi", len(phi), g.Size())
	mustLen("grid evidences: dimension", m.Dim, g.Dim())
	l, err := m.At(1, 0)
	if err != nil {
		return nil, err
	}
	d, x := g.Dim(), g.Points()
	if m.q != nil {
		for i := range phi {
			r := make([]float64, d)
			m.rotate(r, x[i*d:(i+1)*d])
			copy(x[i*d:(i+1)*d], r)
		}
	}
	out, t := make([]float64, m.N()), make([]float64, g.Size())
	for n := range out {
		mean := m.rotated[n*d : (n+1)*d]
		for i := range t {
			sum := 0.0
			for c, v := range x[i*d : (i+1)*d] {
				sum += (v - mean[c]) * (v - mean[c]) * l.invA[c]
			}
			t[i] = l.logNorm - 0.5*sum - phi[i]
		}
		out[n] = LogSumExp(t) + math.Log(g.Cell())
		if math.IsNaN(out[n]) || math.IsInf(out[n], 1) {
			return nil, fmt.Errorf("mixture: grid evidences: component %d integrates to exp(%g)", n, out[n])
		}
	}
	return out, nil
}

// TotalVariation is 1/2 the integral of |p - q| over the grid of both.
func (p *GridDensity) TotalVariation(q *GridDensity) float64 {
	return metric.TotalVariation(p.P, q.P, p.Grid.Cell())
}

// Moments returns mean (d) and covariance (d x d, row-major).
func (p *GridDensity) Moments() (mean, cov []float64) {
	d, cell := p.Grid.Dim(), p.Grid.Cell()
	mean, cov = make([]float64, d), make([]float64, d*d)
	x := p.Grid.Points()
	for k, v := range p.P {
		for i := range d {
			mean[i] += v * cell * x[k*d+i]
		}
	}
	for k, v := range p.P {
		for i := range d {
			for j := range d {
				cov[i*d+j] += v * cell * (x[k*d+i] - mean[i]) * (x[k*d+j] - mean[j])
			}
		}
	}
	return mean, cov
}

// Draw sets dst (k x d) to k exact draws of the density that is constant over each cell: the cell by the inverse of the
// cumulative sum at the first uniform, then a uniform place inside it. uniforms (k x (1 + d)) lie in [0, 1).
func (p *GridDensity) Draw(dst, uniforms []float64) {
	d := p.Grid.Dim()
	k := rows("grid draw", dst, d)
	mustLen("grid draw: uniforms", len(uniforms), k*(1+d))
	cum, last := make([]float64, len(p.P)), 0
	sum := 0.0
	for i, v := range p.P {
		sum += v
		cum[i] = sum
		if v > 0 {
			last = i
		}
	}
	for r := range k {
		u := uniforms[r*(1+d) : (r+1)*(1+d)]
		target := u[0] * sum
		lo, hi := 0, last // smallest i with target < cum[i]; a cell of density 0 is never that
		for lo < hi {
			if mid := (lo + hi) / 2; target < cum[mid] {
				hi = mid
			} else {
				lo = mid + 1
			}
		}
		x := dst[r*d : (r+1)*d]
		p.Grid.point(x, lo)
		for a := range d {
			x[a] += (u[1+a] - 0.5) * p.Grid.axes[a].Step()
		}
	}
}
