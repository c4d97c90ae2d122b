// Package dps draws approximate posterior samples: the reverse diffusion of a prior, pushed at every step towards models
// whose data fit (diffusion posterior sampling).
//
// Main type: [Sampler], a contract.Sampler. Options: [Options]. State: "latent" is x_t at the level that comes next, "x0" the
// estimate at which the misfit was taken; after the last step both are the sample. Numbers per chain: "misfit" is phi at
// the state's x0 (one value-only solve more at the last step), "gradient_norm" the length of the gradient before zeta and
// before any normalisation.
//
// Variant published (the memorization study's code), t the level, s the one below, at the last step s = t in the
// coefficients of the second estimate:
//
//	x0  = D(x_t, t), eps = (x_t - alpha_t x0)/sigma_t
//	x   = alpha_s x0 + sigma_s eps                      (DDIM; x = x0 at the last step)
//	eps'= (x - alpha_t D(x, t))/sigma_t                 (the network is told t, though x is at s)
//	x0' = (x - sigma_s eps')/alpha_s
//	g   = grad phi(x0')/alpha_t                         (the network's Jacobian is left out)
//	x_s = x - zeta g/max(|g|, 1e-8)
//
// Variant full (Chung, Kim, McCann, Klasky, Ye, "Diffusion posterior sampling for general noisy inverse problems", ICLR 2023,
// algorithm 1 with the step size of their section 3), x' an ancestral or DDIM step from x_t with x0 = D(x_t, t):
//
//	x_s = x' - zeta grad_{x_t} |F(x0(x_t)) - d| = x' - zeta (dx0/dx_t)^T tau grad phi(x0)/sqrt(2 phi(x0)),
//
// since |F - d| = tau sqrt(2 phi) over the chain's own data; at phi = 0 the fit is perfect and the gradient is taken as 0.
//
//	s := dps.New()
//	configured, err := s.Configure(ctx, contract.Config{Options: json.RawMessage(`{"variant":"published"}`),
//		Prior: prior, Solvers: map[string]*contract.SolverService{"physics": physics}})
//
// What it is not: it does not sample the posterior exactly, for any zeta, not even for a linear F and a Gaussian prior
// (TestDistanceFromPosterior has figures); gmm-posterior does, where it applies.
package dps

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/samplers/internal/sampling"
)

// smallestNorm is below what the published variant divides by.
const smallestNorm = 1e-8

// Sampler is the plugin. Make it with New.
type Sampler struct {
	options Options
	reverse *sampling.Reverse
	physics contract.FullSolver
}

// New returns a sampler that wants Configure.
func New() *Sampler { return &Sampler{} }

// Describe says what the sampler is.
func (s *Sampler) Describe() contract.Description {
	return contract.Description{
		Kind: contract.KindSampler, Name: "dps", Version: "0.1.0", Numerics: "1",
		Doc:     "Approximate posterior samples by diffusion posterior sampling.",
		Options: config.MustTable(Options{}),
		Needs: []contract.Need{
			{Service: "prior", Capability: contract.CapDenoise},
			{Service: "prior", Capability: contract.CapDenoiseVJP, Option: "variant", Value: Full},
			{Service: "physics", Capability: contract.CapGradient},
		},
	}
}

// Configure checks options and services. Errors: contract.ErrInvalidOption, contract.ErrUnsupported (a capability that a
// service lacks), contract.ErrShape (physics and prior disagree on the latent space).
func (s *Sampler) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("%w: sampler dps: %w", contract.ErrInvalidOption, err)
	}
	if err := o.settle(); err != nil {
		return contract.Configured{}, err
	}
	if err := sampling.CheckNeeds(s.Describe(), map[string]string{"variant": o.Variant}, c); err != nil {
		return contract.Configured{}, err
	}
	r, err := sampling.NewReverse("dps", c, o.Steps)
	if err != nil {
		return contract.Configured{}, err
	}
	o.Steps = r.Steps()
	s.options, s.reverse, s.physics = o, r, c.Solvers["physics"].Solver
	return contract.Configured{Options: o.resolved(), State: sampling.StateLayout(r.Latent)}, nil
}

// Start fills the state with noise.
func (s *Sampler) Start(_ context.Context, chains contract.Chains, state contract.State) (int, []contract.Status, error) {
	if s.reverse == nil {
		return 0, nil, fmt.Errorf("sampler dps: %w", contract.ErrNotConfigured)
	}
	if err := sampling.CheckChains("dps", s.reverse.Latent, chains, true, state); err != nil {
		return 0, nil, err
	}
	s.reverse.Start(chains, state)
	return s.reverse.Steps(), nil, nil
}

// step is one call of Step: rows of n chains by d coordinates.
type step struct {
	*Sampler
	b         *sampling.Batch
	chains    contract.Chains
	number    int
	i         int       // index of the level in the respaced schedule, 0 at the last step
	x, x0     []float64 // n x d: in: x_t and nothing; out: x_s and the x0 of the misfit
	phi, norm []float64 // n
}

