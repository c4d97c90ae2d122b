package nn_test

import (
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// BenchmarkLinear: the three products of one hidden layer of the published network, over six layers' weights so that they
// come from memory as they do in training. GFLOP/s.
func BenchmarkLinear(b *testing.B) {
	const width, count = 2048, 6
	for _, rows := range []int{50, 32} {
		s := nn.LinearShape{Rows: rows, In: width, Out: width}
		for _, threads := range []int{1, 2} {
			d := device(b, threads)
			x, y := upload(b, d, normals[float32](b, rows*width, 1)), upload(b, d, normals[float32](b, rows*width, 1))
			bias := zeros[float32](b, d, width)
			var w, dw [count]cuda.Buffer
			for i := range w {
				w[i], dw[i] = upload(b, d, normals[float32](b, width*width, 1)), zeros[float32](b, d, width*width)
			}
			for name, f := range map[string]func(i int) error{
				"forward":         func(i int) error { return nn.LinearForward[float32](d, y, x, w[i], bias, s) },
				"backward-input":  func(i int) error { return nn.LinearBackwardInput[float32](d, y, x, w[i], s, false) },
				"backward-weight": func(i int) error { return nn.LinearBackwardWeight[float32](d, dw[i], bias, x, y, s, false) },
			} {
				b.Run(fmt.Sprintf("%s/rows=%d/threads=%d", name, rows, threads), func(b *testing.B) {
					n := 0
					for b.Loop() {
						must(b, f(n%count))
						n++
					}
					b.ReportMetric(2*float64(rows)*width*width*float64(n)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
			must(b, d.Close())
		}
	}
}
