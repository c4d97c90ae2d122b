package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// phiOf is Phi by the standard library's complementary error function.
func phiOf(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }

// TestPhi holds Phi to math.Erfc over the range in which the result is a normal number, at both instruction sets.
func TestPhi(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		// math.Erfc has a relative error of some 1e-15 itself, and x/sqrt 2 rounded moves the tail by x^2 2^-53.
		phiWithin[float32](t, -12.5, 9, 4e-7)
		phiWithin[float64](t, -8, 8, 1.5e-14)
	})
}

func phiWithin[T cuda.Float](t *testing.T, first, last, bound float64) {
	t.Helper()
	const n = 200001
	d := device(t, 2)
	in := make([]T, n)
	for i := range in {
		in[i] = T(first + (last-first)*float64(i)/(n-1))
	}
	x, y := upload(t, d, in), zeros[T](t, d, n)
	must(t, nn.Phi[T](d, y, x, n))
	worst, at := 0.0, 0.0
	for i, got := range download[T](t, d, y, n) {
		want := phiOf(float64(in[i]))
		if e := math.Abs(float64(got)-want) / want; !(e <= worst) {
			worst, at = e, float64(in[i])
		}
	}
	t.Logf("%d-byte numbers: largest relative error of Phi %.3g at %g", cuda.SizeOf[T](), worst, at)
	if !(worst <= bound) {
		t.Errorf("Phi(%g): relative error %.3g, at most %g is stated", at, worst, bound)
	}
}

// TestGeluEnds: what polynomials get wrong first.
func TestGeluEnds(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		geluEnds[float32](t, 3e38)
		geluEnds[float64](t, 1e308)
	})
}

func geluEnds[T cuda.Float](t *testing.T, huge T) {
	t.Helper()
	d := device(t, 1)
	nan := T(math.NaN())
	in := []T{0, -40, 40, -1e10, 1e10, -huge, huge, nan}
	n := len(in)
	x, y, dx := upload(t, d, in), zeros[T](t, d, n), upload(t, d, []T{1, 1, 1, 1, 1, 1, 1, 1})
	must(t, nn.GeluForward[T](d, y, x, n))
	must(t, nn.GeluBackward[T](d, dx, dx, x, n))
	values, slopes := download[T](t, d, y, n), download[T](t, d, dx, n)
	for i, want := range []T{0, 0, 40, 0, 1e10, 0, huge, nan} {
		slope := T(0)
		if in[i] == 0 {
			slope = 0.5
		} else if in[i] > 0 {
			slope = 1
		} else if in[i] != in[i] {
			slope = nan
		}
		same := func(a, b T) bool { return a == b || a != a && b != b || math.Abs(float64(a-b)) <= 4e-16 }
		if got := values[i]; !same(got, want) {
			t.Errorf("gelu(%g) = %g, want %g", in[i], got, want)
		}
		if got := slopes[i]; !same(got, slope) {
			t.Errorf("gelu'(%g) = %g, want %g", in[i], got, slope)
		}
	}
}

// TestGelu holds gelu and its derivative to their formulas by the standard library, at lengths around the block.
func TestGelu(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, n := range []int{1, 33, 4095, 4096, 10001} {
			gelu[float32](t, n, 2e-6)
			gelu[float64](t, n, 1e-14)
		}
	})
}

func gelu[T cuda.Float](t *testing.T, n int, bound float64) {
	t.Helper()
	in, slopes := normals[T](t, n, 2), normals[T](t, n, 1)
	var y, dx []T
	sameBits(t, func(d cuda.Device) []T {
		by, bx, bs := zeros[T](t, d, n), upload(t, d, in), upload(t, d, slopes)
		must(t, nn.GeluForward[T](d, by, bx, n))
		must(t, nn.GeluBackward[T](d, bs, bs, bx, n))
		y, dx = download[T](t, d, by, n), download[T](t, d, bs, n)
		return append(download[T](t, d, by, n), dx...)
	})
	for i := range in {
		x := float64(in[i])
		near(t, "gelu", i, float64(y[i]), x*phiOf(x), bound, 1)
		slope := phiOf(x) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		near(t, "gelu'", i, float64(dx[i]), float64(slopes[i])*slope, bound, math.Abs(float64(slopes[i])))
	}
}
