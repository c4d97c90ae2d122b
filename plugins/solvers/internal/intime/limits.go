package intime

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// LeastPoints is the fewest nodes per wavelength that a model may have at the wavelets' highest frequency, 2.5 times the peak, where
// there are 7.5 at the peak then. For 1 % of phase velocity at the peak the acoustic scheme wants 12.9 there with order 2, 5.3 with
// order 4, 3.4 with order 8, and a staggered grid of order 4 wants 5; the slowest velocity of the OpenFWI data sets has 4 at the highest
// frequency.
const LeastPoints = 3

// Limits are the velocities that a scheme with time steps takes.
type Limits struct {
	Lower, Upper float64 // m/s: nodes per wavelength; stability
	DT, H        float64 // s, m: a step of the scheme, distance of nodes
	HighestHz    float64 // of the wavelets
	Order, NX    int     // in space; nodes across

	symbol  string
	courant float64
}

// NewLimits takes the highest velocity, of that symbol, times dt/h at which a scheme is stable. Upper is a little below it, where the
// fastest wave neither grows nor stands still for rounding's sake.
func NewLimits(symbol string, courant, dtS, highestHz float64, g *Grid, order int) Limits {
	h := *g.SpacingM
	return Limits{Lower: LeastPoints * highestHz * h, Upper: (1 - 1e-6) * courant * h / dtS,
		DT: dtS, H: h, HighestHz: highestHz, Order: order, NX: *g.NX, symbol: symbol, courant: courant}
}

// Stable says up to which velocity the scheme is stable.
func (l *Limits) Stable() string {
	return fmt.Sprintf("order %d is stable up to %s dt/h = %.4f, which is %.6g m/s for a time step of %g s and a spacing of %g m",
		l.Order, l.symbol, l.courant, l.Upper, l.DT, l.H)
}

// Carried says from which velocity on the grid carries the waves.
func (l *Limits) Carried() string {
	return fmt.Sprintf("at least %d nodes per wavelength at %g Hz and a spacing of %g m are %.6g m/s", LeastPoints, l.HighestHz, l.H, l.Lower)
}

// Where names node i of a field.
func (l *Limits) Where(i int) string { return fmt.Sprintf("(iz %d, ix %d)", i/l.NX, i%l.NX) }

// TooFast is the status of a model whose fastest node, i, has a velocity beyond Upper.
func (l *Limits) TooFast(v float64, i int) contract.Status {
	return contract.Status{Code: contract.Unstable, Text: fmt.Sprintf("vp is %.6g m/s at %s: %s dt/h is %.4f; %s", v, l.Where(i), l.symbol, v*l.DT/l.H, l.Stable())}
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

// Numbers calls what looks at a tensor's numbers of its type.
func Numbers[R any](item *tensor.Tensor, single func([]float32) R, double func([]float64) R) R {
	if item.DType == tensor.Float32 {
		return single(item.Float32s())
	}
	return double(item.Float64s())
}
