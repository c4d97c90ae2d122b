package plugintest

import (
	"bytes"
	"math"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// stepsToTheEnd is how many steps a run may take for its end to be checked.
const stepsToTheEnd = 2000

func checkEnds(p *probe) {
	s := p.subject()
	su := p.suite.(*samplerSuite)
	c := p.chains(chainsChecked)
	state := su.state(s, c.Len())
	steps, _, err := s.sampler.Start(p.ctx, c, state)
	p.must(err, "Start")
	if steps < 0 {
		p.fatalf("Start announces %d steps", steps)
	}
	done, taken := false, 0
	var status []contract.Status
	for ; taken < min(steps, stepsToTheEnd) && !done; taken++ {
		next := su.state(s, c.Len())
		r, err := s.sampler.Step(p.ctx, taken, c, state, next)
		p.must(err, "Step %d of %d", taken, steps)
		status = contract.MergeStatus(status, r.Status)
		for name, v := range r.Numbers {
			if len(v) != c.Len() {
				p.fatalf("Step %d: number %q has %d values for %d chains", taken, name, len(v), c.Len())
			}
		}
		state, done = next, r.Done
	}
	for i := range c.Len() {
		if st := contract.StatusAt(status, i); st.Code != contract.OK {
			p.failf("chain %d on the reference problem: %v", i, st)
			continue
		}
		for k, v := range state["latent"].Item(i).AppendReals(nil) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				p.fatalf("chain %d: latent %d is %g after step %d, its status is OK", i, k, v, taken-1)
			}
		}
	}
	p.notef("%d steps announced, %d taken, done: %v", steps, taken, done)
}

// midway is the state of all chains after half of the compared steps.
func (p *probe) midway(s *subject) (c contract.Chains, t trace) {
	su := p.suite.(*samplerSuite)
	c = p.chains(chainsChecked)
	st, _, err := s.sampler.Start(p.ctx, c, su.state(s, c.Len()))
	p.must(err, "Start")
	if st == 0 {
		p.skipf("the sampler takes no steps")
	}
	t, err = su.sample(p, s, c, min(st, p.o.Steps)/2)
	p.must(err, "run")
	if t.done {
		p.skipf("the run is over after half of its steps")
	}
	return c, t
}

func checkPure(p *probe) {
	s := p.subject()
	su := p.suite.(*samplerSuite)
	c := p.chains(chainsChecked)
	a, b := su.state(s, c.Len()), su.state(s, c.Len())
	na, _, err := s.sampler.Start(p.ctx, c, a)
	p.must(err, "Start")
	nb, _, err := s.sampler.Start(p.ctx, c, b)
	p.must(err, "Start again")
	if na != nb {
		p.failf("Start announces %d steps, then %d", na, nb)
	}
	p.sameState(s, a, b, "Start, called twice")
	c, t := p.midway(s)
	state := contract.State{}
	was := contract.State{}
	for _, l := range s.conf.State {
		state[l.Name] = p.alloc(s, t.state[l.Name])
		was[l.Name] = t.state[l.Name].Clone()
	}
	_, err = s.sampler.Step(p.ctx, t.taken, c, state, a)
	p.must(err, "Step %d", t.taken)
	p.sameState(s, state, was, "the state that Step got, before and after: it")
	_, err = s.sampler.Step(p.ctx, t.taken, c, state, b)
	p.must(err, "Step %d again", t.taken)
	p.sameState(s, a, b, "Step, called twice")
}

func (p *probe) sameState(s *subject, a, b contract.State, what string) {
	for _, l := range s.conf.State {
		for i := range a[l.Name].Batch() {
			if !bytes.Equal(a[l.Name].Item(i).Data, b[l.Name].Item(i).Data) {
				p.failf("%s differs in %q of chain %d: %v and %v", what, l.Name, i,
					a[l.Name].Item(i).AppendReals(nil), b[l.Name].Item(i).AppendReals(nil))
				break
			}
		}
	}
}

func checkNoise(p *probe) {
	su := p.suite.(*samplerSuite)
	const n = 16
	run := func(s *subject) []float64 {
		c := p.chains(n)
		for i := range c.Observation { // one observation, so that ids alone differ
			c.Observation[i], c.NoiseStd[i] = 0, referenceTau[0]
		}
		t, err := su.sample(p, s, c, p.o.Steps)
		p.must(err, "run")
		return t.state["latent"].AppendReals(nil)
	}
	a := run(p.subject())
	b := run(p.fresh(func(c *contract.Config) { c.Seed++ }))
	distinct := map[[referenceDim]float64]bool{}
	for i := range n {
		distinct[[referenceDim]float64(a[i*referenceDim:])] = true
	}
	if len(distinct) == 1 {
		p.failf("%d chains with ids of their own ended at the same point %v", n, a[:referenceDim])
	}
	equal := true
	for i := range a {
		equal = equal && a[i] == b[i]
	}
	if equal {
		p.failf("another seed gave the same bits")
	}
	p.notef("%d chains at %d points", n, len(distinct))
}

func checkResume(p *probe) {
	su := p.suite.(*samplerSuite)
	s := p.subject()
	c, t := p.midway(s)
	next := func(s *subject) contract.State {
		state := t.state
		for k := t.taken; k < min(t.steps, t.taken+3); k++ {
			n := su.state(s, c.Len())
			r, err := s.sampler.Step(p.ctx, k, c, state, n)
			p.must(err, "Step %d", k)
			if state = n; r.Done {
				break
			}
		}
		return state
	}
	p.sameState(s, next(s), next(p.fresh(nil)), "going on in a fresh instance")
}

