package mixture_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	reference "github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/mixture"
)

var seed = flag.Uint64("seed", 1, "seed of the random numbers")

func generator(t testing.TB) *rand.Rand {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with -seed %d", *seed)
		}
	})
	return rand.New(rand.NewPCG(*seed, uint64(len(t.Name()))))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func device(t testing.TB, name string, threads int) cuda.Device {
	t.Helper()
	d, err := cuda.Open(name, threads)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// problem is a mixture, points seen through it at several levels, and directions.
type problem struct {
	name         string
	mix          *reference.Mixture
	items        int
	x, v         []float64
	alpha, sigma []float64
}

// levels of the noise: nearly none, some, much, no signal.
var levels = [][2]float64{{0.99995, 0.01}, {0.995, 0.0998749}, {0.8, 0.6}, {0.2, 0.98}, {0, 1}, {1, 3}}

// problems have sizes around the tile's and the chunk's, and covariances of each form.
func problems(t testing.TB) []problem {
	t.Helper()
	r := generator(t)
	var out []problem
	for k, size := range []struct{ n, d, items int }{
		{1, 1, 1}, {5, 1, 3}, {20, 2, 33}, {128, 3, 16}, {129, 17, 17}, {300, 100, 40}, {257, 65, 5}, {3, 130, 2},
	} {
		diagonal, lower := make([]float64, size.d), make([]float64, size.d*size.d)
		for i := range size.d {
			diagonal[i] = 0.02 + 0.3*r.Float64()
			for j := range i {
				lower[i*size.d+j] = 0.1 * r.NormFloat64() / math.Sqrt(float64(size.d))
			}
			lower[i*size.d+i] = 0.1 + 0.1*r.Float64()
		}
		for form, cov := range map[string]reference.Covariance{
			"points": {}, "width": reference.Isotropic(0.0025), "diagonal": reference.Diagonal(diagonal), "factor": reference.Factor(lower),
		} {
			weights := make([]float64, size.n)
			for i := range weights {
				weights[i] = r.Float64()
			}
			if size.n > 2 {
				weights[r.IntN(size.n)] = 0
			}
			m, err := reference.New(normals(r, size.n*size.d), size.d, weights, cov)
			must(t, err)
			p := problem{name: fmt.Sprintf("N=%d d=%d %s", size.n, size.d, form), mix: m, items: size.items,
				x: make([]float64, size.items*size.d), v: normals(r, size.items*size.d)}
			for i := range size.items { // x_t of a component, or from afar
				l := levels[(i+k)%len(levels)]
				p.alpha, p.sigma = append(p.alpha, l[0]), append(p.sigma, l[1])
				n, spread := r.IntN(size.n), 1.0
				if i%7 == 6 {
					spread = 20
				}
				for j := range size.d {
					p.x[i*size.d+j] = l[0]*m.Means[n*size.d+j] + spread*l[1]*r.NormFloat64()
				}
			}
			out = append(out, p)
		}
	}
	return out
}

// onDevice puts a mixture on a device.
func onDevice[T cuda.Float](t testing.TB, d cuda.Device, m *reference.Mixture) *mixture.Mixture[T] {
	t.Helper()
	means, variances, basis := m.Spectral()
	out, err := mixture.New[T](d, mixture.Components{Dim: m.Dim, Means: means, Weights: m.Weights, Variances: variances, Basis: basis})
	must(t, err)
	return out
}

// answers are all that can be asked about points.
type answers struct{ denoised, vjp, density, responsibilities []float64 }

func (a *answers) each(f func(name string, x []float64)) {
	f("denoiser", a.denoised)
	f("vjp", a.vjp)
	f("log density", a.density)
	f("log responsibilities", a.responsibilities)
}

func (p *problem) width(name string) int {
	return map[string]int{"denoiser": p.mix.Dim, "vjp": p.mix.Dim, "log density": 1, "log responsibilities": p.mix.N()}[name]
}

// ask asks about the items lo..hi-1 in one batch.
func ask[T cuda.Float](t testing.TB, m *mixture.Mixture[T], p *problem, lo, hi int) *answers {
	t.Helper()
	d, k := p.mix.Dim, hi-lo
	x, v := convert[T](p.x[lo*d:hi*d]), convert[T](p.v[lo*d:hi*d])
	alpha, sigma := p.alpha[lo:hi], p.sigma[lo:hi]
	den, vjp, density, resp := make([]T, k*d), make([]T, k*d), make([]T, k), make([]T, k*p.mix.N())
	must(t, m.Denoise(den, x, alpha, sigma))
	must(t, m.VJP(vjp, x, v, alpha, sigma))
	must(t, m.LogDensity(density, x, alpha, sigma))
	must(t, m.LogResponsibilities(resp, x, alpha, sigma))
	return &answers{convert[float64](den), convert[float64](vjp), convert[float64](density), convert[float64](resp)}
}

// expected is ask of core/mixture.
func expected(t testing.TB, p *problem) *answers {
	t.Helper()
	d, n := p.mix.Dim, p.mix.N()
	a := &answers{make([]float64, len(p.x)), make([]float64, len(p.x)), make([]float64, p.items), make([]float64, p.items*n)}
	for i := range p.items {
		l, err := p.mix.At(p.alpha[i], p.sigma[i])
		must(t, err)
		lo, hi := i*d, (i+1)*d
		l.Denoise(a.denoised[lo:hi], p.x[lo:hi])
		l.VJP(a.vjp[lo:hi], p.x[lo:hi], p.v[lo:hi])
		l.LogDensity(a.density[i:i+1], p.x[lo:hi])
		l.Responsibilities(a.responsibilities[i*n:(i+1)*n], p.x[lo:hi])
	}
	for i, v := range a.responsibilities {
		a.responsibilities[i] = math.Log(v)
	}
	return a
}

func convert[U, T cuda.Float](x []T) []U {
	out := make([]U, len(x))
	for i, v := range x {
		out[i] = U(v)
	}
	return out
}
