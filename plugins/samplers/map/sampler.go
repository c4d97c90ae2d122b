package maximum

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/rng"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/samplers/internal/lbfgs"
	"github.com/waveprior/waveprior/plugins/samplers/internal/sampling"
)

// Sampler is the plugin. Make it with New.
type Sampler struct {
	options   Options
	latent    *space.Space
	layout    []contract.StateTensor
	variables *variables
	penalty   *penalty
	law       law
	optimiser lbfgs.Options
	physics   contract.FullSolver
	initial   rng.Stream
}

// New returns a sampler that wants Configure.
func New() *Sampler { return &Sampler{} }

// Describe says what the sampler is.
func (s *Sampler) Describe() contract.Description {
	return contract.Description{
		Kind: contract.KindSampler, Name: "map", Version: "0.2.0", Numerics: "2",
		Doc:     "Maximum a posteriori of each chain, by L-BFGS: classic full-waveform inversion where the latent vector is a model on a grid.",
		Options: config.MustTable(Options{}),
		Needs: []contract.Need{
			{Service: "physics", Capability: contract.CapGradient},
			{Service: "prior", Capability: contract.CapMixture, Option: "prior", Value: Mixture},
		},
	}
}

// Configure checks options and services. Errors: contract.ErrInvalidOption, contract.ErrUnsupported (a capability that a
// service lacks), contract.ErrShape (physics and prior disagree on the latent space).
func (s *Sampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	o, resolved, err := decode(c.Options, c.Prior != nil)
	if err != nil {
		return contract.Configured{}, err
	}
	if err := sampling.CheckNeeds(s.Describe(), map[string]string{"prior": *o.Prior}, c); err != nil {
		return contract.Configured{}, err
	}
	n := Sampler{options: o, physics: c.Solvers["physics"].Solver, initial: rng.New(c.Seed, "sampler/initial")}
	if n.latent, err = sampling.Latent("map", c); err != nil {
		return contract.Configured{}, err
	}
	if n.variables, err = newVariables(&o, n.latent); err != nil {
		return contract.Configured{}, err
	}
	if n.penalty, err = newPenalty(&o, n.variables, n.latent); err != nil {
		return contract.Configured{}, err
	}
	switch *o.Prior {
	case Gaussian:
		n.law.std = o.PriorStd
	case Mixture:
		m, err := c.Prior.Prior.Mixture(ctx)
		if err != nil {
			return contract.Configured{}, err
		}
		closed, err := m.Closed()
		if err != nil {
			return contract.Configured{}, err
		}
		if n.law.mixture, err = closed.At(1, 0); err != nil {
			return contract.Configured{}, fmt.Errorf("sampler map: %w: %w", contract.ErrUnsupported, err)
		}
	}
	n.optimiser = lbfgs.Options{Memory: o.Memory, Iterations: o.Iterations, FirstStep: n.variables.firstStep(o.FirstStep),
		GradientTolerance: o.GradientTolerance, DecreaseTolerance: o.DecreaseTolerance}
	n.layout = layout(n.latent, o.Memory)
	*s = n
	return contract.Configured{Options: resolved, State: n.layout}, nil
}

// layout: beside "latent" and "x0" the optimiser's memory: point, gradient and direction in its variables, the pairs, its
// numbers, and phi at "latent".
func layout(latent *space.Space, memory int) []contract.StateTensor {
	d := latent.Len()
	return append(sampling.StateLayout(latent), []contract.StateTensor{
		{Name: "point", DType: tensor.Float64, Shape: []int{d}},
		{Name: "gradient", DType: tensor.Float64, Shape: []int{d}},
		{Name: "direction", DType: tensor.Float64, Shape: []int{d}},
		{Name: "steps", DType: tensor.Float64, Shape: []int{memory, d}},
		{Name: "changes", DType: tensor.Float64, Shape: []int{memory, d}},
		{Name: "numbers", DType: tensor.Float64, Shape: []int{lbfgs.Numbers}},
		{Name: "misfit", DType: tensor.Float64, Shape: []int{1}},
	}...)
}

