// Package gmmposterior draws from the posterior of a prior that is a Gaussian mixture: exactly, when the physics is linear
// over each component, and as its linearisation about every component's mean when it is not. It is the closed form that
// diffusion posterior sampling through a memorised prior is compared with.
//
// Main type: [Sampler], a contract.Sampler of one step. Options: [Options]. Needs the prior capability mixture and the
// physics capability misfit; for method linearised also gradient and jvp. State: "latent" and "x0", both the draw.
//
// With x_n, w_n the mixture's means and weights, C its covariance, phi_n the misfit at x_n (memorization study, section 1,
// where b and H are J^T r/tau^2 and J^T J/tau^2):
//
//	linearised: b_n = -grad phi_n, H_n = J_n^T J_n/tau^2 from d tangents J_n e_i,
//	            C_n = (C^-1 + H_n)^-1, mu_n = x_n + C_n b_n,
//	            log w'_n = log w_n - phi_n + 1/2 b_n^T C_n b_n - 1/2 log|I + C H_n| + constant,
//	            without the last logarithm for weights = "published"
//	lookup    : w'_n proportional to w_n exp(-phi_n), the draw is x_n itself: the limit of a prior without width
//
// A chain takes component n by one uniform ("sampler/component", step 0) and, linearised, adds G_n z with C_n = G_n G_n^T
// and z standard normal ("sampler/step", step 0). Package mixture does the linear algebra.
//
// Numbers per chain: "component" (n, from 0), "effective_components" (exp of the weights' entropy), "refused_components"
// (those that the physics refused, e.g. out of its bounds: weight 0) and, with misfit = true, "misfit" (phi at the draw, one
// solve a chain; a draw that the physics refuses gets its status, and is dropped by a host that drops: a truncated
// posterior. misfit = false keeps all draws).
//
// Memory: H for all N components (N d^2 float64: 80 MB for N = 1000, d = 100) and as much again for the posterior of one
// observation at a time, plus at most 64 MiB for the tangents in flight (one component's, where that is more). Both are kept
// until the next Configure, which the host calls after a change of observations; a second call about the same observation
// costs draws only.
//
// What it is not: it does not fit the mixture (the prior does) and it is no Markov chain: chains are independent draws.
package gmmposterior

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/plugins/samplers/internal/sampling"
)

// Methods.
const (
	Linearised = "linearised"
	Lookup     = "lookup"
)

const name = "gmm-posterior"

// Options are the sampler's TOML table.
type Options struct {
	Method  string `option:"method" default:"linearised" oneof:"linearised,lookup" doc:"linearised: a Gaussian for every component; lookup: the components' means themselves, weighted by their misfit"`
	Weights string `option:"weights" default:"exact" oneof:"exact,published" doc:"exact: Bayes' rule for the linearised physics; published: without the determinant, as in the memorization study's code; lookup takes no notice of it"`
	Misfit  bool   `option:"misfit" default:"true" doc:"report the misfit of every draw, one solve each; a draw that the physics refuses then has its status"`
}

// Sampler is the plugin. Make it with New. Safe for concurrent use once configured.
type Sampler struct {
	options Options
	latent  *space.Space
	prior   contract.FullPrior
	physics *contract.SolverService

	component, normal rng.Stream

	mu        sync.Mutex // over what follows: what is worked out and kept
	mixture   *mixture.Mixture
	curvature *curvature
	last      *posterior
}

// New returns a sampler that wants Configure.
func New() *Sampler { return &Sampler{} }

// Describe says what the sampler is.
func (s *Sampler) Describe() contract.Description {
	return contract.Description{
		Kind: contract.KindSampler, Name: name, Version: "0.1.0", Numerics: "1",
		Doc:     "Draws from the posterior of a Gaussian mixture prior, linearised about every component.",
		Options: config.MustTable(Options{}),
		Needs: []contract.Need{
			{Service: "prior", Capability: contract.CapMixture},
			{Service: "physics", Capability: contract.CapMisfit},
			{Service: "physics", Capability: contract.CapGradient, Option: "method", Value: Linearised},
			{Service: "physics", Capability: contract.CapJVP, Option: "method", Value: Linearised},
		},
	}
}

