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
	Schedule *diffusion.Schedule
	Levels   []int // visited, lowest first: step k is at Levels[len(Levels)-1-k]

	initial, noise rng.Stream
}

// NewReverse takes the prior, its schedule and the seed out of a sampler's configuration; steps as in [Ladder].
// The needs must have been checked before.
func NewReverse(name string, c contract.Config, steps int) (*Reverse, error) {
	latent, err := Latent(name, c)
	if err != nil {
		return nil, err
	}
	d := c.Prior.Configured.Schedule
	if err := checkSchedule(d); err != nil {
		return nil, fmt.Errorf("sampler %s: %w", name, err)
	}
	levels, err := Ladder(d, steps)
	if err != nil {
		return nil, err
	}
	return &Reverse{
		Name: name, Prior: c.Prior.Prior, Latent: latent, Schedule: d, Levels: levels,
		initial: rng.New(c.Seed, "sampler/initial"), noise: rng.New(c.Seed, "sampler/step"),
	}, nil
}

// Steps returns the number of steps.
func (r *Reverse) Steps() int { return len(r.Levels) }

// Level returns the level t of step number step and the level s that it goes to, Clean after the last.
func (r *Reverse) Level(step int) (t, s int, err error) {
	i := len(r.Levels) - 1 - step
	if i < 0 || step < 0 {
		return 0, 0, fmt.Errorf("sampler %s: step %d; there are %d, from 0", r.Name, step, len(r.Levels))
	}
	if i == 0 {
		return r.Levels[0], Clean, nil
	}
	return r.Levels[i], r.Levels[i-1], nil
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

// Denoise is Batch.Denoise with this process's prior.
func (r *Reverse) Denoise(ctx context.Context, b *Batch, x []float64, level int, x0 []float64) error {
	return b.Denoise(ctx, r.Prior, r.Latent, x, level, x0)
}

// Mix sets dst to j applied to every chain that is well; n may be nil when j adds no noise. dst may be x.
func (r *Reverse) Mix(b *Batch, j Jump, dst, x, x0, n []float64) {
	d := r.Latent.Len()
	for _, i := range b.Alive() {
		lo, hi := i*d, (i+1)*d
		var ni []float64
		if n != nil {
			ni = n[lo:hi]
		}
		j.Apply(dst[lo:hi], x[lo:hi], x0[lo:hi], ni)
	}
}
