package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// CheckSampler runs the suite of samplers. The services are the closed-form reference problem: [ReferencePrior] and
// [ReferenceSolver], for those services that the sampler's needs name.
func CheckSampler(ctx context.Context, t Target, o Options) []Property {
	return run(ctx, &samplerSuite{}, t, o)
}

type samplerSuite struct {
	pattern atomic.Uint32
}

func (*samplerSuite) kind() contract.Kind { return contract.KindSampler }

func (*samplerSuite) prepare(*probe, *subject) {}

// chainsChecked is the number of chains whose runs are compared.
const chainsChecked = 6

// services makes the reference services, observed; lack is what is taken away from them.
func (su *samplerSuite) services(p *probe, lack contract.Need, fails *atomic.Int64) (*contract.PriorService, map[string]*contract.SolverService) {
	asked := map[string]bool{}
	for _, n := range p.desc.Needs {
		asked[n.Service] = true
	}
	var prior *contract.PriorService
	if asked["prior"] && !(lack.Service == "prior" && lack.Capability == "") {
		full := contract.LocalPrior(&ReferencePrior{Levels: p.o.Levels})
		conf, err := full.Configure(p.ctx, contract.Config{Options: json.RawMessage("{}")})
		p.must(err, "reference prior")
		d := full.Describe()
		if lack.Service == "prior" {
			full, d = without{FullPrior: full, gone: lack.Capability}, less(d, lack.Capability)
		}
		if fails != nil {
			full = failingPrior{full, fails}
		}
		prior = &contract.PriorService{Prior: full, Description: d, Configured: conf}
	}
	solvers := map[string]*contract.SolverService{}
	for _, name := range []string{"physics", "decoder"} {
		if !asked[name] || (lack.Service == name && lack.Capability == "") {
			continue
		}
		full := contract.LocalSolver(&ReferenceSolver{})
		conf, err := full.Configure(p.ctx, contract.Config{Options: json.RawMessage("{}")})
		p.must(err, "reference solver")
		p.must(full.Observe(p.ctx, tensor.FromFloat64s([]float64{0.3, -0.2, -0.4, 0.5}, 2, referenceData), referenceTau), "reference solver")
		d := full.Describe()
		if lack.Service == name {
			d = less(d, lack.Capability)
		}
		if fails != nil {
			full = failingSolver{full, fails}
		}
		solvers[name] = &contract.SolverService{Solver: full, Description: d, Configured: conf}
	}
	return prior, solvers
}

var referenceTau = []float64{0.5, 0.8}

// less is a description without a capability.
func less(d contract.Description, gone contract.Capability) contract.Description {
	var have []contract.Capability
	for _, c := range d.Capabilities {
		if c != gone {
			have = append(have, c)
		}
	}
	d.Capabilities = have
	return d
}

// without is a prior whose description lacks a capability.
type without struct {
	contract.FullPrior
	gone contract.Capability
}

func (w without) Describe() contract.Description { return less(w.FullPrior.Describe(), w.gone) }

// tooFar is the size of a latent vector that the failing services refuse.
const tooFar = 1e4

// refuse fails the items of x that lie too far out, and counts them.
func refuse(x *tensor.Tensor, st []contract.Status, count *atomic.Int64) []contract.Status {
	for i := range x.Batch() {
		for _, v := range x.Item(i).AppendReals(nil) {
			if v > tooFar || v < -tooFar {
				count.Add(1)
				st = contract.SetStatus(st, x.Batch(), i, contract.Status{Code: contract.Failed, Text: "refused by the check"})
				break
			}
		}
	}
	return st
}

type failingPrior struct {
	contract.FullPrior
	count *atomic.Int64
}

func (f failingPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	st, err := f.FullPrior.Denoise(ctx, x, level, x0)
	return refuse(x, st, f.count), err
}

type failingSolver struct {
	contract.FullSolver
	count *atomic.Int64
}

func (f failingSolver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	st, err := f.FullSolver.Misfit(ctx, m, which, phi, g)
	return refuse(m, st, f.count), err
}