// Configure checks options and services and forgets what was kept. Errors: contract.ErrInvalidOption,
// contract.ErrUnsupported (a capability that a service lacks), contract.ErrShape.
func (s *Sampler) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("%w: sampler %s: %w", contract.ErrInvalidOption, name, err)
	}
	if err := sampling.CheckNeeds(s.Describe(), map[string]string{"method": o.Method}, c); err != nil {
		return contract.Configured{}, err
	}
	latent, err := sampling.Latent(name, c)
	if err != nil {
		return contract.Configured{}, err
	}
	physics := c.Solvers["physics"]
	if physics.Configured.Data == nil && o.Method == Linearised {
		return contract.Configured{}, fmt.Errorf("sampler %s: the physics service has not said what data it gives: %w", name, contract.ErrNotConfigured)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options, s.latent, s.prior, s.physics = o, latent, c.Prior.Prior, physics
	s.component, s.normal = rng.New(c.Seed, "sampler/component"), rng.New(c.Seed, "sampler/step")
	s.mixture, s.curvature, s.last = nil, nil, nil
	resolved := config.Canonical(map[string]any{"method": o.Method, "weights": o.Weights, "misfit": o.Misfit})
	return contract.Configured{Options: resolved, State: sampling.StateLayout(latent)}, nil
}

// Start fills the state with 0: nothing is known before the one step.
func (s *Sampler) Start(_ context.Context, chains contract.Chains, state contract.State) (int, []contract.Status, error) {
	if s.latent == nil {
		return 0, nil, fmt.Errorf("sampler %s: %w", name, contract.ErrNotConfigured)
	}
	if err := sampling.CheckChains(name, s.latent, chains, true, state); err != nil {
		return 0, nil, err
	}
	state["latent"].Zero()
	state["x0"].Zero()
	return 1, nil, nil
}

// Step draws every chain. Errors: those of the services; no component with a finite misfit; one observation with two noise
// levels.
func (s *Sampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	if s.latent == nil {
		return contract.StepResult{}, fmt.Errorf("sampler %s: %w", name, contract.ErrNotConfigured)
	}
	if step != 0 {
		return contract.StepResult{}, fmt.Errorf("sampler %s: step %d; there is one, number 0", name, step)
	}
	if err := sampling.CheckChains(name, s.latent, chains, true, state, next); err != nil {
		return contract.StepResult{}, err
	}
	n, d := chains.Len(), s.latent.Len()
	x := make([]float64, n*d)
	numbers := map[string][]float64{
		"component": make([]float64, n), "effective_components": make([]float64, n), "refused_components": make([]float64, n),
	}
	done := make([]bool, n)
	for i := range n {
		if done[i] {
			continue
		}
		p, err := s.posterior(ctx, chains.Observation[i], chains.NoiseStd[i])
		if err != nil {
			return contract.StepResult{}, err
		}
		for k := i; k < n; k++ { // the other chains of this observation
			if chains.Observation[k] != chains.Observation[i] {
				continue
			}
			if chains.NoiseStd[k] != chains.NoiseStd[i] {
				return contract.StepResult{}, fmt.Errorf("sampler %s: observation %d has noise std %g for chain %d, %g for chain %d",
					name, chains.Observation[i], chains.NoiseStd[i], chains.ID[i], chains.NoiseStd[k], chains.ID[k])
			}
			done[k] = true
			id := uint32(chains.ID[k])
			component := p.draw(x[k*d:(k+1)*d], s.component.At(0, id, 0).Uniform(0), s.normal.At(0, id, 0).Normals)
			numbers["component"][k] = float64(component)
			numbers["effective_components"][k] = p.effective
			numbers["refused_components"][k] = float64(p.refused)
		}
	}
	b := sampling.NewBatch(n)
	b.Check("draw", x, sampling.Bound)
	next["latent"].CopyFrom(state["latent"])
	for _, i := range b.Alive() {
		next["latent"].Item(i).SetReals(x[i*d : (i+1)*d])
	}
	if s.options.Misfit {
		phi := make([]float64, n)
		for i := range phi {
			phi[i] = math.NaN()
		}
		if err := b.Misfit(ctx, s.physics.Solver, s.latent, x, chains.Observation, phi, nil); err != nil {
			return contract.StepResult{}, err
		}
		numbers["misfit"] = phi
	}
	next["x0"].CopyFrom(next["latent"])
	return contract.StepResult{Numbers: numbers, Done: true, Status: b.Status()}, nil
}
