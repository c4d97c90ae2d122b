package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// TestOuter holds the update without a stored gradient to LinearBackwardWeight, SumSquares and Adam: the same bits for the
// same sum of squares, and that sum to 1e-13 of the sum of the terms' sizes, which is rows times it at the most.
func TestOuter(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, s := range append(slices.Clone(layers), nn.LinearShape{Rows: 300, In: 40, Out: 70}) {
			t.Run(fmt.Sprintf("%d rows %d to %d", s.Rows, s.In, s.Out), func(t *testing.T) {
				outer[float32](t, s, 1e-5)
				outer[float64](t, s, 1e-13)
			})
		}
	})
}

func outer[T cuda.Float](t *testing.T, s nn.LinearShape, bound float64) {
	t.Helper()
	n := s.In * s.Out
	x, dy := normals[T](t, s.Rows*s.In, 1), normals[T](t, s.Rows*s.Out, 1)
	start := [4][]T{normals[T](t, n, 1), normals[T](t, n, 0.1), normals[T](t, n, 0.1), normals[T](t, n, 1)}
	for i, v := range start[2] {
		start[2][i] = v * v
	}
	for _, average := range []bool{true, false} {
		sameBits(t, func(d cuda.Device) []T {
			bx, bdy, g := upload(t, d, x), upload(t, d, dy), zeros[T](t, d, n)
			var plain, fused [4]cuda.Buffer
			for i := range start {
				plain[i], fused[i] = upload(t, d, start[i]), upload(t, d, start[i])
			}
			if !average {
				plain[3], fused[3] = cuda.Buffer{}, cuda.Buffer{}
			}
			must(t, nn.LinearBackwardWeight[T](d, g, cuda.Buffer{}, bx, bdy, s, false))
			sum, scratch := zeros[float64](t, d, 1), zeros[float64](t, d, nn.SumSquaresScratch(n))
			must(t, nn.SumSquares[T](d, sum, g, scratch, n))
			partial, gram := zeros[float64](t, d, s.Rows), zeros[float64](t, d, 1)
			must(t, nn.OuterSquares[T](d, partial, bx, bdy, s))
			must(t, nn.TreeSum(d, gram, partial, s.Rows))
			want := download[float64](t, d, sum, 1)[0]
			near(t, "squares", 0, download[float64](t, d, gram, 1)[0], want, bound, want*float64(s.Rows))

			step := nn.AdamStep{Step: 3, Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, EMADecay: 0.9, Clip: 0.5 * math.Sqrt(want), SumSquares: sum}
			must(t, nn.Adam[T](d, nn.AdamArrays{W: plain[0], G: g, M: plain[1], V: plain[2], EMA: plain[3]}, n, step))
			arrays := nn.AdamArrays{W: fused[0], M: fused[1], V: fused[2], EMA: fused[3]}
			must(t, nn.OuterAdam[T](d, arrays, bx, bdy, s, step))
			var all []T
			for i, b := range fused {
				if b.IsNil() {
					continue
				}
				got := download[T](t, d, b, n)
				for k, w := range download[T](t, d, plain[i], n) {
					if got[k] != w {
						t.Fatalf("array %d, element %d: %g, with a stored gradient %g", i, k, got[k], w)
					}
				}
				if i < 2 && slices.Equal(got, start[i]) {
					t.Fatalf("array %d was not updated", i)
				}
				all = append(all, got...)
			}
			// Not finite: nothing changes.
			must(t, d.Upload(sum, bytesOf([]float64{math.NaN()})))
			must(t, nn.OuterAdam[T](d, arrays, bx, bdy, s, step))
			if !slices.Equal(download[T](t, d, fused[0], n), all[:n]) {
				t.Fatal("a step whose sum of squares is NaN changed weights")
			}
			return append(all, T(download[float64](t, d, gram, 1)[0]))
		})
	}
}
