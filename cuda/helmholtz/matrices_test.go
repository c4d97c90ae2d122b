package helmholtz_test

import (
	"math"
	"math/rand/v2"

	"github.com/waveprior/waveprior/cuda/helmholtz"
)

// wave describes a Helmholtz problem in the units of spec/physics.md, section 3.
type wave struct {
	nz, nx      int     // padded
	spacing     float64 // km
	frequency   float64 // Hz
	cells       int     // of PML on each side
	sigma       float64 // 1/s, at the outermost node
	slownessSq  float64 // background, s2/km2
	fluctuation float64 // relative, smooth
	seed        uint64
}

// study is the small set-up of the memorisation study on a grid of n padded nodes a side (84 in the study).
func study(n int) wave {
	return wave{nz: n, nx: n, spacing: 2.0 / 64, frequency: 4, cells: 10, sigma: 100, slownessSq: 0.25, fluctuation: 0.1, seed: 1}
}

// published is the published set-up, 260 padded nodes a side.
func published() wave {
	return wave{nz: 260, nx: 260, spacing: 0.01, frequency: 6, cells: 30, sigma: 200, slownessSq: 0.25, fluctuation: 0.1, seed: 1}
}

// slowness returns a smooth random squared slowness.
func (w wave) slowness() []float64 {
	r := rand.New(rand.NewPCG(w.seed, 7))
	m := make([]float64, w.nz*w.nx)
	for i := range m {
		m[i] = w.slownessSq
	}
	for range 12 {
		kz, kx, phase := 8*r.Float64(), 8*r.Float64(), 2*math.Pi*r.Float64()
		for iz := range w.nz {
			for ix := range w.nx {
				m[iz*w.nx+ix] += w.slownessSq * w.fluctuation / 3 *
					math.Sin(kz*float64(iz)/float64(w.nz)*math.Pi+kx*float64(ix)/float64(w.nx)*math.Pi+phase)
			}
		}
	}
	return m
}

// stretch returns s at the nodes and at the half nodes behind them.
func (w wave) stretch(n int) (node, half []complex128) {
	node, half = make([]complex128, n), make([]complex128, n)
	omega := 2 * math.Pi * w.frequency
	for k := range n {
		d := max(0, float64(w.cells-k), float64(w.cells-(n-1-k))) / float64(max(w.cells, 1))
		node[k] = complex(1, w.sigma*d*d/omega)
	}
	for k := range n - 1 {
		half[k] = (node[k] + node[k+1]) / 2
	}
	return node, half
}

// matrix returns the symmetric five-point matrix S = D A; with nine, a quarter of each coupling goes to the diagonals.
func (w wave) matrix(nine bool) *helmholtz.Matrix {
	m := helmholtz.NewMatrix(w.nz, w.nx, nine)
	sz, hz := w.stretch(w.nz)
	sx, hx := w.stretch(w.nx)
	slow := w.slowness()
	omega := 2 * math.Pi * w.frequency
	h2 := complex(w.spacing*w.spacing, 0)
	add := func(plane []complex128, i, j int, at int, v complex128) {
		plane[at] += v
		m.Diagonal[i] -= v
		m.Diagonal[j] -= v
	}
	for iz := range w.nz {
		for ix := range w.nx {
			i := iz*w.nx + ix
			m.Diagonal[i] += complex(omega*omega*slow[i], 0) * sz[iz] * sx[ix]
			if ix+1 < w.nx {
				add(m.Right, i, i+1, i, sz[iz]/(hx[ix]*h2))
			}
			if iz+1 < w.nz {
				add(m.Down, i, i+w.nx, i, sx[ix]/(hz[iz]*h2))
			}
			if nine && ix+1 < w.nx && iz+1 < w.nz {
				v := 0.1 / h2 * sz[iz] / hx[ix]
				add(m.DownRight, i, i+w.nx+1, i, v)
				add(m.DownLeft, i+1, i+w.nx, i+1, v)
			}
		}
	}
	return m
}