// check judges chains and states.
func (s *Sampler) check(chains contract.Chains, states ...contract.State) error {
	if s.latent == nil {
		return fmt.Errorf("sampler map: %w", contract.ErrNotConfigured)
	}
	if err := sampling.CheckChains("map", s.latent, chains, true, states...); err != nil {
		return err
	}
	for _, st := range states {
		for _, t := range s.layout {
			if err := st[t.Name].Check(fmt.Sprintf("sampler map: state %q", t.Name), t.DType, append([]int{chains.Len()}, t.Shape...)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// chain is the optimiser's view of chain i of a state.
func chain(st contract.State, i int) lbfgs.Chain {
	f := func(name string) []float64 { return st[name].Item(i).Float64s() }
	return lbfgs.Chain{X: f("point"), G: f("gradient"), D: f("direction"), S: f("steps"), Y: f("changes"), N: f("numbers")}
}

// Start puts the chains at their first points: standard normal ones, or 0.
func (s *Sampler) Start(ctx context.Context, chains contract.Chains, state contract.State) (int, []contract.Status, error) {
	if err := s.check(chains, state); err != nil {
		return 0, nil, err
	}
	x := s.latent.New(chains.Len())
	if s.options.Initial == Random {
		z := make([]float64, s.latent.Len())
		for i, id := range chains.ID {
			s.initial.At(0, uint32(id), 0).Normals(z)
			x.Item(i).SetReals(z)
		}
	}
	return s.StartAt(ctx, chains, x, state)
}

// StartAt puts the chains at x (chains, latent...). One that is not finite or beyond the bounds is OUT_OF_BOUNDS.
func (s *Sampler) StartAt(_ context.Context, chains contract.Chains, x *tensor.Tensor, state contract.State) (int, []contract.Status, error) {
	if err := s.check(chains, state); err != nil {
		return 0, nil, err
	}
	if err := s.latent.Check("sampler map: start", x, chains.Len()); err != nil {
		return 0, nil, err
	}
	b := sampling.NewBatch(chains.Len())
	point := make([]float64, s.latent.Len())
	for i := range chains.Len() {
		z := x.Item(i).AppendReals(nil)
		clear(point)
		if text, ok := s.latent.FirstOutside(x.Item(i)); !ok {
			b.Fail(i, contract.Status{Code: contract.OutOfBounds, Text: "start: " + text})
		} else if k := s.variables.inverse(point, z); k >= 0 {
			q := s.variables.quantity(k)
			b.Fail(i, contract.Status{Code: contract.OutOfBounds, Text: fmt.Sprintf("start: number %d is %g, it must lie within %g..%g (lower, upper)",
				k, z[k], s.variables.lower[q], s.options.Upper[min(q, len(s.options.Upper)-1)])})
			clear(point)
		}
		c := chain(state, i)
		c.Begin(point)
		state["latent"].Item(i).SetReals(z)
		state["x0"].Item(i).SetReals(z)
		state["misfit"].Item(i).Float64s()[0] = math.NaN()
	}
	return s.options.Evaluations, b.Status(), nil
}

// Step evaluates every chain that is not over once, at its trial.
func (s *Sampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	if err := s.check(chains, state, next); err != nil {
		return contract.StepResult{}, err
	}
	if step < 0 || step >= s.options.Evaluations {
		return contract.StepResult{}, fmt.Errorf("sampler map: step %d; there are %d, from 0", step, s.options.Evaluations)
	}
	for name, t := range state {
		next[name].CopyFrom(t)
	}
	n, d := chains.Len(), s.latent.Len()
	b := sampling.NewBatch(n)
	b.Check(fmt.Sprintf("latent before step %d", step), state["latent"].AppendReals(nil), 0)
	trial, z, g := make([]float64, n*d), make([]float64, n*d), make([]float64, n*d)
	row := func(v []float64, i int) []float64 { return v[i*d : (i+1)*d] }
	var asked []int
	for _, i := range b.Alive() {
		if c := chain(next, i); c.Ended() == lbfgs.Running {
			c.Trial(row(trial, i))
			s.variables.latent(row(z, i), row(trial, i))
			asked = append(asked, i)
		}
	}
	phi, refusals, err := s.evaluate(ctx, chains, asked, z, g)
	if err != nil {
		return contract.StepResult{}, err
	}
	rounded := s.latent.New(1)
	for _, i := range asked {
		c := chain(next, i)
		zi, gi := row(z, i), row(g, i)
		rounded.SetReals(zi) // the solver saw z in the latent type: the other terms are taken there, too
		rounded.AppendReals(zi[:0])
		f := phi[i] + s.law.add(zi, gi) + s.penalty.add(zi, gi)
		s.variables.pull(gi, row(trial, i))
		lowest := c.Next(s.optimiser, f, gi)
		if c.Ended() == lbfgs.Refused {
			b.Fail(i, cause(refusals[i]))
		}
		if !lowest {
			continue
		}
		next["latent"].Item(i).SetReals(zi)
		next["x0"].Item(i).SetReals(zi)
		next["misfit"].Item(i).Float64s()[0] = phi[i]
	}
	return s.report(step, b, next), nil
}

// cause is the status of a chain that cannot go on: of its last refused trial.
func cause(s contract.Status) contract.Status {
	if s.Code == contract.OK {
		return contract.Status{Code: contract.Diverged, Text: "no trial of the line search can be evaluated but one that is not lower"}
	}
	return s
}

// evaluate asks for phi and its gradient (n x d) at the rows of z that are named; phi of one that is refused is NaN, and the
// status says why. Rows are the same for any company.
func (s *Sampler) evaluate(ctx context.Context, chains contract.Chains, rows []int, z, g []float64) ([]float64, map[int]contract.Status, error) {
	n, d := chains.Len(), s.latent.Len()
	phi := make([]float64, n)
	for i := range phi {
		phi[i] = math.NaN()
	}
	if len(rows) == 0 {
		return phi, nil, nil
	}
	some := sampling.NewBatch(len(rows))
	zs, gs, ps := make([]float64, 0, len(rows)*d), make([]float64, len(rows)*d), make([]float64, len(rows))
	which := make([]int, len(rows))
	for k, i := range rows {
		zs = append(zs, z[i*d:(i+1)*d]...)
		which[k], ps[k] = chains.Observation[i], math.NaN()
	}
	if err := some.Misfit(ctx, s.physics, s.latent, zs, which, ps, gs); err != nil {
		return nil, nil, err
	}
	refusals := map[int]contract.Status{}
	for k, i := range rows {
		if st := contract.StatusAt(some.Status(), k); st.Code != contract.OK {
			refusals[i] = st
			continue
		}
		phi[i] = ps[k]
		copy(g[i*d:(i+1)*d], gs[k*d:(k+1)*d])
	}
	return phi, refusals, nil
}

// report makes the numbers of the state after a step.
func (s *Sampler) report(step int, b *sampling.Batch, next contract.State) contract.StepResult {
	n := next["latent"].Batch()
	numbers := map[string][]float64{}
	put := func(name string, i int, v float64) {
		if numbers[name] == nil {
			numbers[name] = make([]float64, n)
		}
		numbers[name][i] = v
	}
	done := true
	for i := range n {
		c := chain(next, i)
		known := 1.0
		if !c.Known() {
			known = math.NaN()
		}
		done = done && (c.Ended() != lbfgs.Running || contract.StatusAt(b.Status(), i).Code != contract.OK)
		put("misfit", i, next["misfit"].Item(i).Float64s()[0])
		f, gradientNorm := c.Best()
		put("objective", i, known*f)
		put("gradient_norm", i, known*gradientNorm)
		put("iteration", i, float64(c.Iterations()))
		put("ended", i, float64(c.Ended()))
	}
	return contract.StepResult{Numbers: numbers, Done: done || step == s.options.Evaluations-1, Status: b.Status()}
}

// Optimises says that the chains are optima: contract.Optimiser.
func (*Sampler) Optimises() {}

var (
	_ contract.Starter   = (*Sampler)(nil)
	_ contract.Optimiser = (*Sampler)(nil)
)
