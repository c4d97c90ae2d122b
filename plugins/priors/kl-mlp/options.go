package klmlp

import (
	"fmt"

	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/field"
)

// Options is the prior's TOML table.
type Options struct {
	Modes      int     `option:"modes" default:"10" min:"1" max:"64" doc:"K: cosines in either direction; the latent vector has K^2 coordinates"`
	Exponent   float64 `option:"exponent" default:"1.1" doc:"exponent p of the basis' eigenvalues"`
	Background float64 `option:"background" default:"0.25" unit:"s2/km2" doc:"squared slowness at KL coordinates 0"`
	Amplitude  float64 `option:"amplitude" default:"0.02" above:"0" unit:"s2/km2" doc:"factor sigma_m of the basis"`
	Floor      float64 `option:"floor" default:"1e-6" unit:"s2/km2" affects:"use" doc:"least squared slowness that is decoded; the derivative is 0 where it acts"`
	Grid       int     `option:"grid" default:"64" min:"2" max:"4096" doc:"cells per side of what is decoded, for a solver whose model has no axes z and x; otherwise the solver's cells"`

	Width    int             `option:"width" default:"512" min:"8" max:"8192" doc:"H: width of the network (published: 2048)"`
	Blocks   int             `option:"blocks" default:"4" min:"0" max:"64" doc:"L: number of residual blocks (published: 12)"`
	Schedule ScheduleOptions `option:"schedule" doc:"noise schedule of the diffusion; the network is trained on it"`
	Train    TrainOptions    `option:"train" doc:"how the network is trained"`
}

// ScheduleOptions is the table schedule: beta_t, t = 0..steps-1, alphabar_t = prod_{j<=t} (1 - beta_j).
type ScheduleOptions struct {
	Kind      string  `option:"kind" default:"linear" oneof:"linear,sqrt-linear" doc:"linear: beta = linspace(beta_first, beta_last, steps); sqrt-linear: linspace of the square roots, squared"`
	Steps     int     `option:"steps" default:"200" min:"1" max:"100000" doc:"number of noise levels T"`
	BetaFirst float64 `option:"beta_first" default:"1e-4" above:"0" below:"1" doc:"beta of the first level; not above beta_last"`
	BetaLast  float64 `option:"beta_last" default:"0.02" above:"0" below:"1" doc:"beta of the last level. The published 0.02 with 200 steps leaves alphabar = 0.13: the noise that sampling starts from is not quite the last level's"`
}

// TrainOptions is the table train.
type TrainOptions struct {
	Steps            int     `option:"steps" default:"20000" min:"1" max:"100000000" doc:"steps of the optimiser (published: 50000)"`
	Batch            int     `option:"batch" default:"50" min:"1" max:"65536" doc:"examples per step, at most all; an epoch is as many whole batches as the training set has, and leaves out another rest each time"`
	LearningRate     float64 `option:"learning_rate" default:"5e-4" above:"0" doc:"of Adam, in the first epoch"`
	LearningRateLast float64 `option:"learning_rate_last" default:"5e-5" above:"0" doc:"where it falls to, by a cosine that is stepped once per epoch"`
	EMADecay         float64 `option:"ema_decay" default:"0.9999" min:"0" below:"1" doc:"decay of the running mean of the weights, which answers"`
	EMAWarmup        bool    `option:"ema_warmup" default:"true" doc:"decay min(ema_decay, (1+k)/(10+k)) at step k; false: ema_decay from the first step on, as published, which wants some 40000 steps to forget the initial weights"`
	Clip             float64 `option:"clip" default:"1.0" min:"0" doc:"norm that the gradient is scaled down to where it is longer; 0: not at all"`
	HistoryEvery     int     `option:"history_every" default:"200" min:"1" doc:"steps between two rows of losses.npy"`
	CheckpointS      float64 `option:"checkpoint_s" default:"60" min:"0" unit:"s" affects:"nothing" doc:"time between two checkpoints of a training; 0: one at the end alone"`
}

func (o *ScheduleOptions) schedule() (*diffusion.Schedule, error) {
	if o.Kind == "sqrt-linear" {
		return diffusion.SqrtLinear(o.Steps, o.BetaFirst, o.BetaLast)
	}
	return diffusion.Linear(o.Steps, o.BetaFirst, o.BetaLast)
}

// basis is what the options say of the KL basis.
func (o *Options) basis() field.KLOptions {
	return field.KLOptions{Modes: o.Modes, Exponent: o.Exponent, Background: o.Background, Amplitude: o.Amplitude, Floor: o.Floor}
}

// architecture names all that decides what the network's numbers mean: a checkpoint of another one is refused.
func (o *Options) architecture() string {
	s := o.Schedule
	return fmt.Sprintf("kl-mlp/1: basis of %d x %d modes, exponent %g, background %g, amplitude %g; width %d, %d blocks, embedding %d; schedule %s %d, beta %g to %g",
		o.Modes, o.Modes, o.Exponent, o.Background, o.Amplitude, o.Width, o.Blocks, embedding, s.Kind, s.Steps, s.BetaFirst, s.BetaLast)
}
