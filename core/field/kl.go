package field

import (
	"fmt"
	"math"
)

// KLOptions describes the basis: K modes in either direction, d = K^2 coordinates.
type KLOptions struct {
	Modes      int     // K
	Exponent   float64 // p of lambda_i
	Background float64 // m_bg
	Amplitude  float64 // sigma_m, not 0
	Floor      float64 // least value that Evaluate gives; -Inf: none
}

// Published returns the basis of the memorisation study with K modes: squared slowness in s2/km2, background 1/2^2
// (2 km/s), amplitude 0.02, exponent 1.1, floor 1e-6.
func Published(modes int) KLOptions {
	return KLOptions{Modes: modes, Exponent: 1.1, Background: 0.25, Amplitude: 0.02, Floor: 1e-6}
}

// KL is the basis on one grid over the unit square, at its cell centres ((j + 1/2)/n): for i1, i2 = 1..K, i1 with the
// horizontal x and i2 with the depth z,
//
//	phi_i = 2 cos(pi (i1 + 1/2) x) cos(pi (i2 + 1/2) z),  lambda_i = (pi^2 ((i1 + 1/2)^2 + (i2 + 1/2)^2))^(-p/2),
//	m = m_bg + sigma_m sum_i z_i lambda_i phi_i,           coordinate number (i1 - 1) K + i2 - 1 from 0.
//
// The phi_i are orthonormal on the cell centres, mean(phi_i phi_j) = delta_ij (the cosines are rows of the DCT-IV), so the
// projection is a sum. There is no i = 0: a constant is not in the span. A KL is never changed: any goroutine may use it.
type KL struct {
	o      KLOptions
	nz, nx int
	cz     []float64 // (nz, K): sqrt 2 cos(pi (i2 + 1/2) (iz + 1/2)/nz)
	cx     []float64 // (K, nx): sqrt 2 cos(pi (i1 + 1/2) (ix + 1/2)/nx)
	cxT    []float64 // (nx, K): cx transposed
	weight []float64 // (K, K): sigma_m lambda_i
}

// NewKL returns the basis on nz x nx cells. Errors: modes below 1 or not below both nz and nx, beyond which the cosines are
// not independent on the grid; numbers that are not finite; an amplitude of 0.
func NewKL(o KLOptions, nz, nx int) (*KL, error) {
	if o.Modes < 1 || o.Modes >= nz || o.Modes >= nx {
		return nil, fmt.Errorf("field: KL basis of %d modes per side on %d x %d cells (allowed: 1 to %d, below both sides)", o.Modes, nz, nx, min(nz, nx)-1)
	}
	for _, v := range []float64{o.Exponent, o.Background, o.Amplitude} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("field: KL basis of exponent %g, background %g, amplitude %g (allowed: finite)", o.Exponent, o.Background, o.Amplitude)
		}
	}
	if o.Amplitude == 0 || math.IsNaN(o.Floor) || math.IsInf(o.Floor, 1) {
		return nil, fmt.Errorf("field: KL basis of amplitude %g, floor %g (allowed: an amplitude that is not 0, a floor that is a number or -inf)", o.Amplitude, o.Floor)
	}
	k := o.Modes
	b := &KL{o: o, nz: nz, nx: nx, cz: make([]float64, nz*k), cx: make([]float64, k*nx), cxT: make([]float64, nx*k), weight: make([]float64, k*k)}
	for i := range k {
		for j := range nz {
			b.cz[j*k+i] = cosine(i+1, j, nz)
		}
		for j := range nx {
			c := cosine(i+1, j, nx)
			b.cx[i*nx+j], b.cxT[j*k+i] = c, c
		}
		for j := range k {
			f1, f2 := float64(i)+1.5, float64(j)+1.5
			lambda := math.Pow(math.Pi*math.Pi*(f1*f1+f2*f2), -o.Exponent/2)
			if lambda == 0 || math.IsInf(lambda, 0) {
				return nil, fmt.Errorf("field: KL basis of exponent %g: mode (%d, %d) has lambda = %g (allowed: positive and finite)", o.Exponent, i+1, j+1, lambda)
			}
			b.weight[i*k+j] = o.Amplitude * lambda
		}
	}
	return b, nil
}

// cosine returns sqrt 2 cos(pi (i + 1/2)(j + 1/2)/n), its argument (2i + 1)(2j + 1) pi/(4n) reduced in integers.
func cosine(i, j, n int) float64 {
	q := (2*i + 1) * (2*j + 1) % (8 * n)
	return math.Sqrt2 * math.Cos(math.Pi*float64(q)/float64(4*n))
}

// Options returns what the basis was made from.
func (b *KL) Options() KLOptions { return b.o }

// Dim returns the number of coordinates, K^2.
func (b *KL) Dim() int { return b.o.Modes * b.o.Modes }

// Grid returns the number of cells in depth and horizontally.
func (b *KL) Grid() (nz, nx int) { return b.nz, b.nx }

// Weight returns sigma_m lambda_i of coordinate i: how much of the orthonormal phi_i a unit of z_i is.
func (b *KL) Weight(i int) float64 { return b.weight[i] }

