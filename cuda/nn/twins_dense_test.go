package nn_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

func squareErrorTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinRows {
		rows, width := s[0], s[1]
		x, target, losses := uploaded[T](t, d, rows*width, 25), uploaded[T](t, d, rows*width, 26), zeros[float64](t, d, rows)
		must(t, nn.SquareError[T](d, losses, cuda.Buffer{}, x, target, rows, width, 1))
		out = append(out, wide[float64](t, d, losses, rows))
		must(t, nn.SquareError[T](d, losses, x, x, target, rows, width, 1/float64(rows)))
		out = append(out, wide[T](t, d, x, rows*width), wide[float64](t, d, losses, rows))
	}
	return out
}

func sumSquaresTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range append(twinLengths, 32768, 70001) {
		sum, scratch := zeros[float64](t, d, 1), zeros[float64](t, d, nn.SumSquaresScratch(n))
		must(t, nn.SumSquares[T](d, sum, uploaded[T](t, d, n, 27), scratch, n))
		out = append(out, wide[float64](t, d, sum, 1), wide[float64](t, d, scratch, nn.SumSquaresScratch(n)))
	}
	return out
}

func treeSumTwin(t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		sum := zeros[float64](t, d, 1)
		must(t, nn.TreeSum(d, sum, uploaded[float64](t, d, n, 28), n))
		out = append(out, wide[float64](t, d, sum, 1))
	}
	return out
}

// adamSteps are Adam's: without clipping, with it, with a norm below the clip, and with a gradient that is not finite.
func adamSteps(t testing.TB, d cuda.Device) []nn.AdamStep {
	t.Helper()
	s := nn.AdamStep{Step: 3, Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, EMADecay: 0.99}
	steps := []nn.AdamStep{s}
	for _, squares := range []float64{9, 0.1, math.NaN()} {
		s.Clip, s.SumSquares = 0.7, upload(t, d, []float64{squares})
		steps = append(steps, s)
	}
	return steps
}

// adamState is weights, moments and moving average of n parameters.
func adamState[T cuda.Float](t testing.TB, d cuda.Device, n int) nn.AdamArrays {
	t.Helper()
	v := host[T](n, 31)
	for i := range v {
		v[i] *= v[i]
	}
	return nn.AdamArrays{W: uploaded[T](t, d, n, 29), M: uploaded[T](t, d, n, 30), V: upload(t, d, v), EMA: uploaded[T](t, d, n, 32)}
}

func adamOutput[T cuda.Float](t testing.TB, d cuda.Device, a nn.AdamArrays, n int) output {
	t.Helper()
	out := output{wide[T](t, d, a.W, n), wide[T](t, d, a.M, n), wide[T](t, d, a.V, n)}
	if !a.EMA.IsNil() {
		out = append(out, wide[T](t, d, a.EMA, n))
	}
	return out
}

func adamTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, n := range twinLengths {
		for i, s := range adamSteps(t, d) {
			a := adamState[T](t, d, n)
			a.G = uploaded[T](t, d, n, 33)
			if i == 1 {
				a.EMA = cuda.Buffer{}
			}
			must(t, nn.Adam[T](d, a, n, s))
			out = append(out, adamOutput[T](t, d, a, n)...)
		}
	}
	return out
}

func outerSquaresTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinLayers {
		partial := zeros[float64](t, d, s.Rows)
		must(t, nn.OuterSquares[T](d, partial, uploaded[T](t, d, s.Rows*s.In, 34), uploaded[T](t, d, s.Rows*s.Out, 35), s))
		out = append(out, wide[float64](t, d, partial, s.Rows))
	}
	return out
}

func outerAdamTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinLayers {
		for i, step := range adamSteps(t, d) {
			a := adamState[T](t, d, s.In*s.Out)
			if i == 1 {
				a.EMA = cuda.Buffer{}
			}
			must(t, nn.OuterAdam[T](d, a, uploaded[T](t, d, s.Rows*s.In, 36), uploaded[T](t, d, s.Rows*s.Out, 37), s, step))
			out = append(out, adamOutput[T](t, d, a, s.In*s.Out)...)
		}
	}
	return out
}

func linearTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinLayers {
		x, w, b := uploaded[T](t, d, s.Rows*s.In, 38), uploaded[T](t, d, s.In*s.Out, 39), uploaded[T](t, d, s.Out, 40)
		y := uploaded[T](t, d, s.Rows*s.Out, 41)
		must(t, nn.LinearForward[T](d, y, x, w, b, s))
		out = append(out, wide[T](t, d, y, s.Rows*s.Out))
		must(t, nn.LinearForward[T](d, y, x, w, cuda.Buffer{}, s))
		out = append(out, wide[T](t, d, y, s.Rows*s.Out))
	}
	return out
}

func backwardInputTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinLayers {
		dy, w, dx := uploaded[T](t, d, s.Rows*s.Out, 42), uploaded[T](t, d, s.In*s.Out, 43), uploaded[T](t, d, s.Rows*s.In, 44)
		for _, accumulate := range []bool{true, false} {
			must(t, nn.LinearBackwardInput[T](d, dx, dy, w, s, accumulate))
			out = append(out, wide[T](t, d, dx, s.Rows*s.In))
		}
	}
	return out
}

func backwardWeightTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinLayers {
		x, dy := uploaded[T](t, d, s.Rows*s.In, 45), uploaded[T](t, d, s.Rows*s.Out, 46)
		dw, db := uploaded[T](t, d, s.In*s.Out, 47), uploaded[T](t, d, s.Out, 48)
		for _, accumulate := range []bool{true, false} {
			must(t, nn.LinearBackwardWeight[T](d, dw, db, x, dy, s, accumulate))
			out = append(out, wide[T](t, d, dw, s.In*s.Out), wide[T](t, d, db, s.Out))
		}
	}
	return out
}

func columnSumsTwin[T cuda.Float](t testing.TB, d cuda.Device) (out output) {
	for _, s := range twinRows {
		for _, accumulate := range []bool{true, false} {
			sums := uploaded[T](t, d, s[1], 49)
			must(t, nn.ColumnSums[T](d, sums, uploaded[T](t, d, s[0]*s[1], 50), s[0], s[1], accumulate))
			out = append(out, wide[T](t, d, sums, s[1]))
		}
	}
	return out
}

// host is n numbers about 0 of size 1, by a hash: the same on every device, other ones for another salt.
func host[T cuda.Float](n int, salt uint64) []T {
	x := make([]T, n)
	for i := range x {
		h := (uint64(i) + salt<<32 + 1) * 0x9e3779b97f4a7c15
		h = (h ^ h>>29) * 0xbf58476d1ce4e5b9
		h ^= h >> 32
		x[i] = T(4*float64(h>>11)*0x1p-53 - 2)
	}
	return x
}

func uploaded[T cuda.Float](t testing.TB, d cuda.Device, n int, salt uint64) cuda.Buffer {
	t.Helper()
	return upload(t, d, host[T](n, salt))
}

// wide is the first n numbers of a buffer as float64, and NaN bits as they are.
func wide[T cuda.Float](t testing.TB, d cuda.Device, b cuda.Buffer, n int) []float64 {
	t.Helper()
	out := make([]float64, n)
	for i, v := range download[T](t, d, b, n) {
		out[i] = float64(v)
	}
	return out
}
