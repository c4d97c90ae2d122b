package nn_test

import (
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// TestSameBitsOnEachISA: a training step of a small block and Adam give the same bits with AVX2 as with AVX-512.
func TestSameBitsOnEachISA(t *testing.T) {
	if testDevice != "cpu" {
		t.Skip("one instruction set")
	}
	sameOnEachISA[float32](t)
	sameOnEachISA[float64](t)
}

func sameOnEachISA[T cuda.Float](t *testing.T) {
	t.Helper()
	const rows, width = 13, 201
	s := nn.LinearShape{Rows: rows, In: width, Out: width}
	x, w, b, target := normals[T](t, rows*width, 1), normals[T](t, width*width, 0.1), normals[T](t, width, 1), normals[T](t, rows*width, 1)
	var first []T
	best := cuda.ISA()
	defer func() { must(t, cuda.SetISA(best)) }()
	for level := 3; level <= best; level++ {
		must(t, cuda.SetISA(level))
		d := device(t, 2)
		bx, bw, bb := upload(t, d, x), upload(t, d, w), upload(t, d, b)
		u, y, dx, du := zeros[T](t, d, rows*width), zeros[T](t, d, rows*width), zeros[T](t, d, rows*width), zeros[T](t, d, rows*width)
		stats, losses := zeros[T](t, d, 2*rows), zeros[float64](t, d, rows)
		dg, db, scratch := zeros[T](t, d, width), zeros[T](t, d, width), zeros[T](t, d, nn.NormScratch(rows, width))
		dw, dbias := zeros[T](t, d, width*width), zeros[T](t, d, width)
		sum, squares := zeros[float64](t, d, 1), zeros[float64](t, d, nn.SumSquaresScratch(width*width))
		must(t, nn.LinearForward[T](d, u, bx, bw, bb, s))
		must(t, nn.NormGeluForward[T](d, y, u, bx, bb, bb, stats, rows, width))
		must(t, nn.SquareError[T](d, losses, y, y, upload(t, d, target), rows, width, 1.0/rows))
		must(t, nn.NormGeluBackward[T](d, du, dg, db, y, u, bb, bb, stats, scratch, rows, width, false))
		must(t, nn.LinearBackwardInput[T](d, dx, du, bw, s, false))
		must(t, nn.LinearBackwardWeight[T](d, dw, dbias, bx, du, s, false))
		must(t, nn.GeluForward[T](d, y, u, rows*width))
		must(t, nn.SumSquares[T](d, sum, dw, squares, width*width))
		a := nn.AdamArrays{W: bw, G: dw, M: zeros[T](t, d, width*width), V: zeros[T](t, d, width*width), EMA: upload(t, d, w)}
		must(t, nn.Adam[T](d, a, width*width, nn.AdamStep{Step: 1, Rate: 1e-2, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, EMADecay: 0.9, Clip: 1, SumSquares: sum}))
		var got []T
		for _, buffer := range []cuda.Buffer{u, y, dx, du, dg, db, dw, dbias, stats, a.W, a.M, a.V, a.EMA} {
			got = append(got, download[T](t, d, buffer, buffer.Bytes()/cuda.SizeOf[T]())...)
		}
		got = append(got, T(download[float64](t, d, losses, 1)[0]), T(download[float64](t, d, sum, 1)[0]))
		if first == nil {
			first = got
		} else if !slices.Equal(first, got) {
			i := 0
			for i = range got {
				if got[i] != first[i] {
					break
				}
			}
			t.Fatalf("number %d is %g at level %d, %g at level 3", i, got[i], level, first[i])
		}
		if slices.Max(got) == 0 {
			t.Fatal("nothing was computed")
		}
	}
}
