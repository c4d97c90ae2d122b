package gmm

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/space"
)

// Options is the prior's TOML table.
type Options struct {
	Components string          `option:"components" default:"training" oneof:"training,gaussian" doc:"training: one component at each training example, the memorised prior; gaussian: one Gaussian with the training set's mean and unbiased covariance, the generalised prior"`
	Width      float64         `option:"width" default:"0" min:"0" unit:"the model's" affects:"use" doc:"standard deviation s of a component: its covariance is s^2 I. With components = gaussian s^2 I is added to the covariance. 0: the examples themselves, and nothing added"`
	Quantity   string          `option:"quantity" default:"" doc:"what the mixture is a mixture of, in unit: vp, slowness or squared_slowness; empty: what the solver takes. The same prior then drives solvers that take another of them, by the host's adapters"`
	Unit       string          `option:"unit" default:"" doc:"unit of quantity, such as m/s or s2/km2; goes with it"`
	Grid       GridOptions     `option:"grid" doc:"cells of the mixture's models, which are stretched over the solver's z and x axes and interpolated to its nodes"`
	Schedule   ScheduleOptions `option:"schedule" doc:"noise schedule of the diffusion"`
}

// GridOptions is the table grid.
type GridOptions struct {
	NZ int `option:"nz" default:"0" min:"0" max:"4096" doc:"cells in depth; 0: the solver's"`
	NX int `option:"nx" default:"0" min:"0" max:"4096" doc:"cells across; 0: the solver's"`
}

// ScheduleOptions is the table schedule: beta_t, t = 0..steps-1, alphabar_t = prod_{j<=t} (1 - beta_j).
type ScheduleOptions struct {
	Kind      string  `option:"kind" default:"linear" oneof:"linear,sqrt-linear" affects:"use" doc:"linear: beta = linspace(beta_first, beta_last, steps); sqrt-linear: linspace of the square roots, squared"`
	Steps     int     `option:"steps" default:"1000" min:"1" max:"100000" affects:"use" doc:"number of noise levels T"`
	BetaFirst float64 `option:"beta_first" default:"1e-4" above:"0" below:"1" affects:"use" doc:"beta of the first level; not above beta_last"`
	BetaLast  float64 `option:"beta_last" default:"0.02" above:"0" below:"1" affects:"use" doc:"beta of the last level. With few steps choose it so large that nearly nothing is left of the signal"`
}

func (o *ScheduleOptions) schedule() (*diffusion.Schedule, error) {
	if o.Kind == "sqrt-linear" {
		return diffusion.SqrtLinear(o.Steps, o.BetaFirst, o.BetaLast)
	}
	return diffusion.Linear(o.Steps, o.BetaFirst, o.BetaLast)
}

// own reports whether the options ask for models other than the solver's.
func (o *Options) own() bool { return o.Quantity != "" || o.Grid != GridOptions{} }

// modelOf returns the space of the mixture's models for a solver's: its own where the options ask for nothing else. Errors: a
// unit without a quantity or the other way round; a space between which and the solver's there are no adapters.
func (o *Options) modelOf(target space.Space) (space.Space, error) {
	if (o.Quantity == "") != (o.Unit == "") {
		return target, fmt.Errorf("quantity = %q, unit = %q: give both or neither", o.Quantity, o.Unit)
	}
	if !o.own() {
		return target, nil
	}
	m := target
	if o.Quantity != "" {
		if len(m.Quantities) != 1 {
			return target, fmt.Errorf("quantity = %q: the solver takes %d quantities (allowed: one)", o.Quantity, len(m.Quantities))
		}
		m.Quantities = []space.Quantity{{Name: o.Quantity, Unit: o.Unit}}
	}
	m.Axes = slices.Clone(m.Axes)
	for _, cells := range []struct {
		axis string
		n    int
	}{{"z", o.Grid.NZ}, {"x", o.Grid.NX}} {
		if cells.n == 0 {
			continue
		}
		i := slices.IndexFunc(m.Axes, func(a space.Axis) bool { return a.Name == cells.axis })
		if i < 0 {
			return target, fmt.Errorf("grid.n%s = %d: the solver's model has no axis %s", cells.axis, cells.n, cells.axis)
		}
		m.Axes[i] = m.Axes[i].Cells(cells.n)
	}
	_, there := space.Between(target, m) // of the training set
	_, back := space.Between(m, target)
	return m, errors.Join(there, back)
}