func (f failingSolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	st, err := f.FullSolver.Forward(ctx, m, d)
	return refuse(m, st, f.count), err
}

func (su *samplerSuite) config(p *probe, resolved json.RawMessage) contract.Config {
	prior, solvers := su.services(p, contract.Need{}, nil)
	return contract.Config{Options: resolved, Seed: p.o.Seed, Device: p.o.Device, Threads: p.o.Threads, Prior: prior, Solvers: solvers}
}

// conditional tells whether the sampler's chains are conditioned on observations: it needs a solver.
func (p *probe) conditional() bool {
	for _, n := range p.desc.Needs {
		if n.Service != "prior" {
			return true
		}
	}
	return false
}

// chains returns n chains; number i has an id of its own and one of two observations.
func (p *probe) chains(n int) contract.Chains {
	c := contract.Chains{ID: make([]int, n)}
	for i := range n {
		c.ID[i] = 3 + 2*i
	}
	if p.conditional() {
		c.Observation, c.NoiseStd = make([]int, n), make([]float64, n)
		for i := range n {
			c.Observation[i] = i % 2
			c.NoiseStd[i] = referenceTau[i%2]
		}
	}
	return c
}

func pickChains(c contract.Chains, items []int) contract.Chains {
	s := contract.Chains{ID: pickInts(c.ID, items)}
	if c.Observation != nil {
		s.Observation = pickInts(c.Observation, items)
		for _, i := range items {
			s.NoiseStd = append(s.NoiseStd, c.NoiseStd[i])
		}
	}
	return s
}

// state allocates a soiled state for n chains.
func (su *samplerSuite) state(s *subject, n int) contract.State {
	st := contract.NewState(s.conf.State, n)
	pattern := byte(su.pattern.Add(1) * 37)
	for _, l := range s.conf.State {
		soil(st[l.Name], pattern)
	}
	return st
}

// tensors is a state in the order of the layout.
func (s *subject) tensors(st contract.State) []*tensor.Tensor {
	var out []*tensor.Tensor
	for _, l := range s.conf.State {
		out = append(out, st[l.Name])
	}
	return out
}

// trace is what a run of some chains left.
type trace struct {
	steps  int // announced
	taken  int
	done   bool
	state  contract.State
	status []contract.Status
}

// sample runs chains from Start, over at most limit steps.
func (su *samplerSuite) sample(p *probe, s *subject, c contract.Chains, limit int) (trace, error) {
	t := trace{state: su.state(s, c.Len())}
	var st []contract.Status
	var err error
	t.steps, st, err = s.sampler.Start(p.ctx, c, t.state)
	if err != nil {
		return t, fmt.Errorf("Start: %w", err)
	}
	t.status = contract.MergeStatus(t.status, st)
	for t.taken < min(t.steps, limit) && !t.done {
		next := su.state(s, c.Len())
		r, err := s.sampler.Step(p.ctx, t.taken, c, t.state, next)
		if err != nil {
			return t, fmt.Errorf("Step %d: %w", t.taken, err)
		}
		t.status = contract.MergeStatus(t.status, r.Status)
		t.state, t.done = next, r.Done
		t.taken++
	}
	return t, nil
}

// operations: whole runs, whose items are chains.
func (su *samplerSuite) operations(p *probe, s *subject, _ int) []operation {
	c := p.chains(chainsChecked)
	return []operation{{name: "run", n: chainsChecked, run: func(items []int) ([]*tensor.Tensor, []contract.Status, error) {
		t, err := su.sample(p, s, pickChains(c, items), p.o.Steps)
		if err != nil {
			return nil, nil, err
		}
		return s.tensors(t.state), t.status, nil
	}}}
}

