package acoustic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
)

// leastPoints is the fewest nodes per wavelength that a model may have at the wavelet's highest frequency, 2.5 times its peak.
// The data sets' slowest velocity has 4; for 1 % of phase velocity at the peak order 2 wants 12.9 there, order 4 5.3, order 8
// 3.4, and at the peak there are 2.5 times as many nodes as at the highest frequency.
const leastPoints = 3

// limits are the velocities in m/s that a model may have.
type limits struct {
	lower, upper float64 // nodes per wavelength; stability
	dt, h, hz    float64 // hz is the highest frequency
	order, nx    int
}

// newLimits takes filled options.
func newLimits(o *Options) limits {
	l := limits{dt: *o.DtS, h: *o.Grid.SpacingM, hz: seismic.HighestRicker * *o.Wavelet.PeakHz, order: o.Order, nx: *o.Grid.NX}
	l.lower = leastPoints * l.hz * l.h
	// A little below the limit, where the fastest wave neither grows nor stands still for rounding's sake.
	l.upper = (1 - 1e-6) * seismic.Stability(l.order) * l.h / l.dt
	return l
}

func (l *limits) stable() string {
	return fmt.Sprintf("order %d is stable up to v dt/h = %.4f, which is %.6g m/s for a time step of %g s and a spacing of %g m",
		l.order, seismic.Stability(l.order), l.upper, l.dt, l.h)
}

func (l *limits) carried() string {
	return fmt.Sprintf("at least %d nodes per wavelength at %g Hz and a spacing of %g m are %.6g m/s", leastPoints, l.hz, l.h, l.lower)
}

// check is the status of a model: not finite, not above 0 or outside the limits.
func (l *limits) check(item *tensor.Tensor) contract.Status {
	var st contract.Status
	if item.DType == tensor.Float32 {
		st.Code, st.Text = judge(l, item.Float32s())
	} else {
		st.Code, st.Text = judge(l, item.Float64s())
	}
	return st
}

// judge looks at all of a model: of several faults the most telling is said, with the fastest or slowest node.
func judge[T float32 | float64](l *limits, v []T) (contract.StatusCode, string) {
	slow, fast := 0, 0
	for i, x := range v {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return contract.OutOfBounds, fmt.Sprintf("vp is %g at (iz %d, ix %d), it must be finite", y, i/l.nx, i%l.nx)
		}
		if x < v[slow] {
			slow = i
		}
		if x > v[fast] {
			fast = i
		}
	}
	at := func(i int) string {
		return fmt.Sprintf("vp is %.6g m/s at (iz %d, ix %d)", float64(v[i]), i/l.nx, i%l.nx)
	}
	switch {
	case v[slow] <= 0:
		return contract.OutOfBounds, fmt.Sprintf("%s, it must be above 0 (lower bound %.6g m/s)", at(slow), l.lower)
	case float64(v[fast]) > l.upper:
		return contract.Unstable, fmt.Sprintf("%s: v dt/h is %.4f; %s", at(fast), float64(v[fast])*l.dt/l.h, l.stable())
	case float64(v[slow]) < l.lower:
		return contract.Unstable, fmt.Sprintf("%s: %.3g nodes per wavelength; %s", at(slow),
			seismic.PointsPerWavelength(float64(v[slow]), l.hz, l.h), l.carried())
	}
	return contract.OK, ""
}
