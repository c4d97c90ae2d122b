package run

import (
	"context"
	"fmt"
	"sort"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// Chains are the chains of a cell on their way through the sample stage: the configured sampler and its state, twice, in the
// run's memory.
type Chains struct {
	k       *cellRun
	sampler contract.Sampler
	state   []contract.StateTensor
	groups  [][2]int
	st      *chainState
	next    contract.State // where the next step goes
	release []func()
}

// StartChains carries a cell out as far as its sample stage and starts the chains: stages before it that are in the cache are
// taken from there, nothing of the sample stage is read or written. It is for looking at single steps and what they cost.
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
	chains, err := k.newChains(ctx)
	if err != nil {
		return nil, err
	}
	if err := chains.start(ctx); err != nil {
		chains.Close()
		return nil, err
	}
	return chains, nil
}

// newChains configures the sampler and makes room for the state, zeroed.
func (k *cellRun) newChains(ctx context.Context) (*Chains, error) {
	s, conf, err := k.sampler(ctx)
	if err != nil {
		return nil, err
	}
	n := k.chains()
	c := &Chains{k: k, sampler: s, state: conf.State, groups: k.groups(n), st: &chainState{state: contract.State{}}, next: contract.State{}}
	for _, state := range []contract.State{c.st.state, c.next} {
		for _, t := range conf.State {
			x, free, err := k.Session.Alloc(t.DType, append([]int{n}, t.Shape...)...)
			if err != nil {
				c.Close()
				return nil, err
			}
			x.Zero()
			c.release = append(c.release, free)
			state[t.Name] = x
		}
	}
	return c, nil
}

// Close gives the memory of the state back.
func (c *Chains) Close() {
	for _, f := range c.release {
		f()
	}
	c.release = nil
}

// Done reports whether the sampler has taken its last step.
func (c *Chains) Done() bool { return c.st.done || c.st.step >= c.st.total }

// State is the chains' state, (chains, ...) each. It is the run's: do not change it, and copy what must outlive the next step.
func (c *Chains) State() contract.State { return c.st.state }

// Dropped returns the chains that failed so far, in order.
func (c *Chains) Dropped() []ChainStatus { return c.st.dropped }

// load takes the chains' state from a checkpoint, if there is one.
func (c *Chains) load(path string) (bool, error) {
	st, err := c.k.loadCheckpoint(path, contract.Configured{State: c.state}, c.k.chains())
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

// start lets the sampler fill the state.
func (c *Chains) start(ctx context.Context) error {
	for _, g := range c.groups {
		total, status, err := c.sampler.Start(ctx, c.k.which(ids(g[0], g[1])), c.st.state.Slice(g[0], g[1]))
		if err != nil {
			return err
		}
		c.st.total = total
		for i := range status {
			c.st.drop(g[0]+i, status[i], -1)
		}
	}
	return c.k.diverged(c.st)
}

// Step takes all chains that are not dropped one step on, and records what the experiment asks for. It returns the sampler's
// numbers, one per chain, NaN for a dropped one. Too many chains dropped, by the experiment's on_divergence, is an error.
func (c *Chains) Step(ctx context.Context) (map[string][]float64, error) {
	st := c.st
	numbers, err := c.k.step(ctx, c.sampler, st, c.next, c.groups)
	if err != nil {
		return nil, err
	}
	st.state, c.next = c.next, st.state
	st.record(numbers, c.k.chains())
	st.snapshot(c.k.c.Chains.Snapshots)
	st.step++
	return numbers, c.k.diverged(st)
}

func ids(lo, hi int) []int {
	v := make([]int, hi-lo)
	for i := range v {
		v[i] = lo + i
	}
	return v
}

// groups splits n chains as the experiment asks: [lo, hi) each.
func (k *cellRun) groups(n int) [][2]int {
	size := k.c.Chains.Group
	if size == 0 {
		size = n
	}
	var g [][2]int
	for lo := 0; lo < n; lo += size {
		g = append(g, [2]int{lo, min(lo+size, n)})
	}
	return g
}

// step takes all chains that are not dropped one step on. Numbers are per chain, NaN for a dropped one.
func (k *cellRun) step(ctx context.Context, s contract.Sampler, st *chainState, next contract.State, groups [][2]int) (map[string][]float64, error) {
	n := k.chains()
	numbers := map[string][]float64{}
	gone := map[int]bool{}
	for _, d := range st.dropped {
		gone[d.Chain] = true
	}
	done := true
	for _, g := range groups {
		var alive []int
		for c := g[0]; c < g[1]; c++ {
			if !gone[c] {
				alive = append(alive, c)
			}
		}
		if len(alive) < g[1]-g[0] { // a dropped chain keeps its last state
			for name, t := range st.state {
				next[name].Slice(g[0], g[1]).CopyFrom(t.Slice(g[0], g[1]))
			}
		}
		if len(alive) == 0 {
			continue
		}
		in, out := st.state.Slice(g[0], g[1]), next.Slice(g[0], g[1])
		if len(alive) < g[1]-g[0] {
			in, out = gather(st.state, alive), gather(next, alive)
		}
		r, err := s.Step(ctx, st.step, k.which(alive), in, out)
		if err != nil {
			return nil, err
		}
		if len(alive) < g[1]-g[0] {
			for name, t := range out {
				for i, c := range alive {
					next[name].Item(c).CopyFrom(t.Item(i))
				}
			}
		}
		for name, v := range r.Numbers {
			if len(v) != len(alive) {
				return nil, fmt.Errorf("sampler %s: step %d reports %d values of %q for %d chains: %w", k.c.Sampler.Ref.Name, st.step, len(v), name, len(alive), contract.ErrInternal)
			}
			if numbers[name] == nil {
				numbers[name] = nan(n)
			}
			for i, c := range alive {
				numbers[name][c] = v[i]
			}
		}
		for i := range r.Status {
			st.drop(alive[i], r.Status[i], st.step)
		}
		done = done && r.Done
	}
	st.done = done
	return numbers, nil
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
