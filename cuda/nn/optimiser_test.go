package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

func TestSumSquares(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, n := range []int{1, 31, 32768, 32769, 200001} {
			sumSquares[float32](t, n)
			sumSquares[float64](t, n)
		}
	})
}

func sumSquares[T cuda.Float](t *testing.T, n int) {
	t.Helper()
	x := normals[T](t, n, 1e3)
	var got float64
	sameBits(t, func(d cuda.Device) []float64 {
		sum := zeros[float64](t, d, 1)
		must(t, nn.SumSquares[T](d, sum, upload(t, d, x), zeros[float64](t, d, nn.SumSquaresScratch(n)), n))
		got = download[float64](t, d, sum, 1)[0]
		return []float64{got}
	})
	want := 0.0
	for _, v := range x {
		want += float64(v) * float64(v)
	}
	near(t, "sum", 0, got, want, 1e-12, want)
}

func TestSquareError(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, shape := range [][2]int{{1, 1}, {50, 100}, {33, 356}, {2, 2048}} {
			squareError[float32](t, shape[0], shape[1], 3e-7)
			squareError[float64](t, shape[0], shape[1], 1e-15)
		}
	})
}

func squareError[T cuda.Float](t *testing.T, rows, width int, bound float64) {
	t.Helper()
	x, target := normals[T](t, rows*width, 1), normals[T](t, rows*width, 1)
	var losses []float64
	var dx []T
	sameBits(t, func(d cuda.Device) []float64 {
		b, bl := upload(t, d, x), zeros[float64](t, d, rows)
		must(t, nn.SquareError[T](d, bl, b, b, upload(t, d, target), rows, width, 1/float64(rows)))
		losses, dx = download[float64](t, d, bl, rows), download[T](t, d, b, rows*width)
		return losses
	})
	for i := range rows {
		want := 0.0
		for j := range width {
			e := float64(x[i*width+j]) - float64(target[i*width+j])
			want += e * e
			near(t, "dx", i*width+j, float64(dx[i*width+j]), 2*e/float64(rows), bound, 2+math.Abs(e))
		}
		near(t, "loss", i, losses[i], want, max(bound, 1e-13), want)
	}
}

// reference is Adam in float64, from the equations of adam.h, in the order of the paper.
type reference struct{ w, m, v, ema []float64 }

func (r *reference) step(g []float64, s nn.AdamStep, norm float64) {
	c := 1.0
	if !s.SumSquares.IsNil() {
		c = min(1, s.Clip/(norm+1e-6))
	}
	rest1, rest2 := 1-math.Pow(s.Beta1, float64(s.Step)), 1-math.Pow(s.Beta2, float64(s.Step))
	for i := range r.w {
		h := c * g[i]
		r.m[i] = s.Beta1*r.m[i] + (1-s.Beta1)*h
		r.v[i] = s.Beta2*r.v[i] + (1-s.Beta2)*h*h
		mhat := r.m[i] / rest1
		vhat := r.v[i] / rest2
		r.w[i] -= s.Rate * mhat / (math.Sqrt(vhat) + s.Epsilon)
		r.ema[i] = s.EMADecay*r.ema[i] + (1-s.EMADecay)*r.w[i]
	}
}

func TestAdam(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, n := range []int{1, 63, 16384, 40001} {
			adam[float32](t, n, 1e-6)
			adam[float64](t, n, 1e-14)
		}
	})
}

