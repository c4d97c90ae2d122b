package acoustic

import (
	"context"
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear, on the CPU or on a GPU.
type Solver struct {
	cuda.Meter
	mu  sync.RWMutex
	cfg *setup        // nil before Configure
	obs *observations // nil before Observe
}

// observations are what Observe left: d (k, data...) of the data's type, tau (k).
type observations struct {
	d   *tensor.Tensor
	tau []float64
}

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

// Configure implements contract.Plugin. It forgets earlier observations. Errors: ErrInvalidOption; ErrUnsupported for a GPU that
// is not there, or in a build that cannot use one.
func (s *Solver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	if err := contract.CheckDevice(c.Device); err != nil {
		return contract.Configured{}, fmt.Errorf("solver acoustic: %w: %w", err, contract.ErrUnsupported)
	}
	var o Options
	if err := config.Decode(c.Options, &o); err != nil {
		return contract.Configured{}, fmt.Errorf("solver acoustic: %w: %w", contract.ErrInvalidOption, err)
	}
	cfg, err := newSetup(&o, c.Device, c.Threads)
	if err != nil {
		return contract.Configured{}, err
	}
	s.mu.Lock()
	old := s.cfg
	s.cfg, s.obs = cfg, nil
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
	model, data := cfg.model, cfg.data
	return contract.Configured{Model: &model, Data: &data}, nil
}

// state returns what Configure and Observe left; done gives the setup back.
func (s *Solver) state() (c *setup, obs *observations, done func(), err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.cfg == nil {
		return nil, nil, nil, fmt.Errorf("solver acoustic: call Configure first: %w", contract.ErrNotConfigured)
	}
	cfg := s.cfg
	cfg.use.RLock()
	return cfg, s.obs, func() {
		s.Note(cfg.device)
		cfg.use.RUnlock()
	}, nil
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
	if err := c.model.Check("solver acoustic: model", m, -1); err != nil {
		return nil, err
	}
	if err := c.data.Check("solver acoustic: data", d, m.Batch()); err != nil {
		return nil, err
	}
	return c.each(ctx, m, 1, func(models *tensor.Tensor, items []int) ([]contract.Status, error) {
		out := c.data.New(len(items))
		if err := c.forward(models, out); err != nil {
			return nil, err
		}
		var status []contract.Status
		for k, i := range items {
			if !finite(out.Item(k)) {
				status = contract.SetStatus(status, len(items), k, contract.Status{Code: contract.Diverged, Text: "the wavefield is not finite at the receivers"})
				continue
			}
			d.Item(i).CopyFrom(out.Item(k))
		}
		return status, nil
	})
}
