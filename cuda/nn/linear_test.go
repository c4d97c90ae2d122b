package nn_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/nn"
)

// layers are the shapes of the study's network and odd ones around tiles, panels and blocks.
var layers = []nn.LinearShape{
	{Rows: 1, In: 1, Out: 1}, {Rows: 1, In: 356, Out: 100}, {Rows: 2, In: 17, Out: 15}, {Rows: 33, In: 100, Out: 70},
	{Rows: 7, In: 129, Out: 65}, {Rows: 50, In: 30, Out: 257}, {Rows: 64, In: 40, Out: 300, Tile: 32},
	{Rows: 131, In: 31, Out: 64}, {Rows: 6, In: 256, Out: 512}, {Rows: 260, In: 9, Out: 66}, {Rows: 3, In: 600, Out: 20},
}

func TestLinear(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		for _, s := range layers {
			t.Run(fmt.Sprintf("%d rows %d to %d", s.Rows, s.In, s.Out), func(t *testing.T) {
				linear[float32](t, s, 1.2e-7)
				linear[float64](t, s, 2.3e-16)
			})
		}
	})
}

// linear holds the three products to triple loops in float64; unit is the rounding error of T. A chain of n fused
// multiply-adds is off by at most n unit sum |a b|, and the float64 loop by the same with its own unit.
func linear[T cuda.Float](t *testing.T, s nn.LinearShape, unit float64) {
	x, w, b := normals[T](t, s.Rows*s.In, 1), normals[T](t, s.In*s.Out, 1), normals[T](t, s.Out, 1)
	dy := normals[T](t, s.Rows*s.Out, 1)
	var y, dx, dw, db []T
	for _, accumulate := range []bool{false, true} {
		sameBits(t, func(d cuda.Device) []T {
			bx, bw, bb, bdy := upload(t, d, x), upload(t, d, w), upload(t, d, b), upload(t, d, dy)
			by := upload(t, d, filled[T](s.Rows*s.Out, 7))
			bdx, bdw, bdb := upload(t, d, filled[T](s.Rows*s.In, 1)), upload(t, d, filled[T](s.In*s.Out, 1)), upload(t, d, filled[T](s.Out, 1))
			must(t, nn.LinearForward[T](d, by, bx, bw, bb, s))
			must(t, nn.LinearBackwardInput[T](d, bdx, bdy, bw, s, accumulate))
			must(t, nn.LinearBackwardWeight[T](d, bdw, bdb, bx, bdy, s, accumulate))
			y, dx, dw, db = download[T](t, d, by, s.Rows*s.Out), download[T](t, d, bdx, s.Rows*s.In), download[T](t, d, bdw, s.In*s.Out), download[T](t, d, bdb, s.Out)
			return slices.Concat(y, dx, dw, db)
		})
		start := 0.0
		if accumulate {
			start = 1
		}
		for r := range s.Rows {
			for o := range s.Out {
				sum, size := float64(b[o]), math.Abs(float64(b[o]))
				for i := range s.In {
					p := float64(x[r*s.In+i]) * float64(w[i*s.Out+o])
					sum, size = sum+p, size+math.Abs(p)
				}
				near(t, "y", r*s.Out+o, float64(y[r*s.Out+o]), sum, 2*unit*float64(s.In+1), size)
			}
			for i := range s.In {
				sum, size := start, start
				for o := range s.Out {
					p := float64(dy[r*s.Out+o]) * float64(w[i*s.Out+o])
					sum, size = sum+p, size+math.Abs(p)
				}
				near(t, "dx", r*s.In+i, float64(dx[r*s.In+i]), sum, 2*unit*float64(s.Out+1), size)
			}
		}
		for o := range s.Out {
			bias, biasSize := start, start
			for r := range s.Rows {
				p := float64(dy[r*s.Out+o])
				bias, biasSize = bias+p, biasSize+math.Abs(p)
			}
			near(t, "db", o, float64(db[o]), bias, 2*unit*float64(s.Rows+1), biasSize)
			for i := range s.In {
				sum, size := start, start
				for r := range s.Rows {
					p := float64(x[r*s.In+i]) * float64(dy[r*s.Out+o])
					sum, size = sum+p, size+math.Abs(p)
				}
				near(t, "dw", i*s.Out+o, float64(dw[i*s.Out+o]), sum, 2*unit*float64(s.Rows+1), size)
			}
		}
	}
}