func (su *samplerSuite) properties() []property {
	list := basics(func(p *probe, c *contract.Configured) { checkLayout(p, c) })
	list = append(list,
		property{"configure-first", "Calls before Configure are refused as such.", func(p *probe) {
			sh := p.subject()
			s := p.start()
			s.conf = sh.conf
			c := p.chains(1)
			_, _, err := s.sampler.Start(p.ctx, c, su.state(s, 1))
			p.want(err, contract.ErrNotConfigured, "Start before Configure")
			_, err = s.sampler.Step(p.ctx, 0, c, su.state(s, 1), su.state(s, 1))
			p.want(err, contract.ErrNotConfigured, "Step before Configure")
		}},
		property{"needs", "A service or capability that is missing is refused at Configure, as unsupported and by its name.", checkNeeds},
		property{"ends", "A run ends within the steps that Start announced, with finite latent vectors; numbers are one per chain.", checkEnds},
		property{"step-pure", "Start and Step can be repeated to the same bits; Step leaves the state that it got untouched.", checkPure},
		property{"noise", "Chains with other ids, and the same chain under another seed, are other chains.", checkNoise},
		property{"resume", "A fresh instance goes on from any step to the same bits.", checkResume},
		property{"start", "Chains start where they are told to, each for itself; from the same place they take the same way.", checkStart},
		property{"diverged-chain", "A chain that is not finite harms no other.", checkDiverged},
		property{"service-status", "A chain that a service refuses gets a status that is not OK, and harms no other.", checkServiceStatus},
		property{"shapes", "A state that lacks a tensor or has another shape is refused as such, and the sampler lives on.", checkSamplerShapes})
	for _, b := range bits() {
		if b.name == "nan-item" { // diverged-chain
			continue
		}
		if b.name == "item-bits" {
			b.name, b.doc = "chain-bits", "A chain's result has the same bits alone, in another order, in other groups and beside itself."
		}
		list = append(list, b)
	}
	return append(list, memoryFlat(200))
}

func checkLayout(p *probe, c *contract.Configured) {
	seen := map[string]bool{}
	for _, l := range c.State {
		if seen[l.Name] {
			p.failf("the state has %q twice", l.Name)
		}
		seen[l.Name] = true
		if l.DType.Size() == 0 {
			p.failf("state %q has %v", l.Name, l.DType)
		}
		if _, err := tensor.Elements(l.Shape); err != nil {
			p.failf("state %q: %v", l.Name, err)
		}
		if l.Name == "latent" || l.Name == "x0" {
			if fmt.Sprint(l.Shape) != fmt.Sprint([]int{referenceDim}) || l.DType != tensor.Float64 {
				p.failf("state %q is %v %v, the latent space is float64 [%d]", l.Name, l.DType, l.Shape, referenceDim)
			}
		}
	}
	if !seen["latent"] {
		p.failf("the state has no %q (what the prior's level applies to)", "latent")
	}
	p.notef("%d tensors", len(c.State))
}

// applies are the needs that hold under the options of this check.
func (p *probe) applies(resolved json.RawMessage) []contract.Need {
	tree, err := config.ParseJSON(resolved)
	p.must(err, "options")
	var list []contract.Need
	for _, n := range p.desc.Needs {
		if n.Option == "" || fmt.Sprint(tree[n.Option]) == n.Value {
			list = append(list, n)
		}
	}
	return list
}

func checkNeeds(p *probe) {
	p.subject()
	su := p.suite.(*samplerSuite)
	resolved, err := p.resolved()
	p.must(err, "options")
	needs := p.applies(resolved)
	if len(needs) == 0 {
		p.skipf("the sampler names no needs")
	}
	seen := map[string]bool{}
	for _, n := range needs {
		if !seen[n.Service] {
			seen[n.Service] = true
			needs = append(needs, contract.Need{Service: n.Service})
		}
	}
	for _, n := range needs {
		s := p.start()
		err := p.configure(s, func(c *contract.Config) { c.Prior, c.Solvers = su.services(p, n, nil) })
		what, name := fmt.Sprintf("Configure without %s capability %s", n.Service, n.Capability), string(n.Capability)
		if n.Capability == "" {
			what, name = "Configure without a "+n.Service+" service", n.Service
		}
		p.want(err, contract.ErrUnsupported, "%s", what)
		if err != nil && !strings.Contains(err.Error(), name) {
			p.failf("%s: the error does not name %s: %v", what, name, err)
		}
		s.inst.Close()
	}
}
