package elastic_test

import (
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// setting is a configuration by name.
type setting struct {
	name string
	elastic.Config
}

// tried is the setting as tests of all families take it.
func (s setting) tried() marchtest.Case {
	return marchtest.Case{Name: s.name, Steps: s.Steps, Single: family[float32](s.Config), Double: family[float64](s.Config)}
}

func family[T cuda.Float](c elastic.Config) marchtest.Family[T] {
	return marchtest.Family[T]{
		New: func(d cuda.Device, how marchtest.How) (marchtest.Plan[T], error) {
			c := c
			c.Batched, c.Segment, c.Memory = how.Batched, how.Segment, how.Memory
			return elastic.New[T](d, c)
		},
		Model:      func(r marchtest.Draws) []T { return rough[T](r, &c) },
		Directions: func(r marchtest.Draws, n int, size float64) []T { return directions[T](r, &c, n, size) },
		Observed:   1e-9,
	}
}

// small is a grid of 13 x 15 nodes at 10 m with 3 shots (forces on both components between nodes, an explosion, a force on vx) and
// 4 receivers, one of which is on a layer's first node; two steps to a row of data.
func small(order, steps int) elastic.Config {
	q := marchtest.Ricker(steps, 1e-3, 25, 0.03)
	at := func(f elastic.Field, iz, ix int, w float64) elastic.Node {
		return elastic.Node{Field: f, IZ: iz, IX: ix, Weight: w}
	}
	both := func(iz, ix int) [2][]elastic.Node {
		return [2][]elastic.Node{{at(elastic.VX, iz, ix, 1)}, {at(elastic.VZ, iz, ix, 1)}}
	}
	return elastic.Config{
		NZ: 13, NX: 15, SpacingM: 10, StepS: 1e-3, Steps: steps, Each: 2, Order: order,
		Top: 6, Bottom: 5, Left: 7, Right: 4, LayerSpeed: 4000, LayerHz: 25,
		Wavelets: [][]float64{q, q, q},
		Sources: [][]elastic.Node{
			{at(elastic.VZ, 2, 3, 0.7), at(elastic.VX, 1, 3, 0.3), at(elastic.VZ, 1, 3, 0.3), at(elastic.VX, 2, 3, -0.4)},
			{at(elastic.SXX, 4, 9, 1), at(elastic.SZZ, 4, 9, 1)},
			{at(elastic.VX, 0, 13, 1)}},
		Receivers: [][2][]elastic.Node{
			{{at(elastic.VX, 0, 1, 1)}, {at(elastic.VZ, 0, 1, 0.5), at(elastic.VZ, 1, 1, 0.5)}},
			both(11, 5), both(6, 12), both(-1, 14)},
	}
}

// settings are both orders with layers, with a free surface, with layers on some sides only, without any, with receivers side by
// side, and with rows that have a piece without layers and rows that have none.
func settings(steps int) []setting {
	var list []setting
	add := func(name string, order int, change func(c *elastic.Config)) {
		c := small(order, steps)
		change(&c)
		if c.Top == 0 {
			for k := range 2 {
				c.Receivers[3][k][0].IZ = 1
			}
		}
		list = append(list, setting{fmt.Sprintf("order %d, %s", order, name), c})
	}
	for _, order := range []int{2, 4} {
		add("layers", order, func(*elastic.Config) {})
		add("free surface", order, func(c *elastic.Config) { c.Top, c.FreeSurface = 0, true })
	}
	add("layers below and right", 4, func(c *elastic.Config) { c.Top, c.Left, c.Right = 0, 0, 17 })
	add("layers above and left", 2, func(c *elastic.Config) { c.Bottom, c.Right = 0, 0 })
	add("no layers, every step", 4, func(c *elastic.Config) { c.Top, c.Bottom, c.Left, c.Right, c.Each = 0, 0, 0, 0, 1 })
	add("a wide grid", 4, func(c *elastic.Config) { c.NX, c.Top, c.FreeSurface = 70, 0, true })
	add("receivers side by side", 4, func(c *elastic.Config) {
		c.Top, c.FreeSurface = 0, true
		for ix := range 5 { // receivers 4..8 on row 0, of which 6 has less weight and 8 is one node further on
			w := 1 - 0.25*float64(ix%3/2)
			ix += 2 + ix/4
			c.Receivers = append(c.Receivers, [2][]elastic.Node{
				{{Field: elastic.VX, IZ: 0, IX: ix, Weight: w}}, {{Field: elastic.VZ, IZ: 0, IX: ix, Weight: w}}})
		}
	})
	return list
}

// rough draws a model: vp in 2000..3400 m/s, vs in 0.4..0.65 of it, rho in 1800..2600 kg/m3.
func rough[T cuda.Float](r marchtest.Draws, c *elastic.Config) []T {
	n := c.NZ * c.NX
	m := make([]T, 3*n)
	for i := range n {
		vp := 2000 + 1400*r.Float64()
		m[i], m[n+i], m[2*n+i] = T(vp), T(vp*(0.4+0.25*r.Float64())), T(1800+800*r.Float64())
	}
	return m
}

// directions draws directions of which each field has its own size.
func directions[T cuda.Float](r marchtest.Draws, c *elastic.Config, many int, std float64) []T {
	n := 3 * c.NZ * c.NX
	d := marchtest.Normals[T](r, many*n, std)
	for i := range d {
		if i%n >= 2*n/3 {
			d[i] *= 0.8 // of rho in kg/m3
		}
	}
	return d
}

func plan[T cuda.Float](t testing.TB, c elastic.Config, threads int) *elastic.Plan[T] {
	t.Helper()
	p, err := elastic.New[T](twin.CPU(t, threads), c)
	marchtest.Must(t, err)
	return p
}
