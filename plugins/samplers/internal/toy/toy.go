// Package toy has closed-form services for the samplers' tests: a prior that is a Gaussian mixture with its exact denoiser,
// and a solver given by a function and its Jacobian. Both work in float32 or float64 and refuse items on request, which the
// real plugins do not.
//
// Main types: [Prior], [Solver]; [Config] makes a sampler's configuration of them and [Run] runs it.
//
//	c := toy.Config(`{"variant":"full"}`, 1, &toy.Prior{M: m, S: s}, toy.Quadratic())
//	out, err := toy.Run(ctx, dps.New(), c, toy.Chains(100, 0.3), 0)
//
// It is for tests only: items are done one at a time, and nothing is safe for concurrent use.
package toy

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Vector returns the space of vectors of n numbers.
func Vector(name string, dt tensor.DType, n int) *space.Space {
	return &space.Space{Name: name, DType: dt, Axes: []space.Axis{{Name: "coordinate", Size: n}}, Quantities: []space.Quantity{{Name: name}}}
}

// Prior is the diffusion prior of a mixture, with the capabilities denoise, denoise-vjp and mixture.
type Prior struct {
	M     *mixture.Mixture
	S     *diffusion.Schedule
	DType tensor.DType // Invalid: float64
	// Refuse, unless nil, gives an item's status in Denoise.
	Refuse func(x []float64, level int) contract.Status

	levels map[int]*mixture.Level
}

// at returns the mixture at a level, made once.
func (p *Prior) at(t int) (*mixture.Level, error) {
	if l := p.levels[t]; l != nil {
		return l, nil
	}
	l, err := p.M.At(p.S.Alpha[t], p.S.Sigma[t])
	if err != nil {
		return nil, err
	}
	if p.levels == nil {
		p.levels = map[int]*mixture.Level{}
	}
	p.levels[t] = l
	return l, nil
}

func (p *Prior) latent() *space.Space {
	dt := p.DType
	if dt == tensor.Invalid {
		dt = tensor.Float64
	}
	return Vector("latent", dt, p.M.Dim)
}

// Describe implements contract.Plugin.
func (p *Prior) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "toy"}
}

// Configure implements contract.Plugin.
func (p *Prior) Configure(context.Context, contract.Config) (contract.Configured, error) {
	return contract.Configured{Latent: p.latent(), Schedule: p.S}, nil
}

// Denoise implements contract.Denoiser.
func (p *Prior) Denoise(_ context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	var st []contract.Status
	for i, t := range level {
		l, err := p.at(t)
		if err != nil {
			return nil, err
		}
		v := x.Item(i).AppendReals(nil)
		if p.Refuse != nil {
			st = contract.SetStatus(st, len(level), i, p.Refuse(v, t))
		}
		l.Denoise(v, v)
		x0.Item(i).SetReals(v)
	}
	return st, nil
}

// DenoiseVJP implements contract.DenoiseAdjoint.
func (p *Prior) DenoiseVJP(_ context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	for i, t := range level {
		l, err := p.at(t)
		if err != nil {
			return nil, err
		}
		v := w.Item(i).AppendReals(nil)
		l.VJP(v, x.Item(i).AppendReals(nil), v)
		dx.Item(i).SetReals(v)
	}
	return nil, nil
}

// Mixture implements contract.MixturePrior.
func (p *Prior) Mixture(context.Context) (*contract.Mixture, error) {
	d := p.M.Dim
	m := &contract.Mixture{Means: tensor.FromFloat64s(p.M.Means, p.M.N(), d), Weights: tensor.FromFloat64s(p.M.Weights, p.M.N())}
	switch c := p.M.Cov; {
	case c.Factor != nil:
		m.Covariance = tensor.FromFloat64s(c.Factor, d, d)
	case c.Diagonal != nil:
		m.Covariance = tensor.FromFloat64s(c.Diagonal, d)
	default:
		m.Covariance = tensor.FromFloat64s([]float64{c.Variance}, 1)
	}
	return m, nil
}

