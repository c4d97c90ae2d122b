package elastic_test

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// An explosion in the middle of a homogeneous square: vx on both sides of it and vz above and below are each other's opposites, vx and
// vz of transposed places the same, to rounding, until long after the layers have taken the wave, and what is left of it is little: a
// layer that lacks a half point on one side shows.
func TestSymmetry(t *testing.T) {
	const n, steps = 25, 700
	for _, order := range []int{2, 4} {
		c := elastic.Config{NZ: n, NX: n, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: order, Top: 10, Bottom: 10, Left: 10, Right: 10,
			LayerSpeed: 3000, LayerHz: 15, Wavelets: [][]float64{marchtest.Ricker(steps, 1e-3, 15, 0.08)},
			Sources: [][]elastic.Node{{{Field: elastic.SXX, IZ: n / 2, IX: n / 2, Weight: 1}, {Field: elastic.SZZ, IZ: n / 2, IX: n / 2, Weight: 1}}}}
		// Half points: right and below (k, i + 1/2) is as far from the middle as left and above (k, n - 2 - i + 1/2).
		one := func(f elastic.Field, iz, ix int, w float64) []elastic.Node {
			return []elastic.Node{{Field: f, IZ: iz, IX: ix, Weight: w}}
		}
		both := func(x, z []elastic.Node) { c.Receivers = append(c.Receivers, [2][]elastic.Node{x, z}) }
		for _, at := range [][2]int{{n / 2, n - 3}, {2, n - 2}, {n - 1, n/2 + 1}} {
			k, i := at[0], at[1]
			both(one(elastic.VX, k, i, 1), one(elastic.VZ, i, k, 1))                   // right; below, transposed
			both(one(elastic.VX, k, n-2-i, -1), one(elastic.VZ, n-2-i, k, -1))         // left; above
			both(one(elastic.VX, n-1-k, i, 1), one(elastic.VZ, i, n-1-k, 1))           // upside down; left for right
			both(one(elastic.VX, n-1-k, n-2-i, -1), one(elastic.VZ, n-2-i, n-1-k, -1)) // both
		}
		p := plan[float64](t, c, 1)
		m := make([]float64, p.Nodes())
		for i := range m {
			m[i] = []float64{3000, 1700, 2200}[i/(n*n)]
		}
		d := make([]float64, p.Data())
		marchtest.Must(t, p.Forward(m, d))
		top, worst, left := 0.0, 0.0, 0.0
		for i, x := range d {
			receiver, step := i%len(c.Receivers), i/len(c.Receivers)%steps
			first := d[step*len(c.Receivers)+receiver/4*4] // vx of the first of the eight
			top, worst = max(top, math.Abs(x)), max(worst, math.Abs(x-first))
			if step > 400 {
				left = max(left, math.Abs(x))
			}
		}
		t.Logf("order %d: apart %.1e of the largest datum, %.1e left of it", order, worst/top, left/top)
		if !(worst <= 1e-12*top) {
			t.Errorf("order %d: data of places that mirror each other differ by %.2g of the largest", order, worst/top)
		}
	}
}
