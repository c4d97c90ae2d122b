package compose_test

import (
	"context"
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// The doubles are small closed forms; they check what they are given as a plugin would.

const (
	nLatent = 3
	nModel  = 4 // 2 x 2
	nFine   = 9 // 3 x 3
	nDatum  = 6 // 2 shots x 3 receivers, complex
)

var (
	latentSpace = space.Space{Name: "latent", DType: tensor.Float64, Axes: []space.Axis{{Name: "coordinate", Size: nLatent}},
		Quantities: []space.Quantity{{Name: "latent", Unit: "1"}}}
	coarse     = modelSpace(2, 10, "vp", "m/s")
	fine       = modelSpace(3, 5, "squared_slowness", "s2/km2")
	solverData = space.Space{Name: "data", DType: tensor.Complex128, Axes: []space.Axis{{Name: "shot", Size: 2}, {Name: "receiver", Size: 3}},
		Quantities: []space.Quantity{{Name: "pressure", Unit: "Pa"}}}
)

func modelSpace(n int, step float64, name, unit string) space.Space {
	return space.Space{Name: "model", DType: tensor.Float64, Quantities: []space.Quantity{{Name: name, Unit: unit}},
		Axes: []space.Axis{{Name: "z", Unit: "m", Size: n, Step: step}, {Name: "x", Unit: "m", Size: n, Step: step}}}
}

// coefficient is a fixed irregular number in (-1, 1).
func coefficient(i, j int) float64 { return math.Sin(1 + 2.3*float64(i) + 0.7*float64(j*j)) }

// prior decodes z to vp_i = 2000 + 300 sum_j a_ij sinh(z_j) and to data d_i = c_i + sum_j a_ij z_j^2. An item with z_0 > 5
// diverges.
type prior struct{ calls *int }

func (prior) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "sinh", Version: "1", Numerics: "1"}
}

func (prior) Configure(context.Context, contract.Config) (contract.Configured, error) {
	return contract.Configured{Latent: &latentSpace, Model: &coarse, Data: &solverData}, nil
}

func (p prior) status(z *tensor.Tensor) (st []contract.Status) {
	*p.calls++
	for i := range z.Batch() {
		if z.Item(i).Float64s()[0] > 5 {
			st = contract.SetStatus(st, z.Batch(), i, contract.Status{Code: contract.Diverged, Text: "z_0 > 5"})
		}
	}
	return st
}

func (p prior) Decode(_ context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	for b := range z.Batch() {
		v := z.Item(b).Float64s()
		if model != nil {
			for i, m := 0, model.Item(b).Float64s(); i < nModel; i++ {
				m[i] = 2000
				for j := range v {
					m[i] += 300 * coefficient(i, j) * math.Sinh(v[j])
				}
			}
		}
		if data != nil {
			for i, d := 0, data.Item(b).Complex128s(); i < nDatum; i++ {
				d[i] = complex(1, coefficient(i, 9))
				for j := range v {
					d[i] += complex(coefficient(i, j), coefficient(j, i)) * complex(v[j]*v[j], 0)
				}
			}
		}
	}
	return p.status(z), nil
}

func (p prior) DecodeJVP(_ context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	for b := range z.Batch() {
		v := z.Item(b).Float64s()
		for k := range dz.Shape[1] {
			u := pickSet(dz, b).Item(k).Float64s()
			if dModel != nil {
				for i, m := 0, dModel.Item(b).Item(k).Float64s(); i < nModel; i++ {
					m[i] = 0
					for j := range v {
						m[i] += 300 * coefficient(i, j) * math.Cosh(v[j]) * u[j]
					}
				}
			}
			if dData != nil {
				for i, d := 0, dData.Item(b).Item(k).Complex128s(); i < nDatum; i++ {
					d[i] = 0
					for j := range v {
						d[i] += complex(coefficient(i, j), coefficient(j, i)) * complex(2*v[j]*u[j], 0)
					}
				}
			}
		}
	}
	return p.status(z), nil
}

