package sampling

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
)

// Reverse is a configured reverse diffusion. Read-only once made, so safe for concurrent use.
type Reverse struct {
	Name     string // of the sampler, for errors
	Prior    contract.FullPrior
	Latent   *space.Space
	Schedule *diffusion.Schedule // respaced: of the visited levels only, lowest first
	Levels   []int               // the prior's level at each index of Schedule

	initial, noise rng.Stream
}

// NewReverse takes the prior, its schedule and the seed out of a sampler's configuration. steps is the number of levels
// visited, spread evenly over the schedule by diffusion.Spaced, highest and lowest included; 0 is all of them. The needs
// must have been checked before. Errors: no latent space or schedule, or an impossible one; steps beyond the schedule.
func NewReverse(name string, c contract.Config, steps int) (*Reverse, error) {
	latent, err := Latent(name, c)
	if err != nil {
		return nil, err
	}
	d := c.Prior.Configured.Schedule
	if d == nil {
		return nil, fmt.Errorf("sampler %s: prior %s has no schedule: %w", name, c.Prior.Description.Name, contract.ErrUnsupported)
	}
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("sampler %s: prior %s: %w", name, c.Prior.Description.Name, err)
	}
	if steps < 0 || steps > d.Steps() {
		return nil, fmt.Errorf("sampler %s: steps = %d; the prior's schedule has %d levels, so 1..%d are possible, or 0 for all: %w",
			name, steps, d.Steps(), d.Steps(), contract.ErrInvalidOption)
	}
	if steps == 0 {
		steps = d.Steps()
	}
	levels, err := diffusion.Spaced(d.Steps(), steps)
	if err != nil {
		return nil, fmt.Errorf("sampler %s: %w", name, err)
	}
	respaced, err := d.Respace(levels)
	if err != nil {
		return nil, fmt.Errorf("sampler %s: %w", name, err)
	}
	return &Reverse{
		Name: name, Prior: c.Prior.Prior, Latent: latent, Schedule: respaced, Levels: levels,
		initial: rng.New(c.Seed, "sampler/initial"), noise: rng.New(c.Seed, "sampler/step"),
	}, nil
}

// Steps returns the number of steps.
func (r *Reverse) Steps() int { return len(r.Levels) }

// Index returns where step number step stands in Schedule and Levels: the last index first, 0 at the last step.
func (r *Reverse) Index(step int) (int, error) {
	if step < 0 || step >= len(r.Levels) {
		return 0, fmt.Errorf("sampler %s: step %d; there are %d, from 0", r.Name, step, len(r.Levels))
	}
	return len(r.Levels) - 1 - step, nil
}

// Start fills "latent" with x at the highest level, N(0, I), and "x0" with 0: there is no estimate before the first step.
func (r *Reverse) Start(chains contract.Chains, state contract.State) {
	x := make([]float64, r.Latent.Len())
	for i, id := range chains.ID {
		r.initial.At(0, uint32(id), 0).Normals(x)
		state["latent"].Item(i).SetReals(x)
	}
	state["x0"].Zero()
}

// Noise returns the normals (n x d) that a step adds.
func (r *Reverse) Noise(chains contract.Chains, step int) []float64 {
	d := r.Latent.Len()
	x := make([]float64, chains.Len()*d)
	for i, id := range chains.ID {
		r.noise.At(uint32(step), uint32(id), 0).Normals(x[i*d : (i+1)*d])
	}
	return x
}

// Load returns "latent" (n x d).
func (r *Reverse) Load(state contract.State) []float64 { return state["latent"].AppendReals(nil) }

// Store fills next with the chains' x and x0 (n x d each). A chain that has failed keeps the state it had.
func (r *Reverse) Store(b *Batch, state, next contract.State, x, x0 []float64) {
	next["latent"].CopyFrom(state["latent"])
	next["x0"].CopyFrom(state["x0"])
	d := r.Latent.Len()
	for _, i := range b.Alive() {
		next["latent"].Item(i).SetReals(x[i*d : (i+1)*d])
		next["x0"].Item(i).SetReals(x0[i*d : (i+1)*d])
	}
}

// Denoise sets x0 (n x d) to the prior's estimate at x (n x d) and the level at index i.
func (r *Reverse) Denoise(ctx context.Context, b *Batch, x []float64, i int, x0 []float64) error {
	return b.Denoise(ctx, r.Prior, r.Latent, x, r.Levels[i], x0)
}

// Mix takes the step j from x (n x d), in place, for every chain that is well; z may be nil when j adds no noise.
func (r *Reverse) Mix(b *Batch, j diffusion.Step, x, x0, z []float64) {
	d := r.Latent.Len()
	for _, i := range b.Alive() {
		lo, hi := i*d, (i+1)*d
		var zi []float64
		if z != nil {
			zi = z[lo:hi]
		}
		j.Apply(x[lo:hi], x0[lo:hi], x[lo:hi], zi)
	}
}
