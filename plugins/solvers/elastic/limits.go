package elastic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// limits are what a model may have.
type limits struct {
	earth
	lower, upper float64 // m/s: nodes per wavelength; stability of vp
	dt, h, hz    float64 // of the scheme; hz is the highest frequency
	each         int     // steps in a sample
	order, nx    int
}

// newLimits takes filled options.
func newLimits(o *Options) limits {
	l := limits{h: *o.Grid.SpacingM, hz: seismic.HighestRicker * *o.Wavelet.PeakHz, order: o.Order, nx: *o.Grid.NX}
	l.earth = earth{nodes: *o.Grid.NZ * *o.Grid.NX, vs: o.Vs.Poisson == nil, rho: o.Rho.Constant == nil && !o.Rho.Gardner}
	if nu := o.Vs.Poisson; nu != nil {
		l.ratio = math.Sqrt((0.5 - *nu) / (1 - *nu))
	}
	if o.Rho.Constant != nil {
		l.density = *o.Rho.Constant
	}
	// A little below the limit, where the fastest wave neither grows nor stands still for rounding's sake.
	limit := (1 - 1e-6) * seismic.StaggeredStability(l.order) * l.h
	l.each = max(1, int(math.Ceil(o.VpMaxMS**o.DtS/limit)))
	l.dt = *o.DtS / float64(l.each)
	l.upper = limit / l.dt
	l.lower = intime.LeastPoints * l.hz * l.h
	return l
}

// lowest is the slowest vp: that of the slowest wave where vs comes from it.
func (l *limits) lowest() float64 {
	if !l.vs && l.ratio > 0 {
		return l.lower / l.ratio
	}
	return l.lower
}

func (l *limits) stable() string {
	return intime.Stable("vp", l.order, seismic.StaggeredStability(l.order), l.upper, l.dt, l.h)
}

func (l *limits) carried() string { return intime.Carried(l.hz, l.h, l.lower) }

// check is the status of a model.
func (l *limits) check(item *tensor.Tensor) contract.Status {
	var st contract.Status
	if item.DType == tensor.Float32 {
		st.Code, st.Text = judge(l, item.Float32s())
	} else {
		st.Code, st.Text = judge(l, item.Float64s())
	}
	return st
}

// judge looks at all of a model: of several faults the most telling is said, with its worst node.
func judge[T float32 | float64](l *limits, m []T) (contract.StatusCode, string) {
	names := []string{"vp"}
	if l.vs {
		names = append(names, "vs")
	}
	if l.rho {
		names = append(names, "rho")
	}
	for i, x := range m {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return contract.OutOfBounds, fmt.Sprintf("%s is %g at %s, it must be finite", names[i/l.nodes], y, l.where(i%l.nodes))
		}
	}
	fast, slow, stiff, least, ratio := 0, 0, 0, math.Inf(1), 0.0
	for i := range l.nodes {
		vp := float64(m[i])
		vs, rho, _, _ := at(&l.earth, m, i)
		switch {
		case vp <= 0:
			return contract.OutOfBounds, fmt.Sprintf("vp is %.6g m/s at %s, it must be above 0 (lower bound %.6g m/s)", vp, l.where(i), l.lowest())
		case vs < 0:
			return contract.OutOfBounds, fmt.Sprintf("vs is %.6g m/s at %s, it must not be below 0", vs, l.where(i))
		case rho < leastDensity:
			return contract.OutOfBounds, fmt.Sprintf("rho is %.6g kg/m3 at %s, at least %d are allowed", rho, l.where(i), leastDensity)
		}
		if vp > float64(m[fast]) {
			fast = i
		}
		slowest := vp // of the waves here
		if vs > 0 {
			slowest = vs
		}
		if slowest < least {
			slow, least = i, slowest
		}
		if r := vs / vp; r > ratio {
			stiff, ratio = i, r
		}
	}
	switch {
	case ratio > math.Sqrt2/2*(1+1e-6):
		vs, _, _, _ := at(&l.earth, m, stiff)
		return contract.OutOfBounds, fmt.Sprintf("vs is %.6g m/s at %s, more than vp/sqrt(2) = %.6g m/s: lam = rho (vp^2 - 2 vs^2) must not be below 0",
			vs, l.where(stiff), float64(m[stiff])/math.Sqrt2)
	case float64(m[fast]) > l.upper:
		return contract.Unstable, fmt.Sprintf("vp is %.6g m/s at %s: vp dt/h is %.4f; %s", float64(m[fast]), l.where(fast), float64(m[fast])*l.dt/l.h, l.stable())
	case least < l.lower*(1-1e-6):
		return contract.Unstable, fmt.Sprintf("the slowest wave has %.6g m/s at %s: %.3g nodes per wavelength; %s", least, l.where(slow),
			seismic.PointsPerWavelength(least, l.hz, l.h), l.carried())
	}
	return contract.OK, ""
}

// leastDensity is in kg/m3: that of air.
const leastDensity = 1

func (l *limits) where(i int) string { return fmt.Sprintf("(iz %d, ix %d)", i/l.nx, i%l.nx) }
