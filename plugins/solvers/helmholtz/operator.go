package helmholtz

import "math"

// operator is the symmetric matrix S = D A of one frequency on the padded grid, D = diag(s_x s_z), but for the model:
//
//	S = diag(mass m - links) + neighbours,  mass = omega^2 s_x s_z
//	neighbour in x, (iz, ix)-(iz, ix+1):    acrossX(iz, ix) = s_z(iz) / (s_x(ix+1/2) h^2)
//	neighbour in z, (iz, ix)-(iz+1, ix):    acrossZ(iz, ix) = s_x(ix) / (s_z(iz+1/2) h^2)
//
// links at a node is the sum of its up to four neighbours' weights: a link that would leave the padded grid is left out
// here too (zero flux at the outer edge). A has the weights 1/(s_i s_{i+1/2} h^2), s_{i+1/2} the mean of its neighbours,
// and is not symmetric. omega in rad/s, h in km, m in s2/km2; all of it in complex128 and row-major, pz x px.
//
// Assumptions: second-order, 5 points; sigma = sigma_max (d/L)^2 with d/L = (n-k)/n at node k = 0..n-1 counted from the
// outermost inwards, on each side. Test: TestAgainstPlainForm, which builds A as it stands and solves with it.
type operator struct {
	omega, perH2 float64 // perH2 = 1/h^2, the weight of a point source
	mass, links  []complex128
	acrossX      []complex128 // (pz, px), the last column is 0
	acrossZ      []complex128 // (pz, px), the last row is 0
}

// stretch returns s = 1 + i sigma/omega at n nodes with a layer of cells at both ends.
func stretch(n, cells int, sigmaMax, omega float64) []complex128 {
	s := make([]complex128, n)
	for k := range s {
		s[k] = 1
	}
	for k := range cells {
		d := float64(cells-k) / float64(cells)
		v := complex(1, sigmaMax*d*d/omega)
		s[k], s[n-1-k] = v, v
	}
	return s
}

// newOperator builds the matrix of a frequency for nodes spacingM apart.
func newOperator(p padding, spacingM, sigmaMax, frequencyHz float64) *operator {
	pz, px := p.size()
	h := spacingM / 1000
	o := &operator{omega: 2 * math.Pi * frequencyHz, perH2: 1 / (h * h)}
	n := pz * px
	o.mass, o.links = make([]complex128, n), make([]complex128, n)
	o.acrossX, o.acrossZ = make([]complex128, n), make([]complex128, n)
	sz, sx := stretch(pz, p.cells, sigmaMax, o.omega), stretch(px, p.cells, sigmaMax, o.omega)
	w2, perH2 := complex(o.omega*o.omega, 0), complex(o.perH2, 0)
	for iz := range pz {
		for ix := range px {
			i := iz*px + ix
			o.mass[i] = w2 * sx[ix] * sz[iz]
			if ix+1 < px {
				v := perH2 * sz[iz] / ((sx[ix] + sx[ix+1]) / 2)
				o.acrossX[i] = v
				o.links[i] += v
				o.links[i+1] += v
			}
			if iz+1 < pz {
				v := perH2 * sx[ix] / ((sz[iz] + sz[iz+1]) / 2)
				o.acrossZ[i] = v
				o.links[i] += v
				o.links[i+px] += v
			}
		}
	}
	return o
}

// diagonal fills d with the diagonal of S for a model m: mass m - links.
func (o *operator) diagonal(m []float64, d []complex128) {
	d, links := d[:len(m)], o.links[:len(m)]
	for i, a := range o.mass[:len(m)] {
		d[i] = complex(real(a)*m[i]-real(links[i]), imag(a)*m[i]-imag(links[i]))
	}
}

// weigh fills q with mass dm.
func (o *operator) weigh(dm []float64, q []complex128) {
	q = q[:len(dm)]
	for i, a := range o.mass[:len(dm)] {
		q[i] = complex(real(a)*dm[i], imag(a)*dm[i])
	}
}
