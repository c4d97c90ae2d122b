package elastic

import (
	"context"
	"fmt"
	"os"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

// Solver implements contract.Solver, Misfitter, ForwardLinear and AdjointLinear, on the CPU or on a GPU: models m (batch, fields, nz, nx), vp and vs in m/s,
// rho in kg/m3, data d (batch, 2, ns, nt, nr) = vx and vz in m/s at the receivers. Statuses: OUT_OF_BOUNDS for a model that is
// not finite, not above 0, or with vs above vp/sqrt(2); UNSTABLE for one too fast for the time step or too slow for the grid;
// DIVERGED where the data are not finite.
type Solver struct{ intime.Solver }

// New returns a solver that waits for Configure.
func New() *Solver { return &Solver{intime.Solver{Name: "elastic"}} }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (s *Solver) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindSolver,
		Name:     "elastic",
		Version:  "0.1.0",
		Numerics: "3",
		Doc: "Elastic P-SV waves in time, two dimensions: forces or explosions with a wavelet, data the velocities vx and vz at the " +
			"receivers in m/s, model vp, vs and rho, or vp alone with the others computed from it. Staggered grid, second order in " +
			"time, order 2 or 4 in space, C-PML and a free surface.",
		Options: table,
	}
}

// Configure implements contract.Plugin. It forgets earlier observations, and says on stderr how many steps of the scheme there are to a
// sample where it is more than one. Errors: ErrInvalidOption; ErrUnsupported for a GPU that is not there, or in a build that cannot use
// one.
func (s *Solver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var o Options
	if err := calls.Decode("elastic", c, &o); err != nil {
		return contract.Configured{}, err
	}
	cfg, l, err := newSetup(&o, c.Device, c.Threads)
	if err != nil {
		return contract.Configured{}, err
	}
	if l.each > 1 {
		fmt.Fprintf(os.Stderr, "solver elastic: %d steps of %g s to each sample of %g s: %s\n", l.each, l.DT, *o.DtS, l.Stable())
	}
	s.Use(cfg)
	model, data := cfg.Model, cfg.Data
	return contract.Configured{Model: &model, Data: &data, Scheme: cfg.Scheme}, nil
}
