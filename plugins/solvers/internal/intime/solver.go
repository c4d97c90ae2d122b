package intime

import (
	"context"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Solver has the calls of contract.Solver (but for Describe and Configure), Misfitter, ForwardLinear and AdjointLinear. A
// plugin's solver embeds it and gives it its setup in Configure. Its zero value is ready for that.
type Solver struct {
	Name string // of the plugin, for errors
	kept calls.State[Setup]
}

// Use replaces the setup and forgets the observations; the memory of the one before is freed when no call uses it any more.
func (s *Solver) Use(c *Setup) {
	if before := s.kept.Configure(c, nil); before != nil {
		before.close()
	}
}

// state returns what Configure and Observe left; done gives the setup back.
func (s *Solver) state() (c *Setup, obs *calls.Observations, done func(), err error) {
	c, obs, err = s.kept.Take(s.Name, func(c *Setup) { c.use.RLock() })
	if err != nil {
		return nil, nil, nil, err
	}
	return c, obs, c.use.RUnlock, nil
}

// Forward implements contract.Solver: d (batch, data...), m (batch, model...). Statuses: what Judge says; DIVERGED where the data
// are not finite.
func (s *Solver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	c, _, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := c.CheckForward(m, d); err != nil {
		return nil, err
	}
	return c.each(ctx, m, 1, func(models *tensor.Tensor, items []int) ([]contract.Status, error) {
		out := c.Data.New(len(items))
		if err := c.forward(models, out); err != nil {
			return nil, err
		}
		var status []contract.Status
		for k, i := range items {
			if !out.Item(k).Finite() {
				status = contract.SetStatus(status, len(items), k, contract.Status{Code: contract.Diverged, Text: "the wavefield is not finite at the receivers"})
				continue
			}
			d.Item(i).CopyFrom(out.Item(k))
		}
		return status, nil
	})
}
