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
type limits struct{ intime.Limits }

// newLimits takes filled options and the highest frequency of all wavelets.
func newLimits(o *Options, hz float64) limits {
	return limits{intime.NewLimits("v", seismic.Stability(o.Order), *o.DtS, hz, &o.Grid, o.Order)}
}

// check is the status of a model: not finite, not above 0 or outside the limits.
func (l *limits) check(item *tensor.Tensor) contract.Status {
	return intime.Numbers(item, func(v []float32) contract.Status { return judge(l, v) }, func(v []float64) contract.Status { return judge(l, v) })
}

// judge looks at all of a model: of several faults the most telling is said, with the fastest or slowest node.
func judge[T float32 | float64](l *limits, v []T) contract.Status {
	wrong := func(code contract.StatusCode, i int, format string, args ...any) contract.Status {
		return contract.Status{Code: code, Text: fmt.Sprintf("vp is %.6g m/s at %s", float64(v[i]), l.Where(i)) + fmt.Sprintf(format, args...)}
	}
	slow, fast := 0, 0
	for i, x := range v {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return contract.Status{Code: contract.OutOfBounds, Text: fmt.Sprintf("vp is %g at %s, it must be finite", y, l.Where(i))}
		}
		if x < v[slow] {
			slow = i
		}
		if x > v[fast] {
			fast = i
		}
	}
	switch {
	case v[slow] <= 0:
		return wrong(contract.OutOfBounds, slow, ", it must be above 0 (lower bound %.6g m/s)", l.Lower)
	case float64(v[fast]) > l.Upper:
		return l.TooFast(float64(v[fast]), fast)
	case float64(v[slow]) < l.Lower:
		return wrong(contract.Unstable, slow, ": %.3g nodes per wavelength; %s", seismic.PointsPerWavelength(float64(v[slow]), l.HighestHz, l.H), l.Carried())
	}
	return contract.Status{}
}
