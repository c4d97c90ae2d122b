package helmholtz

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// leastPoints is the fewest nodes per wavelength that a model may have. Along an axis the stencil carries a wave of
// wavenumber k as one of 2 asin(kh/2)/h: too slow by 1 % at 13 nodes per wavelength, 5 % at 6, 15 % at 4; below pi nodes
// it carries no wave at all.
const leastPoints = 4

// leastSlowness in s2/km2 is what stands for "above 0": 10 000 km/s.
const leastSlowness = 1e-8

// slownessLimits returns the bounds of squared slowness in s2/km2: above 0, and leastPoints nodes per wavelength at the
// highest frequency. v = 1/sqrt(m) km/s is v/(f h) nodes per wavelength, h in km.
func slownessLimits(spacingM, highestHz float64) (lower, upper float64) {
	s := 1 / (leastPoints * highestHz * spacingM / 1000)
	return leastSlowness, s * s
}

// check sets the status of the items of m that are not finite, not above 0, or too slow for the grid.
func (c *setup) check(m *tensor.Tensor) []contract.Status {
	return calls.Items(m, func(item *tensor.Tensor) contract.Status {
		var v float64
		var at int
		if item.DType == tensor.Float32 {
			v, at = outside(item.Float32s(), c.lower, c.upper)
		} else {
			v, at = outside(item.Float64s(), c.lower, c.upper)
		}
		switch {
		case at < 0:
			return contract.Status{}
		case v > c.upper && !math.IsInf(v, 0):
			return c.tooSlow(v, at)
		}
		text, _ := c.Model.FirstOutside(item)
		return contract.Status{Code: contract.OutOfBounds, Text: text}
	})
}

// outside returns the first value that is not within the bounds and its index, -1 where there is none.
func outside[T float32 | float64](v []T, lower, upper float64) (float64, int) {
	for i, x := range v {
		if y := float64(x); !(y >= lower && y <= upper) {
			return y, i
		}
	}
	return 0, -1
}

// tooSlow is the status of a model whose node at has squared slowness m.
func (c *setup) tooSlow(m float64, at int) contract.Status {
	highest := 0.0
	for _, f := range c.hz {
		highest = max(highest, f)
	}
	v := 1000 / math.Sqrt(m)
	return contract.Status{Code: contract.Unstable, Text: fmt.Sprintf(
		"squared slowness %.4g s2/km2 at (iz %d, ix %d) is a velocity of %.4g m/s: at %g Hz and a spacing of %g m that is %.3g nodes per wavelength, at least %d are needed (at most %.4g s2/km2)",
		m, at/c.nx, at%c.nx, v, highest, c.spacingM, v/(highest*c.spacingM), leastPoints, c.upper)}
}