// harmed takes one step with chain 1's latent replaced by bad, and fails where another chain differs from one without.
func (p *probe) harmed(s *subject, bad float64) (contract.Status, contract.State) {
	su := p.suite.(*samplerSuite)
	c, t := p.midway(s)
	a, b := su.state(s, c.Len()), su.state(s, c.Len())
	ra, err := s.sampler.Step(p.ctx, t.taken, c, t.state, a)
	p.must(err, "Step")
	state := contract.State{}
	for name, v := range t.state {
		state[name] = v.Clone()
	}
	v := make([]float64, referenceDim)
	for i := range v {
		v[i] = bad
	}
	state["latent"].Item(1).SetReals(v)
	rb, err := s.sampler.Step(p.ctx, t.taken, c, state, b)
	p.must(err, "Step with a chain at %g", bad)
	for i := range c.Len() {
		if i == 1 {
			continue
		}
		if d := differ(outcome{s.tensors(a), ra.Status}, i, outcome{s.tensors(b), rb.Status}, i); d != "" {
			p.failf("chain %d beside a chain at %g: %s", i, bad, d)
		}
	}
	return contract.StatusAt(rb.Status, 1), b
}

func checkDiverged(p *probe) {
	s := p.subject()
	st, b := p.harmed(s, math.NaN())
	if st.Code == contract.OK {
		for _, v := range b["latent"].Item(1).AppendReals(nil) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				p.fatalf("a chain at NaN ends at %g with status OK", v)
			}
		}
		p.notef("the step does not depend on the latent vector")
		return
	}
	p.notef("%v", st)
}

func checkServiceStatus(p *probe) {
	su := p.suite.(*samplerSuite)
	if len(p.desc.Needs) == 0 {
		p.skipf("the sampler uses no service")
	}
	var refused atomic.Int64
	s := p.fresh(func(c *contract.Config) { c.Prior, c.Solvers = su.services(p, contract.Need{}, &refused) })
	st, _ := p.harmed(s, 10*tooFar)
	switch {
	case refused.Load() == 0:
		p.skipf("no service was asked about the chain that it would have refused")
	case st.Code == contract.OK:
		p.failf("a chain that a service refused has status OK")
	}
	p.notef("%v", st)
}

func checkSamplerShapes(p *probe) {
	s := p.subject()
	su := p.suite.(*samplerSuite)
	c := p.chains(2)
	run := p.operations(p, s, -1)[0]
	before := p.do(run, []int{0, 1})
	lacking := su.state(s, 2)
	delete(lacking, "latent")
	_, _, err := s.sampler.Start(p.ctx, c, lacking)
	p.want(err, contract.ErrShape, "Start with a state without latent")
	_, _, err = s.sampler.Start(p.ctx, c, su.state(s, 3))
	p.want(err, contract.ErrShape, "Start of 2 chains with a state of 3")
	longerState := su.state(s, 2)
	longerState["latent"] = tensor.New(tensor.Float64, 2, referenceDim+1)
	_, err = s.sampler.Step(p.ctx, 0, c, longerState, su.state(s, 2))
	p.want(err, contract.ErrShape, "Step of longer latent vectors")
	_, err = s.sampler.Step(p.ctx, 0, c, su.state(s, 2), su.state(s, 1))
	p.want(err, contract.ErrShape, "Step of 2 chains to a state of 1")
	p.same(run, before, []int{0, 1}, p.do(run, []int{0, 1}), "after refused calls")
}

// checkStart starts chains at given vectors, chain 1 at NaN.
func checkStart(p *probe) {
	if !p.desc.Has(contract.CapStart) {
		p.skipf("the sampler has no capability %s", contract.CapStart)
	}
	s := p.subject()
	su := p.suite.(*samplerSuite)
	starter := s.sampler.(contract.Starter)
	c := p.chains(3)
	x := tensor.New(tensor.Float64, 3, referenceDim)
	for i := range x.Float64s() {
		x.Float64s()[i] = 0.4 - 0.3*float64(i%referenceDim)
	}
	x.Item(1).Float64s()[0] = math.NaN()
	for i := range c.Observation { // the same chain but for its number
		c.Observation[i], c.NoiseStd[i] = 0, referenceTau[0]
	}
	state := su.state(s, 3)
	steps, status, err := starter.StartAt(p.ctx, c, x, state)
	p.must(err, "StartAt")
	for _, i := range []int{0, 2} {
		if st := contract.StatusAt(status, i); st.Code != contract.OK {
			p.failf("chain %d: %v", i, st)
		}
		for k, v := range state["latent"].Item(i).AppendReals(nil) {
			if want := x.Item(i).AppendReals(nil)[k]; math.Abs(v-want) > 1e-12 {
				p.failf("chain %d starts at %v, it was told %v", i, v, want)
			}
		}
	}
	if contract.StatusAt(status, 1).Code == contract.OK {
		p.failf("a chain that is to start at NaN has status OK")
	}
	alone := su.state(s, 1)
	_, _, err = starter.StartAt(p.ctx, pickChains(c, []int{2}), x.Slice(2, 3), alone)
	p.must(err, "StartAt of one chain")
	for _, l := range s.conf.State {
		if !bytes.Equal(alone[l.Name].Item(0).Data, state[l.Name].Item(2).Data) {
			p.failf("StartAt of one chain differs in %q from the same beside others", l.Name)
		}
	}
	_, _, err = starter.StartAt(p.ctx, c, tensor.New(tensor.Float64, 3, referenceDim+1), su.state(s, 3))
	p.want(err, contract.ErrShape, "StartAt of longer latent vectors")
	p.notef("%d steps", steps)
}