// Solver is d = F(x) from R^D to N reals (float64, or N/2 complex128 with Complex), with its Jacobian.
type Solver struct {
	D, N    int
	F       func(x, y []float64)
	J       func(x, j []float64) // j: N x D, row-major
	DType   tensor.DType         // of the model; Invalid: float64
	Complex bool
	// Refuse, unless nil, gives an item's status in Misfit and JVP.
	Refuse func(x []float64) contract.Status

	observed [][]float64
	tau      []float64
}

// Quadratic is the 2-D problem of the memorization study, section 2: (x1 + 0.3 x1 x2, x2 + 0.2 x1^2).
func Quadratic() *Solver {
	return &Solver{D: 2, N: 2,
		F: func(x, y []float64) { y[0], y[1] = x[0]+0.3*x[0]*x[1], x[1]+0.2*x[0]*x[0] },
		J: func(x, j []float64) { j[0], j[1], j[2], j[3] = 1+0.3*x[1], 0.3*x[0], 0.4*x[0], 1 },
	}
}

// Linear is A x, A n x d row-major.
func Linear(a []float64, d int) *Solver {
	n := len(a) / d
	return &Solver{D: d, N: n,
		F: func(x, y []float64) {
			for i := range n {
				y[i] = 0
				for k := range d {
					y[i] += a[i*d+k] * x[k]
				}
			}
		},
		J: func(_, j []float64) { copy(j, a) },
	}
}

func (s *Solver) model() *space.Space {
	dt := s.DType
	if dt == tensor.Invalid {
		dt = tensor.Float64
	}
	return Vector("model", dt, s.D)
}

func (s *Solver) data() *space.Space {
	if s.Complex {
		return Vector("data", tensor.Complex128, s.N/2)
	}
	return Vector("data", tensor.Float64, s.N)
}

// Describe implements contract.Plugin.
func (s *Solver) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "toy"}
}

// Configure implements contract.Plugin.
func (s *Solver) Configure(context.Context, contract.Config) (contract.Configured, error) {
	return contract.Configured{Model: s.model(), Data: s.data()}, nil
}

// Forward implements contract.Solver.
func (s *Solver) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	y := make([]float64, s.N)
	for i := range m.Batch() {
		s.F(m.Item(i).AppendReals(nil), y)
		d.Item(i).SetReals(y)
	}
	return nil, nil
}

// Observe implements contract.Misfitter.
func (s *Solver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	s.observed, s.tau = nil, append([]float64(nil), noiseStd...)
	for i := range d.Batch() {
		s.observed = append(s.observed, d.Item(i).AppendReals(nil))
	}
	return nil
}

// ObserveRows is Observe of float64 rows with one noise level.
func (s *Solver) ObserveRows(tau float64, rows ...[]float64) *Solver {
	s.observed, s.tau = rows, nil
	for range rows {
		s.tau = append(s.tau, tau)
	}
	return s
}

// Misfit implements contract.Misfitter.
func (s *Solver) Misfit(_ context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	if s.observed == nil {
		return nil, contract.ErrNoObservation
	}
	var st []contract.Status
	y, j := make([]float64, s.N), make([]float64, s.N*s.D)
	for i, o := range which {
		x := m.Item(i).AppendReals(nil)
		if s.Refuse != nil {
			st = contract.SetStatus(st, len(which), i, s.Refuse(x))
		}
		s.F(x, y)
		s.J(x, j)
		g, t2 := make([]float64, s.D), s.tau[o]*s.tau[o]
		phi[i] = 0
		for k := range y {
			r := y[k] - s.observed[o][k]
			phi[i] += r * r / (2 * t2)
			for c := range g {
				g[c] += j[k*s.D+c] * r / t2
			}
		}
		if gradient != nil {
			gradient.Item(i).SetReals(g)
		}
	}
	return st, nil
}

