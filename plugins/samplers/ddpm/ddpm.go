// Package ddpm draws samples of a diffusion prior: no data, no physics. It walks the prior's schedule from pure noise down,
// by the ancestral step of DDPM or the step of DDIM, one level a step.
//
// Main type: [Sampler], a contract.Sampler. Options: [Options]. Needs the prior capability denoise. State: "latent" is x_t
// at the level that comes next, "x0" the last estimate E[x0 | x_t]; after the last step both are the sample. It reports no
// numbers.
//
//	s := ddpm.New()
//	configured, err := s.Configure(ctx, contract.Config{Options: json.RawMessage(`{"variant":"ddim"}`), Prior: prior})
//
// x at the highest level is N(0, I), which is the schedule's own marginal only where alpha_T-1 is near 0; what that costs is
// a property of the schedule. With eta = 0 and every level a chain is a function of its starting noise.
//
// What it is not: it does not train (the prior does), and it ignores observations (dps does not).
package ddpm

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/samplers/internal/sampling"
)

// Options are the sampler's TOML table.
type Options struct {
	Variant string  `option:"variant" default:"ancestral" oneof:"ancestral,ddim" doc:"the step: ancestral (DDPM, fresh noise at every level) or ddim"`
	Steps   int     `option:"steps" default:"0" min:"0" unit:"1" doc:"number of levels visited, evenly spaced over the prior's schedule, first and last included; 0 is all of them"`
	Eta     float64 `option:"eta" default:"0" min:"0" max:"1" unit:"1" doc:"share of fresh noise in a ddim step: 0 is deterministic, 1 is the ancestral step; ancestral takes no notice of it"`
}

// Sampler is the plugin. Make it with New.
type Sampler struct {
	options Options
	reverse *sampling.Reverse
}

// New returns a sampler that wants Configure.
func New() *Sampler { return &Sampler{} }

// Describe says what the sampler is.
func (s *Sampler) Describe() contract.Description {
	return contract.Description{
		Kind: contract.KindSampler, Name: "ddpm", Version: "0.1.0", Numerics: "1",
		Doc:     "Samples of a diffusion prior, by the ancestral step of DDPM or by DDIM.",
		Options: config.MustTable(Options{}),
		Needs:   []contract.Need{{Service: "prior", Capability: contract.CapDenoise}},
	}
}

// Configure checks options and services. Errors: contract.ErrInvalidOption, contract.ErrUnsupported (a capability that the
// prior lacks), contract.ErrShape.
func (s *Sampler) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("%w: sampler ddpm: %w", contract.ErrInvalidOption, err)
	}
	if err := sampling.CheckNeeds(s.Describe(), nil, c); err != nil {
		return contract.Configured{}, err
	}
	r, err := sampling.NewReverse("ddpm", c, o.Steps)
	if err != nil {
		return contract.Configured{}, err
	}
	o.Steps = r.Steps()
	s.options, s.reverse = o, r
	resolved := config.Canonical(map[string]any{"variant": o.Variant, "steps": int64(o.Steps), "eta": o.Eta})
	return contract.Configured{Options: resolved, State: sampling.StateLayout(r.Latent)}, nil
}

// Start fills the state with noise.
func (s *Sampler) Start(_ context.Context, chains contract.Chains, state contract.State) (int, []contract.Status, error) {
	if s.reverse == nil {
		return 0, nil, fmt.Errorf("sampler ddpm: %w", contract.ErrNotConfigured)
	}
	if err := sampling.CheckChains("ddpm", s.reverse.Latent, chains, false, state); err != nil {
		return 0, nil, err
	}
	s.reverse.Start(chains, state)
	return s.reverse.Steps(), nil, nil
}

// Step goes down one level. A chain whose x or x0 is not finite or has a coordinate beyond sampling.Bound is DIVERGED and
// keeps the state it had; the others do not notice.
func (s *Sampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	r := s.reverse
	if r == nil {
		return contract.StepResult{}, fmt.Errorf("sampler ddpm: %w", contract.ErrNotConfigured)
	}
	i, err := r.Index(step)
	if err != nil {
		return contract.StepResult{}, err
	}
	if err := sampling.CheckChains("ddpm", r.Latent, chains, false, state, next); err != nil {
		return contract.StepResult{}, err
	}
	b := sampling.NewBatch(chains.Len())
	x := r.Load(state)
	x0 := make([]float64, len(x))
	b.Check(fmt.Sprintf("latent before step %d", step), x, sampling.Bound)
	if err := r.Denoise(ctx, b, x, i, x0); err != nil {
		return contract.StepResult{}, err
	}
	j := r.Schedule.Ancestral(i)
	if s.options.Variant == "ddim" {
		j = r.Schedule.DDIM(i, s.options.Eta)
	}
	var noise []float64
	if j.Noise > 0 {
		noise = r.Noise(chains, step)
	}
	r.Mix(b, j, x, x0, noise)
	b.Check(fmt.Sprintf("latent after step %d (level %d)", step, r.Levels[i]), x, sampling.Bound)
	r.Store(b, state, next, x, x0)
	return contract.StepResult{Done: i == 0, Status: b.Status()}, nil
}