// Step goes down one level. A chain whose x, x0, misfit or gradient is not finite, or whose x has a coordinate beyond
// sampling.Bound, is DIVERGED and keeps the state it had, as does a chain that a service refuses, with the service's
// status; their numbers are NaN from where they failed. The others do not notice.
func (s *Sampler) Step(ctx context.Context, number int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	r := s.reverse
	if r == nil {
		return contract.StepResult{}, fmt.Errorf("sampler dps: %w", contract.ErrNotConfigured)
	}
	i, err := r.Index(number)
	if err != nil {
		return contract.StepResult{}, err
	}
	if err := sampling.CheckChains("dps", r.Latent, chains, true, state, next); err != nil {
		return contract.StepResult{}, err
	}
	n := chains.Len()
	c := &step{Sampler: s, b: sampling.NewBatch(n), chains: chains, number: number, i: i, x: r.Load(state),
		phi: make([]float64, n), norm: make([]float64, n)}
	c.x0 = make([]float64, len(c.x))
	for i := range n {
		c.phi[i], c.norm[i] = math.NaN(), math.NaN()
	}
	c.b.Check(fmt.Sprintf("latent before step %d", number), c.x, sampling.Bound)
	if s.options.Variant == Published {
		err = c.published(ctx)
	} else {
		err = c.full(ctx)
	}
	if err != nil {
		return contract.StepResult{}, err
	}
	c.b.Check(fmt.Sprintf("latent after step %d (level %d)", number, r.Levels[i]), c.x, sampling.Bound)
	if i == 0 {
		copy(c.x0, c.x)
		if err := c.b.Misfit(ctx, s.physics, r.Latent, c.x0, chains.Observation, c.phi, nil); err != nil {
			return contract.StepResult{}, err
		}
	}
	r.Store(c.b, state, next, c.x, c.x0)
	return contract.StepResult{
		Numbers: map[string][]float64{"misfit": c.phi, "gradient_norm": c.norm},
		Done:    i == 0, Status: c.b.Status(),
	}, nil
}

// published is the variant of that name; c.x0 becomes x0'.
func (c *step) published(ctx context.Context) error {
	r, sch := c.reverse, c.reverse.Schedule
	second := max(c.i-1, 0) // of the second estimate's coefficients
	if err := r.Denoise(ctx, c.b, c.x, c.i, c.x0); err != nil {
		return err
	}
	r.Mix(c.b, sch.DDIM(c.i, 0), c.x, c.x0, nil)
	net := make([]float64, len(c.x))
	if err := r.Denoise(ctx, c.b, c.x, c.i, net); err != nil {
		return err
	}
	d := r.Latent.Len()
	eps, at := make([]float64, d), sch.Alpha[c.i]
	for _, i := range c.b.Alive() {
		lo, hi := i*d, (i+1)*d
		sch.NoiseFromX0(eps, c.x[lo:hi], net[lo:hi], c.i)
		sch.X0FromNoise(c.x0[lo:hi], c.x[lo:hi], eps, second)
	}
	g := net // not needed any more
	if err := c.b.Misfit(ctx, c.physics, r.Latent, c.x0, c.chains.Observation, c.phi, g); err != nil {
		return err
	}
	for _, i := range c.b.Alive() {
		row := g[i*d : (i+1)*d]
		for k := range row {
			row[k] /= at
		}
		c.norm[i] = norm(row)
		c.push(i, row, *c.options.Zeta/max(c.norm[i], smallestNorm))
	}
	return nil
}

// full is the variant of that name; c.x0 becomes D(x_t, t).
func (c *step) full(ctx context.Context) error {
	r, d := c.reverse, c.reverse.Latent.Len()
	if err := r.Denoise(ctx, c.b, c.x, c.i, c.x0); err != nil {
		return err
	}
	w, g := make([]float64, len(c.x)), make([]float64, len(c.x))
	if err := c.b.Misfit(ctx, c.physics, r.Latent, c.x0, c.chains.Observation, c.phi, w); err != nil {
		return err
	}
	for _, i := range c.b.Alive() {
		residual := math.Sqrt(2 * c.phi[i]) // |F(x0) - d|/tau
		for k := i * d; k < (i+1)*d; k++ {
			if residual == 0 {
				w[k] = 0
			} else {
				w[k] = c.chains.NoiseStd[i] * (w[k] / residual)
			}
		}
	}
	c.b.Check("gradient of |F(x0) - d|", w, 0)
	if err := c.b.DenoiseVJP(ctx, r.Prior, r.Latent, c.x, r.Levels[c.i], w, g); err != nil {
		return err
	}
	j := r.Schedule.Ancestral(c.i)
	if *c.options.Step == DDIMStep {
		j = r.Schedule.DDIM(c.i, 0)
	}
	var noise []float64
	if j.Noise > 0 {
		noise = r.Noise(c.chains, c.number)
	}
	r.Mix(c.b, j, c.x, c.x0, noise)
	for _, i := range c.b.Alive() {
		row := g[i*d : (i+1)*d]
		c.norm[i] = norm(row)
		c.push(i, row, *c.options.Zeta)
	}
	return nil
}

// push takes chain i a step against its gradient.
func (c *step) push(i int, gradient []float64, length float64) {
	x := c.x[i*len(gradient) : (i+1)*len(gradient)]
	for k, g := range gradient {
		x[k] = math.FMA(-length, g, x[k])
	}
}

// norm is the Euclidean norm, summed in order; scaled, so that it neither overflows nor vanishes before its value does.
func norm(v []float64) float64 {
	top := 0.0
	for _, a := range v {
		top = max(top, math.Abs(a))
	}
	if top == 0 {
		return 0
	}
	sum := 0.0
	for _, a := range v {
		sum = math.FMA(a/top, a/top, sum)
	}
	return top * math.Sqrt(sum)
}
