package run

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
)

// counting is a sampler whose chain c stands at hash(c, step) after a step, provided that it stood rightly before it. Calls
// take their time, each group another.
type counting struct {
	contract.Sampler
	fails    map[[2]int]error // {step, chain}
	diverges map[[2]int]bool
	wait     func(step, chain int)

	running, most atomic.Int64
	mu            sync.Mutex
	furthest      int
}

func at(chain, step int) float64 { return math.Sin(float64(1000*chain + step)) }

func (s *counting) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	n := s.running.Add(1)
	defer s.running.Add(-1)
	s.mu.Lock()
	s.furthest = max(s.furthest, step)
	s.mu.Unlock()
	for m := s.most.Load(); n > m && !s.most.CompareAndSwap(m, n); m = s.most.Load() {
	}
	if s.wait != nil {
		s.wait(step, chains.ID[0])
	}
	if err := ctx.Err(); err != nil {
		return contract.StepResult{}, err
	}
	in, out := state["latent"].Float64s(), next["latent"].Float64s()
	r := contract.StepResult{Numbers: map[string][]float64{"misfit": make([]float64, len(chains.ID))}}
	for i, id := range chains.ID {
		if err := s.fails[[2]int{step, id}]; err != nil {
			return r, err
		}
		if in[i] != at(id, step) {
			return r, fmt.Errorf("chain %d comes to step %d with %g, want %g", id, step, in[i], at(id, step))
		}
		out[i] = at(id, step+1)
		r.Numbers["misfit"][i] = float64(id)
		if s.diverges[[2]int{step, id}] {
			r.Status = contract.SetStatus(r.Status, len(chains.ID), i, contract.Status{Code: contract.Diverged, Text: "as told"})
		}
	}
	return r, nil
}

func lanesOf(t *testing.T, s *counting, n, group, steps int) *Chains {
	c := &experiment.Cell{}
	c.Chains.Chains, c.Chains.Group, c.Chains.OnDivergence = n, group, "drop"
	k := &cellRun{c: c}
	chains := &Chains{k: k, sampler: s, groups: k.groups(n), slots: make(chan struct{}, inFlight)}
	for i := range chains.states {
		chains.states[i] = contract.State{"latent": tensor.New(tensor.Float64, n)}
	}
	chains.st = &chainState{state: chains.states[0], total: steps}
	for id := range n {
		chains.st.state["latent"].Float64s()[id] = at(id, 0)
	}
	t.Cleanup(chains.Close)
	return chains
}

// check holds the state to what it is after that many steps, but for dropped chains: their step is given.
func check(t *testing.T, c *Chains, steps int, dropped map[int]int) {
	t.Helper()
	for id, v := range c.State()["latent"].Float64s() {
		s := steps
		if d, ok := dropped[id]; ok {
			s = min(s, d+1)
		}
		if v != at(id, s) {
			t.Errorf("after %d steps chain %d stands at %g, want %g", steps, id, v, at(id, s))
		}
	}
}

func TestLanes(t *testing.T) {
	for _, group := range []int{0, 1, 3, 40, 100} {
		t.Run(fmt.Sprint("groups of ", group), func(t *testing.T) {
			dropped := map[int]int{5: 3, 6: 3, 41: 0, 69: 9}
			s := &counting{diverges: map[[2]int]bool{}, wait: func(step, chain int) {
				time.Sleep(time.Duration((step*7+chain*13)%5) * 100 * time.Microsecond)
			}}
			for id, step := range dropped {
				s.diverges[[2]int{step, id}] = true
			}
			const n, steps = 70, 12
			c := lanesOf(t, s, n, group, steps)
			for step := range steps {
				numbers, err := c.Step(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				check(t, c, step+1, dropped)
				for id, v := range numbers["misfit"] {
					d, gone := dropped[id]
					if gone = gone && step > d; gone != math.IsNaN(v) || !gone && v != float64(id) {
						t.Errorf("step %d: chain %d reports %g", step, id, v)
					}
				}
				if s.mu.Lock(); s.furthest > step+ahead {
					t.Errorf("a group is at step %d when all have taken %d", s.furthest, step+1)
				}
				s.mu.Unlock()
			}
			if !c.Done() || len(c.Dropped()) != len(dropped) || !slices.IsSortedFunc(c.Dropped(), func(a, b ChainStatus) int { return a.Chain - b.Chain }) {
				t.Errorf("done %v, dropped %v", c.Done(), c.Dropped())
			}
			if most := int(s.most.Load()); most > inFlight || len(c.groups) > 1 && most < inFlight {
				t.Errorf("%d calls at once, want %d", most, inFlight)
			}
		})
	}
}

// After an error, and after an interruption, the state is that of the last step that all have taken, whatever the others
// have gone on to.
func TestLanesStop(t *testing.T) {
	broken := errors.New("broken")
	for name, s := range map[string]*counting{
		"error":        {fails: map[[2]int]error{{4, 50}: broken}},
		"interruption": {},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.wait = func(step, chain int) {
				if chain >= 32 && step == 4 { // the other group is ahead by now
					time.Sleep(20 * time.Millisecond)
					if name == "interruption" {
						cancel()
					}
				}
			}
			c := lanesOf(t, s, 64, 0, 12)
			for range 4 {
				if _, err := c.Step(ctx); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.Step(ctx)
			if want := map[string]error{"error": broken, "interruption": context.Canceled}[name]; !errors.Is(err, want) {
				t.Fatalf("step 4: %v, want %v", err, want)
			}
			check(t, c, 4, nil)
			c.Close()
			check(t, c, 4, nil)
			if s.running.Load() != 0 {
				t.Error("closed, and calls are under way")
			}
		})
	}
}
