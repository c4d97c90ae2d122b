package wave_test

import (
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
	"github.com/waveprior/waveprior/cuda/wave"
)

// setting is a configuration by name.
type setting struct {
	name string
	wave.Config
}

// tried is the setting as tests of all families take it.
func (s setting) tried() marchtest.Case {
	return marchtest.Case{Name: s.name, Steps: s.Steps, Single: family[float32](s.Config), Double: family[float64](s.Config), Summed: s.Sponge}
}

func family[T cuda.Float](c wave.Config) marchtest.Family[T] {
	return marchtest.Family[T]{
		New: func(d cuda.Device, how marchtest.How) (marchtest.Plan[T], error) {
			c := c
			c.Batched, c.Segment, c.Memory = how.Batched, how.Segment, how.Memory
			return wave.New[T](d, c)
		},
		Model:      func(r marchtest.Draws) []T { return rough[T](r, c.NZ*c.NX) },
		Directions: func(r marchtest.Draws, n int, size float64) []T { return marchtest.Normals[T](r, n*c.NZ*c.NX, size) },
		Observed:   1e-3,
	}
}

// small is a grid of 19 x 23 nodes at 10 m with 3 shots, one of two nodes, and 5 receivers, one on the layer's first node.
func small(order, steps int) wave.Config {
	q := marchtest.Ricker(steps, 1e-3, 18, 0.05)
	return wave.Config{
		NZ: 19, NX: 23, SpacingM: 10, StepS: 1e-3, Steps: steps, Order: order,
		Top: 7, Bottom: 9, Left: 8, Right: 6, LayerSpeed: 4000, LayerHz: 18,
		Wavelets:  [][]float64{q, q, q},
		Sources:   [][]wave.Node{{{IZ: 1, IX: 3, Weight: 1}}, {{IZ: 2, IX: 11, Weight: 0.4}, {IZ: 2, IX: 12, Weight: 0.6}}, {{IZ: 9, IX: 22, Weight: 1}}},
		Receivers: [][]wave.Node{{{IZ: 1, IX: 0, Weight: 1}}, {{IZ: 17, IX: 5, Weight: 1}}, {{IZ: 3, IX: 10, Weight: -0.2}, {IZ: 3, IX: 11, Weight: 0.9}, {IZ: 4, IX: 11, Weight: 0.3}}, {{IZ: 12, IX: 20, Weight: 1}}, {{IZ: -1, IX: 22, Weight: 1}}},
	}
}

// settings are all orders with layers and with a free surface, then layers on some sides only, none at all, layers so wide that
// rows have no piece without, and the sponge.
func settings(steps int) []setting {
	var list []setting
	for _, order := range []int{2, 4, 6, 8} {
		list = append(list, setting{fmt.Sprintf("order %d", order), small(order, steps)})
		c := small(order, steps)
		c.Top, c.FreeSurface = 0, true
		c.Receivers[4][0].IZ = 1
		list = append(list, setting{fmt.Sprintf("order %d, free surface", order), c})
	}
	c := small(4, steps)
	c.Top, c.Left, c.Right = 0, 0, 17
	c.Receivers[4][0].IZ = 1
	list = append(list, setting{"layers below and right", c})
	c = small(6, steps)
	c.Right, c.Bottom = 0, 0
	list = append(list, setting{"layers above and left", c})
	c = small(8, steps)
	c.Top, c.Bottom, c.Left, c.Right = 0, 0, 0, 0
	c.Receivers[4][0].IZ = 1
	list = append(list, setting{"no layers", c})
	c = small(4, steps)
	c.NX, c.Left, c.Right = 60, 20, 20
	list = append(list, setting{"a wide grid", c})
	c = small(4, steps)
	c.Top, c.Bottom, c.Left, c.Right, c.Sponge = 9, 9, 9, 9, true
	list = append(list, setting{"sponge", c})
	c.NX = 32 // with the sponge 50 columns: the last vector has some beyond the grid
	list = append(list, setting{"sponge, other columns", c})
	c.NX = 30 // 48 columns: none
	list = append(list, setting{"sponge, whole vectors", c})
	return list
}

// rough draws n velocities in 1800..3200 m/s.
func rough[T cuda.Float](r marchtest.Draws, n int) []T {
	v := make([]T, n)
	for i := range v {
		v[i] = T(1800 + 1400*r.Float64())
	}
	return v
}

func plan[T cuda.Float](t testing.TB, c wave.Config, threads int) *wave.Plan[T] {
	t.Helper()
	p, err := wave.New[T](twin.CPU(t, threads), c)
	marchtest.Must(t, err)
	return p
}
