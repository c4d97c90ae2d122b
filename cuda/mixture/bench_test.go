package mixture_test

import (
	"fmt"
	"testing"
	"time"

	reference "github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/cuda"
)

// BenchmarkMixture: one thread, the denoiser (and its Jacobian) against core/mixture, in the same run: the study's
// large case, its two-dimensional one, and a single chain. All weights count at this level, where plain Go can leave out none.
func BenchmarkMixture(b *testing.B) {
	for _, size := range []struct{ n, d, items int }{{1000, 100, 64}, {20, 2, 1000}, {1000, 100, 1}, {1, 100, 64}} {
		name := fmt.Sprintf("N=%d/d=%d/items=%d", size.n, size.d, size.items)
		b.Run(name+"/f64", func(b *testing.B) { benchmark[float64](b, size.n, size.d, size.items, false) })
		b.Run(name+"/f64/vjp", func(b *testing.B) { benchmark[float64](b, size.n, size.d, size.items, true) })
		b.Run(name+"/f32", func(b *testing.B) { benchmark[float32](b, size.n, size.d, size.items, false) })
	}
}

func benchmark[T cuda.Float](b *testing.B, n, d, items int, vjp bool) {
	r := generator(b)
	cov := reference.Isotropic(0.01)
	if n == 1 {
		lower := make([]float64, d*d)
		for i := range d {
			for j := range i + 1 {
				lower[i*d+j] = r.NormFloat64()
			}
		}
		cov = reference.Factor(lower)
	}
	ref, err := reference.New(normals(r, n*d), d, nil, cov)
	must(b, err)
	m := onDevice[T](b, device(b, "cpu", 1), ref)
	level, err := ref.At(0.2, 0.98)
	must(b, err)
	x, v, y := normals(r, items*d), normals(r, items*d), make([]float64, items*d)
	plain := func() {
		if vjp {
			level.VJP(y, x, v)
		} else {
			level.Denoise(y, x)
		}
	}
	alpha, sigma := make([]float64, items), make([]float64, items)
	for i := range items {
		alpha[i], sigma[i] = 0.2, 0.98
	}
	xt, vt, yt := convert[T](x), convert[T](v), make([]T, items*d)
	kernels := func() {
		if vjp {
			must(b, m.VJP(yt, xt, vt, alpha, sigma))
		} else {
			must(b, m.Denoise(yt, xt, alpha, sigma))
		}
	}
	ours, theirs := time.Hour, time.Hour
	for b.Loop() { // taken in turn, the best of each
		start := time.Now()
		plain()
		middle := time.Now()
		kernels()
		theirs, ours = min(theirs, middle.Sub(start)), min(ours, time.Since(middle))
	}
	b.ReportMetric(theirs.Seconds()*1e6, "us/plain")
	b.ReportMetric(ours.Seconds()*1e6, "us/kernels")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x")
}
