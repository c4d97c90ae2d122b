package run

import (
	"context"
	"fmt"
	"sort"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// Chains are the chains of a cell on their way through the sample stage: the configured sampler and its state in the run's
// memory, and the lanes in which groups of chains travel.
type Chains struct {
	k       *cellRun
	sampler contract.Sampler
	layout  []contract.StateTensor
	groups  [][2]int
	st      *chainState
	states  [ahead + 2]contract.State // in turn the state before a step, after it, after the one that a lane is ahead
	release []func()

	lanes []*lane // nil before the first step
	first int     // step that lies in states[0]
	begin int     // step at which the stage of sampling began: the sampler's step 0
	slots chan struct{}
	end   context.CancelFunc
	ended sync.WaitGroup
}

// StartChains carries a cell out as far as its sample stage and starts the chains: stages before it that are in the cache are
// taken from there, nothing of the sample stage is read or written. It is for looking at single steps and what they cost; of
// [[sampler.stages]] they are the first.
// The caller must Close the chains. Errors: those of the stages; contract.ErrInvalidOption for a cell without a sampler.
func StartChains(ctx context.Context, o Options, c *experiment.Cell) (*Chains, error) {
	if c.Sampler == nil {
		return nil, fmt.Errorf("cell %q has no sampler: %w", c.Label, contract.ErrInvalidOption)
	}
	k := &cellRun{runner: &runner{Options: o, sums: map[session.Ref]string{}}, c: c, out: newResult(c)}
	for _, step := range []func(context.Context) error{k.configureSolver, k.data, k.train, k.truthKeys, k.configurePrior, k.observe} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	chains, err := k.newChains(ctx, 0)
	if err != nil {
		return nil, err
	}
	if chains, err = k.startChains(ctx, chains); err != nil {
		chains.Close()
		return nil, err
	}
	return chains, nil
}

// newChains configures the sampler for a stage of sampling and makes room for the state, zeroed.
func (k *cellRun) newChains(ctx context.Context, stage int) (*Chains, error) {
	s, conf, err := k.sampler(ctx, stage)
	if err != nil {
		return nil, err
	}
	n := k.chains()
	c := &Chains{k: k, sampler: s, layout: conf.State, groups: k.groups(n), slots: make(chan struct{}, inFlight)}
	for i := range c.states {
		c.states[i] = contract.State{}
		for _, t := range conf.State {
			x, free, err := k.Session.Alloc(t.DType, append([]int{n}, t.Shape...)...)
			if err != nil {
				c.Close()
				return nil, err
			}
			x.Zero()
			c.release = append(c.release, free)
			c.states[i][t.Name] = x
		}
	}
	c.st = &chainState{state: c.states[0], stage: stage}
	return c, nil
}

// Close ends what is still under way and gives the memory of the state back.
func (c *Chains) Close() {
	if c.end != nil {
		c.end()
	}
	c.ended.Wait()
	for _, f := range c.release {
		f()
	}
	c.release = nil
}

// Done reports whether the sampler has taken its last step.
func (c *Chains) Done() bool { return c.st.done || c.st.step >= c.st.total }

// Groups is how many calls of the sampler a step takes.
func (c *Chains) Groups() int { return len(c.groups) }

// State is the chains' state, (chains, ...) each. It is the run's: do not change it, and copy what must outlive the next step.
func (c *Chains) State() contract.State { return c.st.state }

// Dropped returns the chains that failed so far, in order.
func (c *Chains) Dropped() []ChainStatus { return c.st.dropped }

// load takes the chains' state from a checkpoint, if there is one.
func (c *Chains) load(path string) (bool, error) {
	st, err := c.k.loadCheckpoint(path, contract.Configured{State: c.layout}, c.k.chains())
	if st == nil || err != nil {
		return false, err
	}
	for name, t := range st.state {
		c.st.state[name].CopyFrom(t)
	}
	st.state = c.st.state
	*c.st = *st
	return true, nil
}

// start lets the sampler fill the state, with the chains at the latent vectors at (chains, latent...) unless it is nil.
func (c *Chains) start(ctx context.Context, at *tensor.Tensor) error {
	for _, g := range c.groups {
		which, state := c.k.which(ids(g[0], g[1])), c.st.state.Slice(g[0], g[1])
		var total int
		var status []contract.Status
		var err error
		if starter, ok := c.sampler.(contract.Starter); at != nil && !ok {
			err = contract.Unsupported(c.sampler.Describe(), contract.CapStart)
		} else if at == nil {
			total, status, err = c.sampler.Start(ctx, which, state)
		} else {
			total, status, err = starter.StartAt(ctx, which, at.Slice(g[0], g[1]), state)
		}
		if err != nil {
			return err
		}
		c.st.total = c.st.first + total
		for i := range status {
			c.st.drop(g[0]+i, status[i], c.st.first-1)
		}
	}
	c.st.began = append(c.st.began, c.st.first)
	return c.k.diverged(c.st)
}

func ids(lo, hi int) []int {
	v := make([]int, hi-lo)
	for i := range v {
		v[i] = lo + i
	}
	return v
}

// gather copies some chains.
func gather(s contract.State, chains []int) contract.State {
	out := contract.State{}
	for name, t := range s {
		c := tensor.New(t.DType, append([]int{len(chains)}, t.Shape[1:]...)...)
		for i, j := range chains {
			c.Item(i).CopyFrom(t.Item(j))
		}
		out[name] = c
	}
	return out
}

func (st *chainState) drop(chain int, s contract.Status, step int) {
	if s.Code == contract.OK {
		return
	}
	i := sort.Search(len(st.dropped), func(i int) bool { return st.dropped[i].Chain >= chain })
	if i < len(st.dropped) && st.dropped[i].Chain == chain {
		return
	}
	st.dropped = append(st.dropped, ChainStatus{})
	copy(st.dropped[i+1:], st.dropped[i:])
	st.dropped[i] = ChainStatus{Chain: chain, Code: s.Code.String(), Text: s.Text, Step: step}
}

// diverged decides, by the experiment's on_divergence, whether dropped chains end the run.
func (k *cellRun) diverged(st *chainState) error {
	n := k.chains()
	if len(st.dropped) == 0 || k.c.Chains.OnDivergence == "drop" && len(st.dropped) < n {
		return nil
	}
	d := st.dropped[0]
	what := "on_divergence = \"stop\""
	if len(st.dropped) == n {
		what = "no chain is left"
	}
	return fmt.Errorf("%d of %d chains failed (%s); the first: chain %d, %s at step %d: %s", len(st.dropped), n, what, d.Chain, d.Code, d.Step, d.Text)
}
