package calls

import (
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
)

// State is what Configure and Observe left: a configuration C, which nothing changes afterwards, and observations. Its zero
// value is a solver before Configure. Calls take both at their start and go on with them whatever happens meanwhile. Safe for
// concurrent use.
type State[C any] struct {
	mu  sync.RWMutex
	cfg *C
	obs *Observations
}

// Configure replaces the configuration, forgets the observations, and returns what was there before, nil at first.
// Taking, where it is not nil, is called with that while no Take can be under way.
func (s *State[C]) Configure(c *C, taking func(before *C)) (before *C) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before = s.cfg
	if taking != nil {
		taking(before)
	}
	s.cfg, s.obs = c, nil
	return before
}

// Take returns what Configure and Observe left; obs is nil before Observe. hold, where it is not nil, is called with the
// configuration before another one can take its place. Error: ErrNotConfigured, with the solver's name.
func (s *State[C]) Take(solver string, hold func(c *C)) (c *C, obs *Observations, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.cfg == nil {
		return nil, nil, fmt.Errorf("solver %s: call Configure first: %w", solver, contract.ErrNotConfigured)
	}
	if hold != nil {
		hold(s.cfg)
	}
	return s.cfg, s.obs, nil
}

// View calls f with the configuration, nil before Configure; another one cannot take its place meanwhile.
func (s *State[C]) View(f func(c *C)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f(s.cfg)
}

// Observe replaces the observations, which c judged. Error: ErrNotConfigured where c is no longer the configuration.
func (s *State[C]) Observe(solver string, c *C, obs *Observations) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg != c {
		return fmt.Errorf("solver %s: configured anew during Observe: %w", solver, contract.ErrNotConfigured)
	}
	s.obs = obs
	return nil
}
