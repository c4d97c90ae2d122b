package wave_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// drawn is a small propagator of any shape: grids of few nodes and of a few more than whole vectors, layers on some sides, 1 to 3
// shots and receivers of one to three nodes each anywhere, one step and more, segments.
func drawn(r marchtest.Draws) wave.Config {
	pick := func(n ...int) int { return n[r.IntN(len(n))] }
	layer := func() int { return pick(0, 0, 1, 2, 4, 7, 16, 20) }
	c := wave.Config{NZ: pick(2, 3, 5, 17, 33), NX: pick(2, 3, 5, 15, 16, 17, 33, 50), SpacingM: 10, StepS: 1e-3,
		Steps: pick(1, 2, 5, 40), Order: pick(2, 4, 6, 8), Top: layer(), Bottom: layer(), Left: layer(), Right: layer(),
		LayerSpeed: 4000, LayerHz: 18, Segment: pick(0, 1, 7)}
	switch r.IntN(4) {
	case 0:
		c.Top, c.FreeSurface = 0, true
	case 1:
		n := pick(2, 3, 5, 9)
		c.Top, c.Bottom, c.Left, c.Right, c.Sponge, c.Order = n, n, n, n, true, 4
	}
	point := func() []wave.Node { // row by row, as sources and receivers come
		var p []wave.Node
		for range 1 + r.IntN(3) {
			p = append(p, wave.Node{IZ: r.IntN(c.NZ+c.Top+c.Bottom) - c.Top, IX: r.IntN(c.NX+c.Left+c.Right) - c.Left, Weight: r.NormFloat64()})
		}
		slices.SortFunc(p, func(a, b wave.Node) int { return cmp.Or(a.IZ-b.IZ, a.IX-b.IX) })
		return slices.CompactFunc(p, func(a, b wave.Node) bool { return a.IZ == b.IZ && a.IX == b.IX })
	}
	for range 1 + r.IntN(3) {
		c.Sources, c.Wavelets = append(c.Sources, point()), append(c.Wavelets, marchtest.Normals[float64](r, c.Steps, 1))
	}
	for range 1 + r.IntN(3) {
		c.Receivers = append(c.Receivers, point())
	}
	return c
}

// Every shape that New takes is the scheme, has its transpose, and gives the same numbers as a batch does.
func TestDrawnShapes(t *testing.T) {
	const seed = 1
	taken := 0
	for k := range 100 {
		r := marchtest.Draws{Rand: rand.New(rand.NewPCG(seed, uint64(k)))}
		c := drawn(r)
		name := fmt.Sprintf("seed %d, %d: %d x %d nodes, layers %d %d %d %d, %d steps, order %d, free surface %v, sponge %v, segment %d", seed, k,
			c.NZ, c.NX, c.Top, c.Bottom, c.Left, c.Right, c.Steps, c.Order, c.FreeSurface, c.Sponge, c.Segment)
		p, err := wave.New[float64](twin.CPU(t, 2), c)
		if err != nil {
			continue // too few rows for the order
		}
		taken++
		c.Batched = true
		q := plan[float64](t, c, 2)
		v, dv, w := rough[float64](r, p.Nodes()), marchtest.Normals[float64](r, p.Nodes(), 30), marchtest.Normals[float64](r, p.Data(), 1)
		call := func(p *wave.Plan[float64]) (d, dd, g []float64) {
			d, dd, g = make([]float64, p.Data()), make([]float64, p.Data()), make([]float64, p.Nodes())
			marchtest.Must(t, p.Forward(v, d))
			marchtest.Must(t, p.JVP(v, dv, 1, dd))
			marchtest.Must(t, p.VJP(v, w, 1, g))
			marchtest.Must(t, p.Close())
			return d, dd, g
		}
		d, dd, g := call(p)
		for shot := range c.Sources {
			want := seismogram(c, v, shot)
			top := slices.Max(want) - slices.Min(want)
			for i, x := range want {
				if got := d[shot*len(want)+i]; !(math.Abs(got-x) <= 1e-11*top+1e-30) {
					t.Fatalf("%s: shot %d, number %d: %.17g, want %.17g (range %.3g)", name, shot, i, got, x, top)
				}
			}
		}
		if err := gradcheck.DotProduct(dv, dd, w, g).Check(1e-11); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d2, dd2, g2 := call(q)
		if !slices.Equal(d, d2) || !slices.Equal(dd, dd2) {
			t.Fatalf("%s: other numbers as a batch", name)
		}
		for i, x := range g { // the sponge's damping is summed by another tree
			if !(math.Abs(x-g2[i]) <= 1e-10*math.Abs(x)) {
				t.Fatalf("%s: gradient %d is %.17g as a batch, %.17g by shots", name, i, g2[i], x)
			}
		}
	}
	if taken < 50 {
		t.Fatalf("seed %d: %d of 100 shapes were taken", seed, taken)
	}
}
