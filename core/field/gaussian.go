package field

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"

	"github.com/waveprior/waveprior/core/rng"
)

// Noise says what the spectrum of a field is multiplied with.
type Noise string

// The noises.
const (
	// Hermitian is the Fourier transform of real white noise: a stationary Gaussian field.
	Hermitian Noise = "hermitian"
	// Real is real white noise at every wave number, with the real part of the inverse transform: f(x) = f(-x) for every
	// field, x modulo the period, and half of the variance on average (all of it at x = 0). What the published study drew.
	Real Noise = "real"
)

// Spectrum describes a random field on the periodic unit square.
type Spectrum struct {
	Grid  int     // points per side, at least 2
	Alpha float64 // exponent of the root spectrum: (4 pi^2 |k|^2 + Tau^2)^(-Alpha/2)
	Tau   float64 // inverse correlation length, >= 0
	Mean  float64 // of the field
	Std   float64 // of the field at a point; with Noise = Real at the origin, 1/sqrt 2 of it on average. >= 0
	Noise Noise   // "": Hermitian
}

// Gaussian draws fields of one spectrum.
type Gaussian struct {
	s    Spectrum
	root []float64 // (Grid, Grid/2+1): g(k) times what scales the inverse transform, kz slow
	pool sync.Pool // of *transform
}

// NewGaussian returns the field f = mean + std/sqrt(sum g^2) sum_k g(k) w(k) exp(2 pi i k.x), k integer in both
// directions, |k| at most half of the grid, with g(k) = (4 pi^2 |k|^2 + tau^2)^(-alpha/2), g(0) = 0, and w the noise, of
// unit variance (memorisation study, section 3). Errors: numbers outside of what Spectrum allows.
func NewGaussian(s Spectrum) (*Gaussian, error) {
	if s.Noise == "" {
		s.Noise = Hermitian
	}
	if s.Noise != Hermitian && s.Noise != Real {
		return nil, fmt.Errorf("field: noise %q (allowed: hermitian, real)", s.Noise)
	}
	if s.Grid < 2 || s.Grid > 1<<14 {
		return nil, fmt.Errorf("field: a grid of %d points per side (allowed: 2..%d)", s.Grid, 1<<14)
	}
	for _, v := range []float64{s.Alpha, s.Tau, s.Mean, s.Std} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("field: alpha = %g, tau = %g, mean = %g, std = %g (allowed: finite)", s.Alpha, s.Tau, s.Mean, s.Std)
		}
	}
	if s.Tau < 0 || s.Std < 0 {
		return nil, fmt.Errorf("field: tau = %g, std = %g (allowed: not negative)", s.Tau, s.Std)
	}
	g := &Gaussian{s: s}
	g.root = make([]float64, s.Grid*(s.Grid/2+1))
	g.pool.New = func() any { return newTransform(s.Grid) }
	sum, half := 0.0, s.Grid/2+1
	for iz := range s.Grid {
		for ix := range s.Grid {
			v := s.rootAt(iz, ix)
			sum = math.FMA(v, v, sum)
			if ix < half {
				g.root[iz*half+ix] = v
			}
		}
	}
	scale := s.Std / math.Sqrt(sum)
	if s.Noise == Hermitian {
		scale /= float64(s.Grid) // the transform of the noise has variance Grid^2 at every k
	}
	if math.IsNaN(scale) || math.IsInf(scale, 0) {
		return nil, fmt.Errorf("field: alpha = %g, tau = %g: the sum of the spectrum is %g (allowed: positive and finite)", s.Alpha, s.Tau, sum)
	}
	for i := range g.root {
		g.root[i] *= scale
	}
	return g, nil
}

// Spectrum returns what the field was made from.
func (g *Gaussian) Spectrum() Spectrum { return g.s }

// rootAt returns g(k) at the indices of the transform: k is the index, or the index minus the grid where that is nearer to 0.
func (s *Spectrum) rootAt(iz, ix int) float64 {
	if iz == 0 && ix == 0 {
		return 0
	}
	kz, kx := float64(min(iz, s.Grid-iz)), float64(min(ix, s.Grid-ix))
	return math.Pow(math.FMA(4*math.Pi*math.Pi, kz*kz+kx*kx, s.Tau*s.Tau), -s.Alpha/2)
}

// Draw fills dst (Grid x Grid, z slow, x fast) with the field whose white noise are the normals of source, element
// iz Grid + ix. It panics for a dst of another length.
func (g *Gaussian) Draw(dst []float64, source rng.Source) {
	n := g.s.Grid
	if len(dst) != n*n {
		panic(fmt.Sprintf("field: Draw into %d numbers, the grid has %d x %d", len(dst), n, n))
	}
	source.Normals(dst)
	t := g.pool.Get().(*transform)
	defer g.pool.Put(t)
	half := n/2 + 1
	if g.s.Noise == Real {
		// The real part of sum_k g w e is that of the even part of w, which is its own conjugate at -k.
		for iz := range n {
			back := (n - iz) % n
			for ix := range half {
				even := 0.5 * (dst[iz*n+ix] + dst[back*n+(n-ix)%n])
				t.half[iz*half+ix] = complex(g.root[iz*half+ix]*even, 0)
			}
		}
	} else {
		t.forward(dst)
		for i, r := range g.root {
			t.half[i] = complex(r*real(t.half[i]), r*imag(t.half[i]))
		}
	}
	t.inverse(dst)
	for i := range dst {
		dst[i] += g.s.Mean
	}
}

// transform is the two-dimensional Fourier transform of real n x n arrays, with its work space.
type transform struct {
	n      int
	rows   *fourier.FFT      // real
	cols   *fourier.CmplxFFT // complex
	half   []complex128      // (n, n/2+1): the coefficients of kx = 0..n/2
	column []complex128      // (n)
}

func newTransform(n int) *transform {
	return &transform{n: n, rows: fourier.NewFFT(n), cols: fourier.NewCmplxFFT(n),
		half: make([]complex128, n*(n/2+1)), column: make([]complex128, n)}
}

// forward fills half with sum_x v(x) exp(-2 pi i k.x).
func (t *transform) forward(v []float64) {
	h := t.n/2 + 1
	for iz := range t.n {
		t.rows.Coefficients(t.half[iz*h:(iz+1)*h], v[iz*t.n:(iz+1)*t.n])
	}
	t.columns(t.cols.Coefficients)
}

// inverse fills v with sum_k half(k) exp(2 pi i k.x), the other half of k being the conjugate; it overwrites half.
func (t *transform) inverse(v []float64) {
	h := t.n/2 + 1
	t.columns(t.cols.Sequence)
	for iz := range t.n {
		t.rows.Sequence(v[iz*t.n:(iz+1)*t.n], t.half[iz*h:(iz+1)*h])
	}
}

func (t *transform) columns(f func(dst, src []complex128) []complex128) {
	h := t.n/2 + 1
	for k := range h {
		for iz := range t.n {
			t.column[iz] = t.half[iz*h+k]
		}
		f(t.column, t.column)
		for iz := range t.n {
			t.half[iz*h+k] = t.column[iz]
		}
	}
}
