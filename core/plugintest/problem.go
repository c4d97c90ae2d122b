package plugintest

import (
	"context"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
)

// CheckProblem runs what the suite of solvers asks of any map from model to data on a composed problem: dot product and
// Taylor tables from the latent vector to the data, gradient, bits. o.Models are latent vectors (drawn, if nil: standard
// normals times o.Scale). The problem's observations are replaced: observe again before it is used for anything else.
func CheckProblem(ctx context.Context, problem *compose.Problem, o Options) []Property {
	t := Target{New: func(context.Context) (*Instance, error) {
		return &Instance{Plugin: problem, Close: func() {}}, nil
	}}
	return run(ctx, &solverSuite{problem: true}, t, o)
}

var _ contract.FullSolver = (*compose.Problem)(nil)
