package maximum

import (
	"math"

	"github.com/waveprior/waveprior/core/space"
)

// grid is a latent space whose last axes are z and x: n fields of nz x nx numbers.
type grid struct{ n, nz, nx int }

func newGrid(sp *space.Space) (grid, error) {
	a := len(sp.Axes)
	if a < 2 || sp.Axes[a-2].Name != "z" || sp.Axes[a-1].Name != "x" {
		return grid{}, invalid("hold_above_m, depth_power, tikhonov_std and tv_jump are for latent vectors on a grid, with z and x as their last axes; this one is %v", sp)
	}
	g := grid{nz: sp.Axes[a-2].Size, nx: sp.Axes[a-1].Size}
	g.n = sp.Len() / (g.nz * g.nx)
	return g, nil
}

// penalty is R of the package's comment. The zero value is 0.
type penalty struct {
	grid
	std, jump []float64 // (fields), nil: no such penalty
	smoothing float64
}

func newPenalty(o *Options, v *variables, sp *space.Space) (*penalty, error) {
	p := &penalty{smoothing: o.TVSmoothing}
	if len(o.TikhonovStd) == 0 && len(o.TVJump) == 0 {
		return p, nil
	}
	var err error
	if p.grid, err = newGrid(sp); err != nil {
		return nil, err
	}
	if p.std, err = v.each("tikhonov_std", o.TikhonovStd); err != nil {
		return nil, err
	}
	p.jump, err = v.each("tv_jump", o.TVJump)
	return p, err
}

// add returns R(z) and adds its gradient to g.
func (p *penalty) add(z, g []float64) float64 {
	total := 0.0
	cells := p.nz * p.nx
	for f := range p.n {
		m, d := z[f*cells:(f+1)*cells], g[f*cells:(f+1)*cells]
		if p.std != nil {
			total += p.tikhonov(m, d, 1/p.std[f])
		}
		if p.jump != nil {
			total += p.variation(m, d, 1/p.jump[f])
		}
	}
	return total
}

// tikhonov is 1/2 sum (s (m_k - m_l))^2 over neighbours in z and x.
func (p *penalty) tikhonov(m, d []float64, s float64) float64 {
	total := 0.0
	edge := func(k, l int) float64 {
		r := s * (m[l] - m[k])
		d[l] += float64(s * r)
		d[k] -= float64(s * r)
		return 0.5 * r * r
	}
	for iz := range p.nz {
		row := 0.0
		for ix := range p.nx {
			k := iz*p.nx + ix
			if ix+1 < p.nx {
				row += edge(k, k+1)
			}
			if iz+1 < p.nz {
				row += edge(k, k+p.nx)
			}
		}
		total += row
	}
	return total
}

// variation is sum_k sqrt((s Dz m)_k^2 + (s Dx m)_k^2 + e^2) - e.
func (p *penalty) variation(m, d []float64, s float64) float64 {
	total, e := 0.0, p.smoothing
	for iz := range p.nz {
		row := 0.0
		for ix := range p.nx {
			k := iz*p.nx + ix
			var dz, dx float64
			if iz+1 < p.nz {
				dz = s * (m[k+p.nx] - m[k])
			}
			if ix+1 < p.nx {
				dx = s * (m[k+1] - m[k])
			}
			t := math.Sqrt(float64(dz*dz) + float64(dx*dx) + float64(e*e))
			row += t - e
			if iz+1 < p.nz {
				d[k+p.nx] += float64(s * dz / t)
				d[k] -= float64(s * dz / t)
			}
			if ix+1 < p.nx {
				d[k+1] += float64(s * dx / t)
				d[k] -= float64(s * dx / t)
			}
		}
		total += row
	}
	return total
}

// law is -log p(z), but for a constant where p is one Gaussian. The zero value is 0.
type law struct {
	std     float64 // of independent normals; 0: none
	mixture interface {
		LogDensity(dst, x []float64)
		Score(dst, x []float64)
	}
}

// add returns -log p(z) and adds its gradient to g.
func (l *law) add(z, g []float64) float64 {
	switch {
	case l.mixture != nil:
		logp, score := make([]float64, 1), make([]float64, len(z))
		l.mixture.LogDensity(logp, z)
		l.mixture.Score(score, z)
		for i, s := range score {
			g[i] -= s
		}
		return -logp[0]
	case l.std > 0:
		total := 0.0
		for i, v := range z {
			r := v / l.std
			total += float64(r * r)
			g[i] += r / l.std
		}
		return total / 2
	}
	return 0
}