// JVP implements contract.ForwardLinear.
func (s *Solver) JVP(_ context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	var st []contract.Status
	j, y := make([]float64, s.N*s.D), make([]float64, s.N)
	for i := range m.Batch() {
		x := m.Item(i).AppendReals(nil)
		if s.Refuse != nil {
			st = contract.SetStatus(st, m.Batch(), i, s.Refuse(x))
		}
		s.J(x, j)
		set := dm.Item(min(i, dm.Batch()-1))
		for k := range set.Batch() {
			v := set.Item(k).AppendReals(nil)
			for r := range y {
				y[r] = 0
				for c := range v {
					y[r] += j[r*s.D+c] * v[c]
				}
			}
			dd.Item(i).Item(k).SetReals(y)
		}
	}
	return st, nil
}

// Config makes a sampler's configuration; solver may be nil.
func Config(options string, seed uint64, prior contract.Prior, solver contract.Solver) contract.Config {
	ctx := context.Background()
	c := contract.Config{Options: json.RawMessage(options), Seed: seed}
	if prior != nil {
		p := contract.LocalPrior(prior)
		configured, _ := prior.Configure(ctx, contract.Config{})
		c.Prior = &contract.PriorService{Prior: p, Description: p.Describe(), Configured: configured}
	}
	if solver != nil {
		s := contract.LocalSolver(solver)
		configured, _ := solver.Configure(ctx, contract.Config{})
		c.Solvers = map[string]*contract.SolverService{"physics": {Solver: s, Description: s.Describe(), Configured: configured}}
	}
	return c
}

// Chains returns chains 0..n-1 of observation 0, noise tau; unconditional for tau = 0.
func Chains(n int, tau float64) contract.Chains {
	var c contract.Chains
	for i := range n {
		c.ID = append(c.ID, i)
		if tau > 0 {
			c.Observation, c.NoiseStd = append(c.Observation, 0), append(c.NoiseStd, tau)
		}
	}
	return c
}

// Output is what a run leaves.
type Output struct {
	State   contract.State
	Numbers map[string][]float64 // of the last step
	Status  []contract.Status    // first failure of every chain
	Steps   int
	Reply   contract.Configured
}

// Latent returns the final latent vectors, row-major.
func (o *Output) Latent() []float64 { return o.State["latent"].AppendReals(nil) }

// Run configures the sampler and runs all steps, in groups of at most group chains (0: all at once), each step in turn.
func Run(ctx context.Context, s contract.Sampler, c contract.Config, chains contract.Chains, group int) (*Output, error) {
	reply, err := s.Configure(ctx, c)
	if err != nil {
		return nil, err
	}
	n := chains.Len()
	if group == 0 {
		group = n
	}
	state, next := contract.NewState(reply.State, n), contract.NewState(reply.State, n)
	o := &Output{Reply: reply, Numbers: map[string][]float64{}, Status: make([]contract.Status, n)}
	take := func(lo int, st []contract.Status) {
		for i, v := range st {
			if o.Status[lo+i].Code == contract.OK {
				o.Status[lo+i] = v
			}
		}
	}
	for lo := 0; lo < n; lo += group {
		hi := min(lo+group, n)
		steps, st, err := s.Start(ctx, chains.Slice(lo, hi), state.Slice(lo, hi))
		if err != nil {
			return nil, err
		}
		take(lo, st)
		o.Steps = steps
	}
	for step := range o.Steps {
		o.Numbers = map[string][]float64{}
		for lo := 0; lo < n; lo += group {
			hi := min(lo+group, n)
			r, err := s.Step(ctx, step, chains.Slice(lo, hi), state.Slice(lo, hi), next.Slice(lo, hi))
			if err != nil {
				return nil, err
			}
			if r.Done != (step == o.Steps-1) {
				return nil, fmt.Errorf("toy: step %d of %d says done = %v", step, o.Steps, r.Done)
			}
			take(lo, r.Status)
			for name, v := range r.Numbers {
				o.Numbers[name] = append(o.Numbers[name], v...)
			}
		}
		state, next = next, state
	}
	o.State = state
	return o, nil
}
