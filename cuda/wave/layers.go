package wave

import "math"

// layer is what a C-PML has at one point: the recursion m = b m + a x of its memory variables (acoustic.h).
type layer struct{ b, a float64 }

// at is the layer's recursion at depth d (0..1 of its width), 0 and 0 outside.
func (c *Config) at(d float64, cells int) layer {
	if d <= 0 {
		return layer{}
	}
	width := float64(cells) * c.SpacingM
	sigma := 3 * c.LayerSpeed * math.Log(1000) / (2 * width) * d * d
	alpha := math.Pi * c.LayerHz * max(0, 1-d)
	b := math.Exp(-(sigma + alpha) * c.StepS)
	return layer{b, sigma / (sigma + alpha) * (b - 1)}
}

// layers fills out (4, stride) with b and a at the half points i + 1/2 and at the points i of an axis of n points with layers
// at both ends.
func layers[T float32 | float64](c *Config, out []T, stride, n, before, after int) {
	depth := func(x float64) (float64, int) {
		if before > 0 && x < float64(before) {
			return (float64(before) - x) / float64(before), before
		}
		if end := float64(n - 1 - after); after > 0 && x > end {
			return (x - end) / float64(after), after
		}
		return 0, 1
	}
	for i := range n {
		half, whole := c.at(depth(float64(i)+0.5)), c.at(depth(float64(i)))
		out[i], out[stride+i] = T(half.b), T(half.a)
		out[2*stride+i], out[3*stride+i] = T(whole.b), T(whole.a)
	}
}

// Sponge constants: kappa0 = 3 vmin ln(1e7)/(2 a), a = (m - 1) h for m nodes.
func (c *Config) spongeWidth() float64 { return float64(max(c.Left, 2)-1) * c.SpacingM }

// spongeRate is d (dt kappa0)/d vmin.
func (c *Config) spongeRate() float64 {
	return 3 * math.Log(1e7) / (2 * c.spongeWidth()) * c.StepS
}

// spongeProfile fills out (rows, wide) with (m h/a)^2, m = 0, 1, ... outwards from the inner edge of a strip: top and bottom
// strips first, then left and right ones over all rows, so that corners have the value along x.
func spongeProfile[T float32 | float64](c *Config, s *shape, out []T) {
	value := func(m int) T {
		x := float64(m) * c.SpacingM / c.spongeWidth()
		return T(x * x)
	}
	rows, cols := int(s.Rows), int(s.Cols)
	for j := range rows {
		row := out[j*int(s.Wide):][:cols]
		for i := range row {
			switch {
			case i < c.Left:
				row[i] = value(c.Left - 1 - i)
			case i >= cols-c.Right:
				row[i] = value(i - (cols - c.Right))
			case j < c.Top:
				row[i] = value(c.Top - 1 - j)
			case j >= rows-c.Bottom:
				row[i] = value(j - (rows - c.Bottom))
			}
		}
	}
}