// adam does ten steps with and without clipping, which sets in as the gradient grows, and compares with the reference.
func adam[T cuda.Float](t *testing.T, n int, bound float64) {
	t.Helper()
	const steps = 10
	w0 := normals[T](t, n, 1)
	var gradients [steps][]T
	for k := range gradients {
		gradients[k] = normals[T](t, n, 0.1*float64(k+1)/math.Sqrt(float64(n)))
	}
	for _, clip := range []float64{0, 0.55} {
		want := &reference{make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)}
		for i := range w0 {
			want.w[i], want.ema[i] = float64(w0[i]), float64(w0[i])
		}
		step := func(k int) nn.AdamStep {
			return nn.AdamStep{Step: k + 1, Rate: 5e-4, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, EMADecay: min(0.9999, float64(1+k)/float64(10+k)), Clip: clip}
		}
		var w, ema []T
		clipped := 0
		sameBits(t, func(d cuda.Device) []T {
			a := nn.AdamArrays{W: upload(t, d, w0), M: zeros[T](t, d, n), V: zeros[T](t, d, n), EMA: upload(t, d, w0)}
			plain := nn.AdamArrays{W: upload(t, d, w0), M: zeros[T](t, d, n), V: zeros[T](t, d, n)}
			sum, scratch := zeros[float64](t, d, 1), zeros[float64](t, d, nn.SumSquaresScratch(n))
			for k, g := range gradients {
				a.G = upload(t, d, g)
				plain.G = a.G
				s := step(k)
				if clip > 0 {
					must(t, nn.SumSquares[T](d, sum, a.G, scratch, n))
					s.SumSquares = sum
					if math.Sqrt(download[float64](t, d, sum, 1)[0]) > clip {
						clipped++
					}
				}
				must(t, nn.Adam[T](d, a, n, s))
				must(t, nn.Adam[T](d, plain, n, s))
			}
			w, ema = download[T](t, d, a.W, n), download[T](t, d, a.EMA, n)
			if !slices.Equal(w, download[T](t, d, plain.W, n)) {
				t.Fatal("without the average the weights are others")
			}
			return slices.Concat(w, ema)
		})
		if clip > 0 && n > 1 && (clipped == 0 || clipped == 4*steps) {
			t.Fatalf("clipped %d times of %d: the test is to see both", clipped, 4*steps)
		}
		for k, g := range gradients {
			g64, norm := make([]float64, n), 0.0
			for i := range g {
				g64[i] = float64(g[i])
				norm += g64[i] * g64[i]
			}
			s := step(k)
			if clip > 0 {
				s.SumSquares = zeros[float64](t, device(t, 1), 1)
			}
			want.step(g64, s, math.Sqrt(norm))
		}
		for i := range w {
			near(t, "w", i, float64(w[i]), want.w[i], bound, 1+math.Abs(want.w[i]))
			near(t, "ema", i, float64(ema[i]), want.ema[i], bound, 1+math.Abs(want.w[i]))
		}
	}
}

// TestAdamKeepsOutNaN: a gradient that is not finite changes nothing.
func TestAdamKeepsOutNaN(t *testing.T) {
	d := device(t, 1)
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		a := nn.AdamArrays{W: upload(t, d, []float32{1, 2}), G: upload(t, d, []float32{bad, 1}), M: upload(t, d, []float32{3, 4}), V: upload(t, d, []float32{5, 6}), EMA: upload(t, d, []float32{7, 8})}
		sum := zeros[float64](t, d, 1)
		must(t, nn.SumSquares[float32](d, sum, a.G, zeros[float64](t, d, 1), 2))
		must(t, nn.Adam[float32](d, a, 2, nn.AdamStep{Step: 1, Rate: 1, Beta1: .9, Beta2: .999, Epsilon: 1e-8, EMADecay: .9, Clip: 1, SumSquares: sum}))
		for name, pair := range map[string][2]cuda.Buffer{"w": {a.W, upload(t, d, []float32{1, 2})}, "m": {a.M, upload(t, d, []float32{3, 4})}, "v": {a.V, upload(t, d, []float32{5, 6})}, "ema": {a.EMA, upload(t, d, []float32{7, 8})}} {
			got, want := download[float32](t, d, pair[0], 2), download[float32](t, d, pair[1], 2)
			if !slices.Equal(got, want) {
				t.Errorf("%s is %v after a gradient with %g", name, got, bad)
			}
		}
	}
}

func TestAdamRefuses(t *testing.T) {
	d := device(t, 1)
	b := zeros[float32](t, d, 4)
	good := nn.AdamStep{Step: 1, Rate: 1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, EMADecay: 0.9}
	arrays := nn.AdamArrays{W: b, G: b, M: b, V: b}
	must(t, nn.Adam[float32](d, arrays, 4, good))
	for name, f := range map[string]func(s *nn.AdamStep, a *nn.AdamArrays, n *int){
		"step 0":    func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.Step = 0 },
		"beta2 1":   func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.Beta2 = 1 },
		"beta1 NaN": func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.Beta1 = math.NaN() },
		"epsilon 0": func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.Epsilon = 0 },
		"decay 2":   func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.EMADecay = 2 },
		"no clip":   func(s *nn.AdamStep, _ *nn.AdamArrays, _ *int) { s.SumSquares = b },
		"small m":   func(_ *nn.AdamStep, a *nn.AdamArrays, _ *int) { a.M = b.Slice(0, 8) },
		"small ema": func(_ *nn.AdamStep, a *nn.AdamArrays, _ *int) { a.EMA = b.Slice(4, 12) },
		"none":      func(_ *nn.AdamStep, _ *nn.AdamArrays, n *int) { *n = 0 },
	} {
		s, a, n := good, arrays, 4
		f(&s, &a, &n)
		if err := nn.Adam[float32](d, a, n, s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
