package acoustic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// limits are the velocities in m/s that a model may have.
type limits struct {
	lower, upper float64 // nodes per wavelength; stability
	dt, h, hz    float64 // hz is the highest frequency
	order, nx    int
}

// newLimits takes filled options and the highest frequency of all wavelets.
func newLimits(o *Options, hz float64) limits {
	l := limits{dt: *o.DtS, h: *o.Grid.SpacingM, hz: hz, order: o.Order, nx: *o.Grid.NX}
	l.lower = intime.LeastPoints * l.hz * l.h
	// A little below the limit, where the fastest wave neither grows nor stands still for rounding's sake.
	l.upper = (1 - 1e-6) * seismic.Stability(l.order) * l.h / l.dt
	return l
}

func (l *limits) stable() string {
	return intime.Stable("v", l.order, seismic.Stability(l.order), l.upper, l.dt, l.h)
}

func (l *limits) carried() string { return intime.Carried(l.hz, l.h, l.lower) }

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