func filled[T cuda.Float](n int, x T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// TestLinearIsOneChain: in float64 an element is bit for bit the chain of math.FMA over the summed index, so no panel,
// tile, neighbour or instruction set can show.
func TestLinearIsOneChain(t *testing.T) {
	onEachISA(t, func(t *testing.T) {
		s := nn.LinearShape{Rows: 13, In: 300, Out: 77}
		if testDevice != "cpu" {
			s.Rows = 65 // fewer are summed in another order there (product.h)
		}
		d := device(t, 2)
		x, w, b, dy := normals[float64](t, s.Rows*s.In, 1), normals[float64](t, s.In*s.Out, 1), normals[float64](t, s.Out, 1), normals[float64](t, s.Rows*s.Out, 1)
		by, bdx, bdw := zeros[float64](t, d, s.Rows*s.Out), zeros[float64](t, d, s.Rows*s.In), zeros[float64](t, d, s.In*s.Out)
		bx, bw, bdy := upload(t, d, x), upload(t, d, w), upload(t, d, dy)
		must(t, nn.LinearForward[float64](d, by, bx, bw, upload(t, d, b), s))
		must(t, nn.LinearBackwardInput[float64](d, bdx, bdy, bw, s, false))
		must(t, nn.LinearBackwardWeight[float64](d, bdw, cuda.Buffer{}, bx, bdy, s, false))
		y, dx, dw := download[float64](t, d, by, s.Rows*s.Out), download[float64](t, d, bdx, s.Rows*s.In), download[float64](t, d, bdw, s.In*s.Out)
		for r := range s.Rows {
			for o := range s.Out {
				sum := b[o]
				for i := range s.In {
					sum = math.FMA(x[r*s.In+i], w[i*s.Out+o], sum)
				}
				near(t, "y", r*s.Out+o, y[r*s.Out+o], sum, 0, 0)
			}
			for i := range s.In {
				sum := 0.0
				for o := range s.Out {
					sum = math.FMA(dy[r*s.Out+o], w[i*s.Out+o], sum)
				}
				near(t, "dx", r*s.In+i, dx[r*s.In+i], sum, 0, 0)
			}
		}
		for i := range s.In {
			for o := range s.Out {
				sum := 0.0
				for r := range s.Rows {
					sum = math.FMA(x[r*s.In+i], dy[r*s.Out+o], sum)
				}
				near(t, "dw", i*s.Out+o, dw[i*s.Out+o], sum, 0, 0)
			}
		}
	})
}

// TestLinearAtFullSize: the published layer, where dw is written past the caches; 100 elements of each product.
func TestLinearAtFullSize(t *testing.T) {
	s := nn.LinearShape{Rows: 50, In: 2048, Out: 2048}
	x, w, dy := normals[float32](t, s.Rows*s.In, 1), normals[float32](t, s.In*s.Out, 1), normals[float32](t, s.Rows*s.Out, 1)
	onEachISA(t, func(t *testing.T) {
		var y, dx, dw []float32
		sameBits(t, func(d cuda.Device) []float32 {
			by, bdx, bdw := zeros[float32](t, d, s.Rows*s.Out), zeros[float32](t, d, s.Rows*s.In), zeros[float32](t, d, s.In*s.Out)
			bx, bw, bdy := upload(t, d, x), upload(t, d, w), upload(t, d, dy)
			must(t, nn.LinearForward[float32](d, by, bx, bw, cuda.Buffer{}, s))
			must(t, nn.LinearBackwardInput[float32](d, bdx, bdy, bw, s, false))
			must(t, nn.LinearBackwardWeight[float32](d, bdw, cuda.Buffer{}, bx, bdy, s, false))
			y, dx, dw = download[float32](t, d, by, s.Rows*s.Out), download[float32](t, d, bdx, s.Rows*s.In), download[float32](t, d, bdw, s.In*s.Out)
			for _, b := range []cuda.Buffer{by, bdx, bdw, bx, bw, bdy} {
				must(t, d.Free(b))
			}
			must(t, d.Close())
			return slices.Concat(y, dx, dw)
		})
		for q := range 100 {
			r, i, o := q%s.Rows, q*20%s.In, q*37%s.Out
			sums := [3]float64{}
			for k := range s.In {
				sums[0] += float64(x[r*s.In+k]) * float64(w[k*s.Out+o])
				sums[1] += float64(dy[r*s.Out+k]) * float64(w[i*s.Out+k])
			}
			for k := range s.Rows {
				sums[2] += float64(x[k*s.In+i]) * float64(dy[k*s.Out+o])
			}
			// 2048 terms of size 1: the sum is about 45, a chain's error a few times 45 sqrt(2048) 6e-8.
			near(t, "y", r*s.Out+o, float64(y[r*s.Out+o]), sums[0], 1e-3, 1)
			near(t, "dx", r*s.In+i, float64(dx[r*s.In+i]), sums[1], 1e-3, 1)
			near(t, "dw", i*s.Out+o, float64(dw[i*s.Out+o]), sums[2], 1e-5, 1)
		}
	})
}

// TestLinearTiles: an item's output has the same bits in a batch of one tile, of three, and in another tile.
func TestLinearTiles(t *testing.T) {
	const in, out = 356, 300
	d := device(t, 2)
	x, w := normals[float32](t, 3*nn.Tile*in, 1), normals[float32](t, in*out, 1)
	bw := upload(t, d, w)
	three, one := zeros[float32](t, d, 3*nn.Tile*out), zeros[float32](t, d, nn.Tile*out)
	must(t, nn.LinearForward[float32](d, three, upload(t, d, x), bw, cuda.Buffer{}, nn.LinearShape{Rows: 3 * nn.Tile, In: in, Out: out, Tile: nn.Tile}))
	for tile := range 3 {
		part := upload(t, d, x[tile*nn.Tile*in:(tile+1)*nn.Tile*in])
		must(t, nn.LinearForward[float32](d, one, part, bw, cuda.Buffer{}, nn.LinearShape{Rows: nn.Tile, In: in, Out: out, Tile: nn.Tile}))
		whole := download[float32](t, d, three, 3*nn.Tile*out)
		for i, got := range download[float32](t, d, one, nn.Tile*out) {
			near(t, "y", i, float64(got), float64(whole[tile*nn.Tile*out+i]), 0, 0)
		}
	}
}

func TestLinearRefuses(t *testing.T) {
	d := device(t, 1)
	b := zeros[float32](t, d, 64)
	for name, s := range map[string]nn.LinearShape{
		"no rows":       {Rows: 0, In: 2, Out: 2},
		"negative in":   {Rows: 2, In: -2, Out: 2},
		"x too small":   {Rows: 9, In: 8, Out: 4},
		"w too small":   {Rows: 1, In: 9, Out: 8},
		"33 rows by 32": {Rows: 33, In: 1, Out: 1, Tile: 32},
	} {
		if err := nn.LinearForward[float32](d, b, b, b, b, s); err == nil {
			t.Errorf("%s: forward took it", name)
		}
		if err := nn.LinearBackwardInput[float32](d, b, b, b, s, false); err == nil {
			t.Errorf("%s: backward took it", name)
		}
		if err := nn.LinearBackwardWeight[float32](d, b, b, b, b, s, false); err == nil {
			t.Errorf("%s: backward took it", name)
		}
	}
}
