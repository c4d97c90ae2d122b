package compose_test

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
)

// A prior of velocities on 2 x 2 points and a solver of squared slowness on 3 x 3 become one solver of latent vectors.
func ExamplePhysics() {
	ctx := context.Background()
	p, s := contract.LocalPrior(prior{new(int)}), contract.LocalSolver(&solver{})
	ps := &contract.PriorService{Prior: p, Description: p.Describe()}
	ss := &contract.SolverService{Solver: s, Description: s.Describe()}
	ps.Configured, _ = p.Configure(ctx, contract.Config{})
	ss.Configured, _ = s.Configure(ctx, contract.Config{})

	adapt, err := space.Between(*ps.Configured.Model, *ss.Configured.Model)
	if err != nil {
		fmt.Println(err)
		return
	}
	physics, err := compose.Physics(compose.Parts{Prior: ps, Model: adapt, Solver: ss})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(physics.Describe().Doc)
	fmt.Println(physics.Latent(), "to", physics.Data())
	fmt.Println(physics.Describe().Capabilities)

	// The data of z = 0 as the observation: the misfit and its gradient vanish there.
	z, d, g, phi := physics.Latent().New(2), physics.Data().New(2), physics.Latent().New(2), make([]float64, 2)
	if _, err := physics.Forward(ctx, z, d); err != nil {
		fmt.Println(err)
		return
	}
	if err := physics.Observe(ctx, d.Slice(0, 1), []float64{0.1}); err != nil {
		fmt.Println(err)
		return
	}
	z.Item(1).Float64s()[0] = 9 // the prior refuses this item
	status, err := physics.Misfit(ctx, z, []int{0, 0}, phi, g)
	fmt.Println(phi, g.Item(0).Float64s(), status, err)
	// Output:
	// prior sinh -> resample z 2 to 3 -> resample x 2 to 3 -> vp [m/s] to squared_slowness [s2/km2] -> solver cubic
	// latent float64 (coordinate 3) of latent [1] to data complex128 (shot 2, receiver 3) of pressure [Pa]
	// [misfit gradient jvp vjp]
	// [0 NaN] [0 0 0] [OK DIVERGED: prior sinh: z_0 > 5] <nil>
}
