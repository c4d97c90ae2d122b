package gmm

import (
	"github.com/waveprior/waveprior/core/diffusion"
)

// Options is the prior's TOML table.
type Options struct {
	Components string          `option:"components" default:"training" oneof:"training,gaussian" doc:"training: one component at each training example, the memorised prior; gaussian: one Gaussian with the training set's mean and unbiased covariance, the generalised prior"`
	Width      float64         `option:"width" default:"0" min:"0" unit:"the model's" affects:"use" doc:"standard deviation s of a component: its covariance is s^2 I. With components = gaussian s^2 I is added to the covariance. 0: the examples themselves, and nothing added"`
	Schedule   ScheduleOptions `option:"schedule" doc:"noise schedule of the diffusion"`
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
