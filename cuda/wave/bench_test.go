package wave_test

import (
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// surface is a set-up of n x n nodes of 10 m with 20 nodes of C-PML, order 4, shots and n receivers in row 1, 15 Hz.
func surface(n, shots, steps int) wave.Config {
	c := wave.Config{
		NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: 4,
		Top: 20, Bottom: 20, Left: 20, Right: 20, LayerSpeed: 4500, LayerHz: 15,
	}
	for k := range shots {
		c.Wavelets = append(c.Wavelets, marchtest.Ricker(steps, 1e-3, 15, 0.073))
		c.Sources = append(c.Sources, []wave.Node{{IZ: 1, IX: (n - 1) * k / max(1, shots-1), Weight: 1}})
	}
	for i := range n {
		c.Receivers = append(c.Receivers, []wave.Node{{IZ: 1, IX: i, Weight: 1}})
	}
	return c
}

// BenchmarkAcoustic: one model, 1000 steps. ms/item is the time of a model, Gcell/s counts padded nodes and forward steps.
func BenchmarkAcoustic(b *testing.B) {
	for _, size := range []struct{ n, shots int }{{70, 5}, {512, 4}} {
		b.Run(fmt.Sprintf("forward-%dx%d", size.n, size.n), func(b *testing.B) { benchmark(b, surface(size.n, size.shots, 1000), false) })
		b.Run(fmt.Sprintf("gradient-%dx%d", size.n, size.n), func(b *testing.B) { benchmark(b, surface(size.n, size.shots, 1000), true) })
	}
}

func benchmark(b *testing.B, c wave.Config, gradient bool) {
	d, err := cuda.NewCPU(0) // -cpu says how many threads
	marchtest.Must(b, err)
	defer d.Close()
	p, err := wave.New[float32](d, c)
	marchtest.Must(b, err)
	v := make([]float32, p.Nodes())
	for i := range v {
		v[i] = 1500 + 3000*float32(i/c.NX)/float32(c.NZ)
	}
	cells := float64((c.NZ+c.Top+c.Bottom)*(c.NX+c.Left+c.Right)) * float64(c.Steps*len(c.Sources))
	marchtest.Benchmark(b, p, v, cells, gradient)
}
