package elastic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// limits are what a model may have: Lower is for the slowest wave, Upper for vp.
type limits struct {
	earth
	intime.Limits
	each int // steps of the scheme in a sample
}

// newLimits takes filled options.
func newLimits(o *Options) limits {
	l := limits{earth: earth{nodes: *o.Grid.NZ * *o.Grid.NX, vs: o.Vs.Poisson == nil, rho: o.Rho.Constant == nil && !o.Rho.Gardner}}
	if nu := o.Vs.Poisson; nu != nil {
		l.ratio = math.Sqrt((0.5 - *nu) / (1 - *nu))
	}
	if o.Rho.Constant != nil {
		l.density = *o.Rho.Constant
	}
	in := func(dtS float64) intime.Limits {
		return intime.NewLimits("vp", seismic.StaggeredStability(o.Order), dtS, seismic.HighestRicker**o.Wavelet.PeakHz, &o.Grid, o.Order)
	}
	l.each = max(1, int(math.Ceil(o.VpMaxMS**o.DtS/in(1).Upper))) // with steps of 1 s Upper is the longest way of a step
	l.Limits = in(*o.DtS / float64(l.each))
	return l
}

// lowest is the slowest vp: that of the slowest wave where vs comes from it.
func (l *limits) lowest() float64 {
	if !l.vs && l.ratio > 0 {
		return l.Lower / l.ratio
	}
	return l.Lower
}

// check is the status of a model.
func (l *limits) check(item *tensor.Tensor) contract.Status {
	return intime.Numbers(item, func(m []float32) contract.Status { return judge(l, m) }, func(m []float64) contract.Status { return judge(l, m) })
}

// judge looks at all of a model: of several faults the most telling is said, with its worst node.
func judge[T float32 | float64](l *limits, m []T) contract.Status {
	wrong := func(code contract.StatusCode, format string, args ...any) contract.Status {
		return contract.Status{Code: code, Text: fmt.Sprintf(format, args...)}
	}
	names := []string{"vp"}
	if l.vs {
		names = append(names, "vs")
	}
	if l.rho {
		names = append(names, "rho")
	}
	for i, x := range m {
		if y := float64(x); math.IsNaN(y) || math.IsInf(y, 0) {
			return wrong(contract.OutOfBounds, "%s is %g at %s, it must be finite", names[i/l.nodes], y, l.Where(i%l.nodes))
		}
	}
	fast, slow, stiff, least, ratio := 0, 0, 0, math.Inf(1), 0.0
	for i := range l.nodes {
		vp := float64(m[i])
		vs, rho, _, _ := at(&l.earth, m, i)
		switch {
		case vp <= 0:
			return wrong(contract.OutOfBounds, "vp is %.6g m/s at %s, it must be above 0 (lower bound %.6g m/s)", vp, l.Where(i), l.lowest())
		case vs < 0:
			return wrong(contract.OutOfBounds, "vs is %.6g m/s at %s, it must not be below 0", vs, l.Where(i))
		case rho < leastDensity:
			return wrong(contract.OutOfBounds, "rho is %.6g kg/m3 at %s, at least %d are allowed", rho, l.Where(i), leastDensity)
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
		return wrong(contract.OutOfBounds, "vs is %.6g m/s at %s, more than vp/sqrt(2) = %.6g m/s: lam = rho (vp^2 - 2 vs^2) must not be below 0",
			vs, l.Where(stiff), float64(m[stiff])/math.Sqrt2)
	case float64(m[fast]) > l.Upper:
		return l.TooFast(float64(m[fast]), fast)
	case least < l.Lower*(1-1e-6):
		return wrong(contract.Unstable, "the slowest wave has %.6g m/s at %s: %.3g nodes per wavelength; %s", least, l.Where(slow),
			seismic.PointsPerWavelength(least, l.HighestHz, l.H), l.Carried())
	}
	return contract.Status{}
}

// leastDensity is in kg/m3: that of air.
const leastDensity = 1