func (p prior) DecodeVJP(_ context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	for b := range z.Batch() {
		v := z.Item(b).Float64s()
		for k := range dz.Shape[1] {
			for j, g := 0, dz.Item(b).Item(k).Float64s(); j < nLatent; j++ {
				g[j] = 0
				if wModel != nil {
					for i, w := range pickSet(wModel, b).Item(k).Float64s() {
						g[j] += 300 * coefficient(i, j) * math.Cosh(v[j]) * w
					}
				}
				if wData != nil {
					for i, w := range pickSet(wData, b).Item(k).Complex128s() {
						g[j] += 2 * v[j] * (coefficient(i, j)*real(w) + coefficient(j, i)*imag(w))
					}
				}
			}
		}
	}
	return p.status(z), nil
}

// pickSet returns the directions of item b: its own, or those for all.
func pickSet(t *tensor.Tensor, b int) *tensor.Tensor {
	if t.Shape[0] == 1 {
		return t.Item(0)
	}
	return t.Item(b)
}

// decodeOnly is the prior without derivatives.
type decodeOnly struct{ p prior }

func (d decodeOnly) Describe() contract.Description { return d.p.Describe() }
func (d decodeOnly) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return d.p.Configure(ctx, c)
}
func (d decodeOnly) Decode(ctx context.Context, z, m, data *tensor.Tensor) ([]contract.Status, error) {
	return d.p.Decode(ctx, z, m, data)
}

// solver is d_i = sum_j e_ij (m_j + m_j^3), e complex. An item with a value above 3 is unstable. It fails the test on values
// that only an item that failed before can have.
type solver struct {
	t     *testing.T
	obs   *tensor.Tensor
	tau   []float64
	seen  int   // items
	fails error // of every call
}

func (*solver) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "cubic", Version: "2", Numerics: "3"}
}

func (*solver) Configure(context.Context, contract.Config) (contract.Configured, error) {
	return contract.Configured{Model: &fine, Data: &solverData}, nil
}

func entry(i, j int) complex128 { return complex(coefficient(i, j), coefficient(i+7, j)) }

func (s *solver) status(m *tensor.Tensor) (st []contract.Status) {
	s.seen += m.Batch()
	for b := range m.Batch() {
		for _, v := range m.Item(b).Float64s() {
			if !(v > 0) {
				s.t.Errorf("the solver gets m = %v", v)
			}
			if v > 3 {
				st = contract.SetStatus(st, m.Batch(), b, contract.Status{Code: contract.Unstable, Text: "m > 3"})
			}
		}
	}
	return st
}

func (s *solver) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	for b := range m.Batch() {
		for i, y := 0, d.Item(b).Complex128s(); i < nDatum; i++ {
			y[i] = 0
			for j, v := range m.Item(b).Float64s() {
				y[i] += entry(i, j) * complex(v+v*v*v, 0)
			}
		}
	}
	return s.status(m), s.fails
}

func (s *solver) Observe(_ context.Context, d *tensor.Tensor, tau []float64) error {
	s.obs, s.tau = d.Clone(), append([]float64(nil), tau...)
	return nil
}

func (s *solver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	n := m.Batch()
	d, r := solverData.New(n), tensor.New(tensor.Complex128, n, 1, 2, 3)
	if _, err := s.Forward(ctx, m, d); err != nil {
		return nil, err
	}
	for b := range n {
		phi[b] = 0
		o, tau := s.obs.Item(which[b]).Complex128s(), s.tau[which[b]]
		for i, v := range d.Item(b).Complex128s() {
			e := v - o[i]
			phi[b] += 0.5 * (real(e)*real(e) + imag(e)*imag(e)) / (tau * tau)
			r.Item(b).Complex128s()[i] = e / complex(tau*tau, 0)
		}
	}
	if g == nil {
		return s.status(m), nil
	}
	return s.VJP(ctx, m, r, g.Reshape(n, 1, 3, 3))
}

func (s *solver) JVP(_ context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	for b := range m.Batch() {
		for k := range dm.Shape[1] {
			u := pickSet(dm, b).Item(k).Float64s()
			for i, y := 0, dd.Item(b).Item(k).Complex128s(); i < nDatum; i++ {
				y[i] = 0
				for j, v := range m.Item(b).Float64s() {
					y[i] += entry(i, j) * complex((1+3*v*v)*u[j], 0)
				}
			}
		}
	}
	return s.status(m), s.fails
}

