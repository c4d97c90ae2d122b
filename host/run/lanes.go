package run

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/waveprior/waveprior/core/contract"
)

// tile is how many chains go through a prior's products together: a group of whole tiles wastes none of it.
const tile = 32

// inFlight is how many calls of the sampler are under way at once, and ahead how many steps a group may have taken beyond
// the last one that all have taken. A call of a plugin is a handful of wake-ups in which nothing is computed; what another
// group computes meanwhile fills them, but only where the groups do not wait for each other at every step. No result
// depends on either number, as none depends on the grouping.
const (
	inFlight = 2
	ahead    = 1
)

// groups splits n chains as the experiment asks, [lo, hi) each: by default into inFlight parts of whole tiles.
func (k *cellRun) groups(n int) [][2]int {
	size := k.c.Chains.Group
	if size == 0 {
		size = (n + inFlight*tile - 1) / (inFlight * tile) * tile
	}
	var g [][2]int
	for lo := 0; lo < n; lo += size {
		g = append(g, [2]int{lo, min(lo+size, n)})
	}
	return g
}

// lane is one group of chains on its way.
type lane struct {
	lo, hi  int
	alive   []int        // chains lo..hi-1 that are not dropped
	called  chan int     // the steps that Step was called for
	results chan outcome // of each step in turn; closed when no more will come
	reached atomic.Int64 // steps taken; forever once it takes no more by itself
}

// outcome is what became of a group in one step.
type outcome struct {
	chains []int // those that took it
	contract.StepResult
	err error
}

// launch sets the lanes off from the state as it is. They wait for Step.
func (c *Chains) launch(ctx context.Context) {
	c.states[0], c.first, c.begin = c.st.state, c.st.step, c.st.first
	ctx, c.end = context.WithCancel(ctx)
	gone := map[int]bool{}
	for _, d := range c.st.dropped {
		gone[d.Chain] = true
	}
	for _, g := range c.groups {
		l := &lane{lo: g[0], hi: g[1], called: make(chan int, ahead+1), results: make(chan outcome, ahead+1)}
		for id := l.lo; id < l.hi; id++ {
			if !gone[id] {
				l.alive = append(l.alive, id)
			}
		}
		c.lanes = append(c.lanes, l)
		first, total := c.st.step, c.st.total
		c.ended.Go(func() { c.travel(ctx, l, first, total) })
	}
}

// before is the state before a step.
func (c *Chains) before(step int) contract.State { return c.states[(step-c.first)%len(c.states)] }

// travel takes a group through its steps, up to ahead steps more than Step was called for; where the sampler said that the
// group is done, no more. The state that Step returned last is never written: it is what a checkpoint holds.
func (c *Chains) travel(ctx context.Context, l *lane, step, total int) {
	defer close(l.results)
	called := step - ahead - 1
	for done := false; step < total; step++ {
		for called < step-ahead || done && called < step {
			select {
			case called = <-l.called:
			case <-ctx.Done():
				return
			}
		}
		select {
		case c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		o := outcome{chains: l.alive}
		o.StepResult, o.err = c.stepGroup(ctx, l, step)
		<-c.slots
		l.results <- o
		if o.err != nil {
			l.reached.Store(math.MaxInt64)
			return
		}
		if done = o.Done; done {
			l.reached.Store(math.MaxInt64)
		} else {
			l.reached.Store(int64(step) + 1)
		}
		var alive []int
		for i, id := range l.alive {
			if contract.StatusAt(o.Status, i).Code == contract.OK {
				alive = append(alive, id)
			}
		}
		l.alive = alive
	}
}

// stepGroup takes the chains of one group that are alive one step on; a dropped one keeps its last state.
func (c *Chains) stepGroup(ctx context.Context, l *lane, step int) (contract.StepResult, error) {
	now, next := c.before(step), c.before(step+1)
	in, out := now.Slice(l.lo, l.hi), next.Slice(l.lo, l.hi)
	if len(l.alive) == l.hi-l.lo {
		return c.sampler.Step(ctx, step-c.begin, c.k.which(l.alive), in, out)
	}
	for name, t := range in {
		out[name].CopyFrom(t)
	}
	if len(l.alive) == 0 {
		return contract.StepResult{Done: true}, nil
	}
	in, out = gather(now, l.alive), gather(next, l.alive)
	r, err := c.sampler.Step(ctx, step-c.begin, c.k.which(l.alive), in, out)
	if err != nil {
		return r, err
	}
	for name, t := range out {
		for i, id := range l.alive {
			next[name].Item(id).CopyFrom(t.Item(i))
		}
	}
	return r, nil
}

// Settle waits until no group goes on before the next Step: for measuring.
func (c *Chains) Settle() {
	want := int64(min(c.st.step+ahead, c.st.total))
	for _, l := range c.lanes {
		for l.reached.Load() < want {
			time.Sleep(20 * time.Microsecond)
		}
	}
}

// Step takes all chains that are not dropped one step on, and records what the experiment asks for. It returns the sampler's
// numbers, one per chain, NaN for a dropped one. After an error the chains stand where they stood before the step, and can
// only be closed; too many chains dropped, by the experiment's on_divergence, is an error after the step.
//
// Groups that are done with the step go on with the next one meanwhile, until Close.
func (c *Chains) Step(ctx context.Context) (map[string][]float64, error) {
	if c.lanes == nil {
		c.launch(ctx)
	}
	st := c.st
	for _, l := range c.lanes {
		l.called <- st.step
	}
	outcomes := make([]outcome, len(c.lanes))
	for i, l := range c.lanes {
		o, ok := <-l.results
		if !ok { // a lane ends before its last step only where it is told to
			return nil, cmp.Or(ctx.Err(), context.Canceled)
		}
		if o.err != nil {
			return nil, o.err
		}
		outcomes[i] = o
	}
	n := c.k.chains()
	numbers := map[string][]float64{}
	st.done = true
	for _, o := range outcomes {
		for name, v := range o.Numbers {
			if len(v) != len(o.chains) {
				return nil, fmt.Errorf("sampler %s: step %d reports %d values of %q for %d chains: %w", c.k.c.Sampler.Ref.Name, st.step, len(v), name, len(o.chains), contract.ErrInternal)
			}
			if numbers[name] == nil {
				numbers[name] = nan(n)
			}
			for i, id := range o.chains {
				numbers[name][id] = v[i]
			}
		}
		for i, s := range o.Status {
			st.drop(o.chains[i], s, st.step)
		}
		st.done = st.done && o.Done
	}
	st.state = c.before(st.step + 1)
	stages := max(1, len(c.k.c.Stages))
	st.record(numbers, n, stages)
	st.snapshot(c.k.c.Chains.Snapshots, stages)
	st.step++
	return numbers, c.k.diverged(st)
}
