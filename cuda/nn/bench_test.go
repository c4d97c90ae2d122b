package nn_test

import (
	"fmt"
	"syscall"
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

// The published network of the memorisation study: 356 to 2048, 12 blocks of 2048, to 100; batch 50.
const (
	stepRows, stepIn, stepWidth, stepBlocks, stepOut = 50, 356, 2048, 12, 100
	stepParameters                                   = stepIn*stepWidth + stepWidth + stepBlocks*(stepWidth*stepWidth+3*stepWidth) + stepWidth*stepOut + stepOut
)

// BenchmarkStep: the parts of a training step of the published network, 51 341 412 parameters, and all of it: forward,
// loss, backward, gradient norm, Adam with clipping and moving average, in the order in which core/nn calls them. The peer
// is bench/mlp_torch.py.
func BenchmarkStep(b *testing.B) {
	if stepParameters != 51341412 {
		b.Fatalf("%d parameters, the published network has 51 341 412", stepParameters)
	}
	for _, threads := range []int{1, 2} {
		d := device(b, threads)
		n := newNetwork(b, d)
		gemm := 6.0 * stepRows * (stepIn*stepWidth + stepBlocks*stepWidth*stepWidth + stepWidth*stepOut)
		gemm -= 2 * stepRows * stepIn * stepWidth // nothing needs the gradient of the input
		parts := []struct {
			name  string
			run   func(k int) error
			flops float64
			bytes float64
		}{
			{"products", n.products, gemm, 0},
			{"pointwise", n.pointwise, 0, 0},
			{"norm-of-gradient", n.norm, 0, 4 * stepParameters},
			{"adam", n.adam, 0, 36 * stepParameters},
			{"whole", func(k int) error {
				if err := n.gradient(); err != nil {
					return err
				}
				if err := n.norm(k); err != nil {
					return err
				}
				return n.adam(k)
			}, gemm, 0},
		}
		for _, p := range parts {
			b.Run(fmt.Sprintf("%s/threads=%d", p.name, threads), func(b *testing.B) {
				k, before := 0, cpuSeconds(b)
				for b.Loop() {
					must(b, p.run(k))
					k++
				}
				per := b.Elapsed().Seconds() / float64(k)
				b.ReportMetric((cpuSeconds(b)-before)/float64(k)*1e3, "cpu-ms")
				b.ReportMetric(per*1e3, "ms")
				if p.flops > 0 {
					b.ReportMetric(p.flops/per/1e9, "GFLOP/s")
				}
				if p.bytes > 0 {
					b.ReportMetric(p.bytes/per/1e9, "GB/s")
				}
			})
		}
		must(b, d.Close())
	}
}

// cpuSeconds is what the process has used of all cores: it tells a slow kernel from a busy machine.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)*1e-6
}