func (s *solver) VJP(_ context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	for b := range m.Batch() {
		for k := range w.Shape[1] {
			u := pickSet(w, b).Item(k).Complex128s()
			for j, v := range m.Item(b).Float64s() {
				sum := 0.0
				for i := range u {
					sum += real(entry(i, j))*real(u[i]) + imag(entry(i, j))*imag(u[i])
				}
				dm.Item(b).Item(k).Float64s()[j] = (1 + 3*v*v) * sum
			}
		}
	}
	return s.status(m), s.fails
}

// forwardOnly is the solver without misfit and derivatives.
type forwardOnly struct{ s *solver }

func (f forwardOnly) Describe() contract.Description { return f.s.Describe() }
func (f forwardOnly) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return f.s.Configure(ctx, c)
}
func (f forwardOnly) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	return f.s.Forward(ctx, m, d)
}

func priorService(t *testing.T, p contract.Prior) *contract.PriorService {
	t.Helper()
	f := contract.LocalPrior(p)
	c, err := f.Configure(t.Context(), contract.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &contract.PriorService{Prior: f, Description: f.Describe(), Configured: c}
}

func solverService(t *testing.T, s contract.Solver) *contract.SolverService {
	t.Helper()
	f := contract.LocalSolver(s)
	c, err := f.Configure(t.Context(), contract.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &contract.SolverService{Solver: f, Description: f.Describe(), Configured: c}
}

// problem is a composition with its parts at hand.
type problem struct {
	*compose.Problem
	solver *solver
	alloc  *counter
}

// problems are the compositions under test.
func problems(t *testing.T) map[string]func() problem {
	t.Helper()
	must := func(a *space.Adapter, err error) *space.Adapter {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	between := must(space.Between(coarse, fine))
	fromVP := must(space.Between(modelSpace(3, 5, "vp", "m/s"), fine))
	receivers := must(space.Select(solverData, "receiver", []int{2, 0}))
	curved := must(space.Chain(receivers, must(space.SignedLog(*receivers.Out(), 0.5))))
	none := func() *contract.PriorService { return nil }
	sinh := func() *contract.PriorService { return priorService(t, prior{new(int)}) }
	physics := func(p func() *contract.PriorService, model, data *space.Adapter) func() problem {
		return func() problem {
			t.Helper()
			s, c := &solver{t: t}, &counter{failAt: -1}
			q, err := compose.Physics(compose.Parts{Prior: p(), Model: model, Solver: solverService(t, s), Data: data, Alloc: c.alloc})
			if err != nil {
				t.Fatal(err)
			}
			return problem{q, s, c}
		}
	}
	decoder := func(data *space.Adapter) func() problem {
		return func() problem {
			t.Helper()
			c := &counter{failAt: -1}
			q, err := compose.Decoder(compose.Parts{Prior: sinh(), Data: data, Alloc: c.alloc})
			if err != nil {
				t.Fatal(err)
			}
			return problem{q, nil, c}
		}
	}
	return map[string]func() problem{
		"solver":                         physics(none, nil, nil),
		"solver, identities":             physics(none, space.Identity(fine), space.Identity(solverData)),
		"adapter, solver":                physics(none, fromVP, nil),
		"adapter, solver, selection":     physics(none, fromVP, receivers),
		"prior, adapter, solver":         physics(sinh, between, nil),
		"prior, adapter, solver, log":    physics(sinh, between, curved),
		"prior, adapter, solver, to cut": physics(sinh, between, receivers),
		"decoder":                        decoder(nil),
		"decoder, log of some receivers": decoder(curved),
	}
}

// counter counts what it gave and got back, and fails at one allocation.
type counter struct {
	given, back, failAt int
	twice               bool
}

func (c *counter) alloc(dt tensor.DType, shape ...int) (*tensor.Tensor, func(), error) {
	if c.given == c.failAt {
		return nil, nil, contract.ErrOutOfMemory
	}
	c.given++
	t, _, err := compose.Heap(dt, shape...)
	for i := range t.Data {
		t.Data[i] = 0xff // NaN: nothing may rely on zeros
	}
	done := false
	return t, func() {
		c.twice = c.twice || done
		done = true
		c.back++
		for i := range t.Data {
			t.Data[i] = 0xff // nothing may look at it afterwards
		}
	}, err
}
