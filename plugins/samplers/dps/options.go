package dps

import (
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
)

// Variants and steps.
const (
	Published     = "published"
	Full          = "full"
	AncestralStep = "ancestral"
	DDIMStep      = "ddim"
)

// The defaults of zeta. Published: a length in latent units, the memorization study's. Full: no one number fits all
// problems, since |F(x0) - d| has the data's unit: to first order a step lowers it by zeta |g|^2, g its gradient. In both
// variants the pull adds up over the steps: T times as many steps want a T-th of zeta. On the study's 2-D problem the samples
// come nearest to the posterior at zeta times steps of about 5 (published) and 15 to 20 (full); with more they collapse onto
// the best fit, with less they stay in the prior's other modes (TestDistanceFromPosterior).
const (
	DefaultZetaPublished = 0.035
	DefaultZetaFull      = 0.1
)

// Options are the sampler's TOML table.
type Options struct {
	Variant string   `option:"variant" default:"full" oneof:"published,full" doc:"published: the memorization study's code, normalised gradient at a second estimate, the network's Jacobian left out; full: Chung et al. 2023, gradient through the denoiser"`
	Zeta    *float64 `option:"zeta" min:"0" doc:"guidance weight. published: length of every guidance step, in latent units (default 0.035). full: factor of the gradient of |F(x0) - d|, in latent units squared per data unit (default 0.1: set it for your data)"`
	Step    *string  `option:"step" oneof:"ancestral,ddim" doc:"the unguided step of variant full (default ancestral); published always takes ddim without fresh noise"`
	Steps   int      `option:"steps" default:"0" min:"0" unit:"1" doc:"number of levels visited, evenly spaced over the prior's schedule, first and last included; 0 is all of them"`
}

// settle fills what depends on the variant.
func (o *Options) settle() error {
	zeta, step := DefaultZetaFull, AncestralStep
	if o.Variant == Published {
		zeta, step = DefaultZetaPublished, DDIMStep
		if o.Step != nil && *o.Step != DDIMStep {
			return fmt.Errorf("%w: sampler dps: step = %q with variant = %q, which takes %q only", contract.ErrInvalidOption, *o.Step, o.Variant, DDIMStep)
		}
	}
	if o.Zeta == nil {
		o.Zeta = &zeta
	}
	if o.Step == nil {
		o.Step = &step
	}
	return nil
}

func (o *Options) resolved() []byte {
	return config.Canonical(map[string]any{"variant": o.Variant, "zeta": *o.Zeta, "step": *o.Step, "steps": int64(o.Steps)})
}
