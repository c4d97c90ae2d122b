package intime

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/tensor"
)

// LeastPoints is the fewest nodes per wavelength that a model may have at the wavelets' highest frequency, 2.5 times the peak, where
// there are 7.5 at the peak then. For 1 % of phase velocity at the peak the acoustic scheme wants 12.9 there with order 2, 5.3 with
// order 4, 3.4 with order 8, and a staggered grid of order 4 wants 5; the slowest velocity of the OpenFWI data sets has 4 at the highest
// frequency.
const LeastPoints = 3

// Stable says up to which velocity, of that symbol, a scheme is stable: courant is the largest velocity times dt/h.
func Stable(symbol string, order int, courant, upper, stepS, spacingM float64) string {
	return fmt.Sprintf("order %d is stable up to %s dt/h = %.4f, which is %.6g m/s for a time step of %g s and a spacing of %g m",
		order, symbol, courant, upper, stepS, spacingM)
}

// Carried says from which velocity on a grid carries waves of a frequency.
func Carried(hz, spacingM, lower float64) string {
	return fmt.Sprintf("at least %d nodes per wavelength at %g Hz and a spacing of %g m are %.6g m/s", LeastPoints, hz, spacingM, lower)
}

// Bounds are the outermost numbers of a precision within lower..upper: what is clamped to them and rounded lies within them still.
func Bounds(lower, upper float64, precision tensor.DType) (lo, hi float64) {
	if precision != tensor.Float32 {
		return lower, upper
	}
	a, b := float32(lower), float32(upper)
	if float64(a) < lower {
		a = math.Nextafter32(a, math.MaxFloat32)
	}
	if float64(b) > upper {
		b = math.Nextafter32(b, -math.MaxFloat32)
	}
	return float64(a), float64(b)
}
