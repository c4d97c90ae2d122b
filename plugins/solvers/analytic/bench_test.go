package analytic

import (
	"strings"
	"testing"
)

func BenchmarkForward(b *testing.B) {
	const batch = 1 << 16
	for _, p := range problems {
		b.Run(strings.NewReplacer(`"`, ``, ` `, ``).Replace(p.options), func(b *testing.B) {
			s, c := configure(b, p.options)
			m, d := normals(1, "m", batch, p.d), c.Data.New(batch)
			for b.Loop() {
				if _, err := s.Forward(ctx, m, d); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/batch, "ns/item")
		})
	}
}

func BenchmarkGradient(b *testing.B) {
	const batch = 1 << 16
	for _, p := range problems {
		b.Run(strings.NewReplacer(`"`, ``, ` `, ``).Replace(p.options), func(b *testing.B) {
			s, c := configure(b, p.options)
			if err := s.Observe(ctx, c.Data.New(1), []float64{0.3}); err != nil {
				b.Fatal(err)
			}
			m, g, which, phi := normals(1, "m", batch, p.d), c.Model.New(batch), make([]int, batch), make([]float64, batch)
			for b.Loop() {
				if _, err := s.Misfit(ctx, m, which, phi, g); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/batch, "ns/item")
		})
	}
}
