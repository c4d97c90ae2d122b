package acoustic

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear.
type Solver struct{ kept calls.State[setup] }

// New returns a solver that waits for Configure.
func New() *Solver { return new(Solver) }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (s *Solver) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindSolver,
		Name:     "acoustic",
		Version:  "0.1.0",
		Numerics: "2",
		Doc: "Acoustic waves of constant density in time, two dimensions: point sources with a wavelet, data the pressure at the " +
			"receivers, model the velocity vp in m/s. Second order in time, order 2 to 8 in space, C-PML and a free surface, or " +
			"the scheme of the OpenFWI data sets.",
		Options: table,
	}
}

// Configure implements contract.Plugin. It forgets earlier observations. Errors: ErrInvalidOption; ErrUnsupported for a
// device other than the CPU.
func (s *Solver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	if c.Device != "" && c.Device != "cpu" {
		return contract.Configured{}, fmt.Errorf("solver acoustic: device %q (allowed: cpu): %w", c.Device, contract.ErrUnsupported)
	}
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("solver acoustic: %w: %w", contract.ErrInvalidOption, err)
	}
	cfg, err := newSetup(&o, c.Threads)
	if err != nil {
		return contract.Configured{}, err
	}
	if before := s.kept.Configure(cfg, nil); before != nil {
		before.close()
	}
	model, data, scheme := cfg.Model, cfg.Data, cfg.scheme
	return contract.Configured{Model: &model, Data: &data, Scheme: &scheme}, nil
}

// state returns what Configure and Observe left; done gives the setup back.
func (s *Solver) state() (c *setup, obs *calls.Observations, done func(), err error) {
	c, obs, err = s.kept.Take("acoustic", func(c *setup) { c.use.RLock() })
	if err != nil {
		return nil, nil, nil, err
	}
	return c, obs, c.use.RUnlock, nil
}

// Forward implements contract.Solver: d (batch, 1, ns, nt, nr) = p at the receivers, m (batch, 1, nz, nx) in m/s. Statuses:
// OUT_OF_BOUNDS for a model that is not finite or not above 0; UNSTABLE for one too fast for the time step or too slow for
// the grid; DIVERGED where the data are not finite.
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