// Values fills m (nz x nx) with m_bg + sigma_m sum_i z_i lambda_i phi_i for z (K^2), without the floor. Two small matrix
// products; each sum in order of its index from the background on.
func (b *KL) Values(m, z []float64) { b.synthesise(m, z, b.o.Background) }

// Evaluate fills m (nz x nx) with the larger of Values and the floor.
func (b *KL) Evaluate(m, z []float64) {
	b.Values(m, z)
	for i, v := range m {
		if v < b.o.Floor {
			m[i] = b.o.Floor
		}
	}
}

// Linear fills dm (nz x nx) with the derivative of Values along dz: sigma_m sum_i dz_i lambda_i phi_i.
func (b *KL) Linear(dm, dz []float64) { b.synthesise(dm, dz, 0) }

// Transpose fills dz (K^2) with the transpose of Linear: dz_i = sigma_m lambda_i sum over cells of phi_i w, w (nz x nx).
func (b *KL) Transpose(dz, w []float64) {
	b.analyse(dz, w, 0)
	for i, v := range b.weight {
		dz[i] *= v
	}
}

// Project fills z (K^2) with the coordinates of the basis' best approximation to m (nz x nx) in the least squares:
// z_i = mean over cells of phi_i (m - m_bg), divided by sigma_m lambda_i. Values is its right inverse.
func (b *KL) Project(z, m []float64) {
	b.analyse(z, m, b.o.Background)
	cells := float64(b.nz * b.nx)
	for i, v := range b.weight {
		z[i] /= cells * v
	}
}

// ProjectLinear fills dz (K^2) with the derivative of Project along dm (nz x nx).
func (b *KL) ProjectLinear(dz, dm []float64) {
	b.analyse(dz, dm, 0)
	cells := float64(b.nz * b.nx)
	for i, v := range b.weight {
		dz[i] /= cells * v
	}
}

// ProjectTranspose fills dm (nz x nx) with the transpose of ProjectLinear: the mean's 1/cells times sum_i phi_i w_i/(sigma_m
// lambda_i), w (K^2).
func (b *KL) ProjectTranspose(dm, w []float64) {
	cells := float64(b.nz * b.nx)
	scaled := make([]float64, len(b.weight))
	b.check("coordinates", w, b.Dim())
	for i, v := range b.weight {
		scaled[i] = w[i] / (cells * v)
	}
	b.products(dm, scaled, 0)
}

func (b *KL) synthesise(m, z []float64, start float64) {
	b.check("coordinates", z, b.Dim())
	c := make([]float64, len(z))
	for i, v := range b.weight {
		c[i] = v * z[i]
	}
	b.products(m, c, start)
}

// products fills m with start + sum_i c_i phi_i: for every row the K sums over depth's modes, then K multiples of the
// horizontal cosines, four at a time.
func (b *KL) products(m, c []float64, start float64) {
	b.check("cells", m, b.nz*b.nx)
	k, nx := b.o.Modes, b.nx
	row := make([]float64, (k+3)&^3)
	for iz := range b.nz {
		cz := b.cz[iz*k : iz*k+k]
		for i := range k {
			sum := 0.0
			for j, v := range c[i*k : i*k+k] {
				sum = math.FMA(v, cz[j], sum)
			}
			row[i] = sum
		}
		dst := m[iz*nx : iz*nx+nx]
		for j := range dst {
			dst[j] = start
		}
		i := 0
		for ; i+4 <= k; i += 4 {
			c0, c1, c2, c3 := b.cx[i*nx:i*nx+nx], b.cx[(i+1)*nx:(i+2)*nx], b.cx[(i+2)*nx:(i+3)*nx], b.cx[(i+3)*nx:(i+4)*nx]
			r0, r1, r2, r3 := row[i], row[i+1], row[i+2], row[i+3]
			for j := range dst {
				dst[j] = math.FMA(r3, c3[j], math.FMA(r2, c2[j], math.FMA(r1, c1[j], math.FMA(r0, c0[j], dst[j]))))
			}
		}
		for ; i < k; i++ {
			r := row[i]
			for j, v := range b.cx[i*nx : i*nx+nx] {
				dst[j] = math.FMA(r, v, dst[j])
			}
		}
	}
}

// analyse fills z_i with the sum over cells of phi_i (m - less): the horizontal sums of every row, cell after cell, then
// those over depth, row after row.
func (b *KL) analyse(z, m []float64, less float64) {
	b.check("cells", m, b.nz*b.nx)
	b.check("coordinates", z, b.Dim())
	k, nx := b.o.Modes, b.nx
	row := make([]float64, k)
	clear(z)
	for iz := range b.nz {
		src := m[iz*nx : iz*nx+nx]
		clear(row)
		for j, v := range src {
			v -= less
			for i, c := range b.cxT[j*k : j*k+k] {
				row[i] = math.FMA(v, c, row[i])
			}
		}
		cz := b.cz[iz*k : iz*k+k]
		for i, v := range row {
			dst := z[i*k : i*k+k]
			for j, c := range cz {
				dst[j] = math.FMA(v, c, dst[j])
			}
		}
	}
}

func (b *KL) check(what string, v []float64, n int) {
	if len(v) != n {
		panic(fmt.Sprintf("field: KL basis: %d %s, want %d", len(v), what, n))
	}
}
