package elastic_test

import (
	"fmt"
	"math"
	"syscall"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
)

// surface is a set-up of n x n nodes of 10 m with 20 nodes of C-PML, order 4, shots with a vertical force and n receivers in row 1,
// 15 Hz.
func surface(n, shots, steps int) elastic.Config {
	c := elastic.Config{
		NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: 4,
		Top: 20, Bottom: 20, Left: 20, Right: 20, LayerSpeed: 4500, LayerHz: 15,
	}
	for k := range shots {
		c.Wavelets = append(c.Wavelets, ricker(steps, 1e-3, 15, 0.073))
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

// cpuTime is what this process has used, in seconds: on a machine that is shared it says more than the clock.
func cpuTime(b *testing.B) float64 {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func benchmark(b *testing.B, c elastic.Config, gradient bool) {
	d, err := cuda.NewCPU(0) // -cpu says how many threads
	must(b, err)
	defer d.Close()
	p, err := elastic.New[float32](d, c)
	must(b, err)
	n := c.NZ * c.NX
	m := make([]float32, 3*n)
	for i := range n {
		vp := 1500 + 3000*float64(i/c.NX)/float64(c.NZ)
		m[i], m[n+i], m[2*n+i] = float32(vp), float32(vp/math.Sqrt(3)), 2000
	}
	data, g := make([]float32, p.Data()), make([]float64, p.Nodes())
	observed := make([]float32, p.Data())
	forward := func() { must(b, p.Forward(m, data)) }
	run := forward
	if gradient {
		run = func() { must(b, p.Gradient(m, observed, []int{0}, data, g)) }
	}
	run() // takes the memory
	spent := cpuTime(b)
	if gradient { // what it is measured by, in the same minute
		forward()
		spent = cpuTime(b) - spent
	}
	before := cpuTime(b)
	for b.Loop() {
		run()
	}
	cells := float64((c.NZ+c.Top+c.Bottom)*(c.NX+c.Left+c.Right)) * float64(c.Steps*len(c.Sources))
	used := (cpuTime(b) - before) / float64(b.N)
	per := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(per*1e3, "ms/item")
	b.ReportMetric(cells/per/1e9, "Gcell/s")
	b.ReportMetric(used*1e3, "cpu-ms/item")
	b.ReportMetric(cells/used/1e9, "Gcell/cpu-s")
	if gradient {
		b.ReportMetric(used/spent, "forwards")
	}
}
