package maximum

import (
	"encoding/json"
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
)

// The laws of a latent vector, and places to start.
const (
	Gaussian = "gaussian"
	Mixture  = "mixture"
	None     = "none"

	Random = "random"
	Origin = "origin"
)

// Options are the sampler's TOML table.
type Options struct {
	Iterations        int       `option:"iterations" default:"50" min:"1" doc:"steps downhill after which a chain ends"`
	Evaluations       int       `option:"evaluations" default:"0" min:"0" doc:"evaluations of misfit and gradient after which all chains end; 0: 2 iterations + 20"`
	Memory            int       `option:"memory" default:"8" min:"1" max:"100" doc:"pairs of steps and gradient changes that L-BFGS remembers"`
	Initial           string    `option:"initial" default:"random" oneof:"random,origin" doc:"where chains start that are not told ([sampler.start]): random: standard normal, a point of its own for every chain; origin: at 0"`
	Prior             *string   `option:"prior" oneof:"gaussian,mixture,none" doc:"the latent law: gaussian: independent normals of mean 0 and standard deviation prior_std; mixture: the prior's own, exactly, of a prior that is a Gaussian mixture; none: none. Default: gaussian with a [prior], none without"`
	PriorStd          float64   `option:"prior_std" default:"1" above:"0" doc:"of prior = \"gaussian\""`
	Lower             []float64 `option:"lower" default:"[]" doc:"lower bound of the latent vector's numbers: one for all, or one for each of its quantities, in their unit; goes with upper"`
	Upper             []float64 `option:"upper" default:"[]" doc:"upper bound; never reached: the bounds are put into the variables"`
	FirstStep         float64   `option:"first_step" default:"0" min:"0" doc:"largest change of a number that the first trial makes, in its unit (half-way between bounds; less near them); 0: a change of Euclidean length 1 in the optimiser's variables"`
	GradientTolerance float64   `option:"gradient_tolerance" default:"1e-9" min:"0" doc:"a chain ends when its gradient is shorter than this times the one at its start"`
	DecreaseTolerance float64   `option:"decrease_tolerance" default:"0" min:"0" doc:"a chain ends when an iteration lowers the objective by less than this part of it"`
	HoldAboveM        float64   `option:"hold_above_m" default:"0" min:"0" unit:"m" doc:"on a grid: what lies at less depth than this stays as it started, within the bounds or not (water)"`
	DepthPower        float64   `option:"depth_power" default:"0" min:"0" max:"4" doc:"on a grid: variables are weighted by (depth/greatest depth)^depth_power, at least 0.1: more than 0 makes up for gradients that fade with depth"`
	TikhonovStd       []float64 `option:"tikhonov_std" default:"[]" above:"0" doc:"on a grid: standard deviation of the difference of neighbours, one for all quantities or one each; empty: no such penalty"`
	TVJump            []float64 `option:"tv_jump" default:"[]" above:"0" doc:"on a grid: difference of neighbours that costs 1 in total variation, one for all quantities or one each; empty: no such penalty"`
	TVSmoothing       float64   `option:"tv_smoothing" default:"0.1" above:"0" doc:"total variation is smooth for differences below this times tv_jump"`
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: sampler map: "+format, append([]any{contract.ErrInvalidOption}, args...)...)
}

// decode reads the options and fills what depends on others.
func decode(raw json.RawMessage, prior bool) (o Options, resolved json.RawMessage, err error) {
	in, err := config.ParseJSON(raw)
	if err == nil {
		in, err = config.Resolve(config.MustTable(o), in)
	}
	if err != nil {
		return o, nil, fmt.Errorf("%w: sampler map: %w", contract.ErrInvalidOption, err)
	}
	if _, given := in["prior"]; !given {
		in["prior"] = None
		if prior {
			in["prior"] = Gaussian
		}
	}
	if in["evaluations"] == int64(0) {
		in["evaluations"] = 2*in["iterations"].(int64) + 20
	}
	return o, config.Canonical(in), config.DecodeTree(in, &o)
}
