package acoustic

import (
	"context"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear, on the CPU or on a GPU: models m (batch, 1, nz, nx)
// in m/s, data d (batch, 1, ns, nt, nr), p at the receivers. Statuses: OUT_OF_BOUNDS for a model that is not finite or not above 0;
// UNSTABLE for one too fast for the time step or too slow for the grid; DIVERGED where the data are not finite.
type Solver struct{ intime.Solver }

// New returns a solver that waits for Configure.
func New() *Solver { return &Solver{intime.Solver{Name: "acoustic"}} }

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
	var o Options
	if err := calls.Decode("acoustic", c, &o); err != nil {
		return contract.Configured{}, err
	}
	cfg, err := newSetup(&o, c.Device, c.Threads)
	if err != nil {
		return contract.Configured{}, err
	}
	s.Use(cfg)
	model, data := cfg.Model, cfg.Data
	return contract.Configured{Model: &model, Data: &data, Scheme: cfg.Scheme}, nil
}
