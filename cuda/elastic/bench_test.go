package elastic_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// surface is a set-up of n x n nodes of 10 m with 20 nodes of C-PML, order 4, shots with a vertical force and n receivers in row 1,
// 15 Hz.
func surface(n, shots, steps int) elastic.Config {
	c := elastic.Config{
		NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: 4,
		Top: 20, Bottom: 20, Left: 20, Right: 20, LayerSpeed: 4500, LayerHz: 15,
	}
	for k := range shots {
		c.Wavelets = append(c.Wavelets, marchtest.Ricker(steps, 1e-3, 15, 0.073))
		c.Sources = append(c.Sources, []elastic.Node{{Field: elastic.VZ, IZ: 1, IX: (n - 1) * k / max(1, shots-1), Weight: 1}})
	}
	for i := range n {
		c.Receivers = append(c.Receivers, [2][]elastic.Node{{{Field: elastic.VX, IZ: 1, IX: i, Weight: 1}}, {{Field: elastic.VZ, IZ: 1, IX: i, Weight: 1}}})
	}
	return c
}

// BenchmarkElastic: one model, 1000 steps. ms/item is the time of a model, Gcell/s counts padded nodes and forward steps; forwards is
// a gradient's processor time over that of a forward run.
func BenchmarkElastic(b *testing.B) {
	for _, size := range []struct{ n, shots int }{{70, 5}, {512, 4}} {
		b.Run(fmt.Sprintf("forward-%dx%d", size.n, size.n), func(b *testing.B) { benchmark(b, surface(size.n, size.shots, 1000), false) })
		b.Run(fmt.Sprintf("gradient-%dx%d", size.n, size.n), func(b *testing.B) { benchmark(b, surface(size.n, size.shots, 1000), true) })
	}
}

func benchmark(b *testing.B, c elastic.Config, gradient bool) {
	d, err := cuda.NewCPU(0) // -cpu says how many threads
	marchtest.Must(b, err)
	defer d.Close()
	p, err := elastic.New[float32](d, c)
	marchtest.Must(b, err)
	n := c.NZ * c.NX
	m := make([]float32, 3*n)
	for i := range n {
		vp := 1500 + 3000*float64(i/c.NX)/float64(c.NZ)
		m[i], m[n+i], m[2*n+i] = float32(vp), float32(vp/math.Sqrt(3)), 2000
	}
	cells := float64((c.NZ+c.Top+c.Bottom)*(c.NX+c.Left+c.Right)) * float64(c.Steps*len(c.Sources))
	marchtest.Benchmark(b, p, m, cells, gradient)
}
