package wave

import "math"

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
