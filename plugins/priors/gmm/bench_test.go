package gmm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

func BenchmarkDenoise(b *testing.B) {
	const batch = 64
	for _, size := range []struct{ n, d int }{{5, 2}, {50, 100}, {1000, 100}, {1000, 1000}} {
		for _, options := range []string{`{"width": 0.1}`, `{"components": "gaussian"}`} {
			name := "training"
			if strings.Contains(options, "gaussian") {
				name = "gaussian"
			}
			b.Run(fmt.Sprintf("%s/n=%d/d=%d", name, size.n, size.d), func(b *testing.B) {
				if name == "gaussian" && size.d > 100 {
					b.Skip("the set-up takes longer than the benchmark")
				}
				p, c := trained(b, options, normals(1, "rows", size.n, size.d))
				x, x0, level := normals(1, "x", batch, size.d), c.Latent.New(batch), make([]int, batch)
				for i := range level {
					level[i] = 500
				}
				for b.Loop() {
					if _, err := p.Denoise(ctx, x, level, x0); err != nil {
						b.Fatal(err)
					}
				}
				perItem := b.Elapsed().Seconds() * 1e9 / float64(b.N) / batch
				b.ReportMetric(perItem, "ns/item")
				if name == "training" {
					b.ReportMetric(perItem/float64(size.n*size.d), "ns/(N*d)")
				}
			})
		}
	}
}

// BenchmarkTrain is the Gaussian: two passes, d^2/2 multiply-adds an example.
func BenchmarkTrain(b *testing.B) {
	const n, d = 2000, 100
	s := model(tensor.Float64, d)
	set := points(b, s, normals(1, "rows", n, d), 0)
	p := contract.LocalPrior(New())
	if _, err := p.Configure(ctx, contract.Config{Options: json.RawMessage(`{"components": "gaussian"}`), Target: []space.Space{s}}); err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	for b.Loop() {
		if err := p.Train(ctx, contract.TrainRequest{Dataset: set, Folder: folder}, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "examples/s")
}
