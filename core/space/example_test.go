package space_test

import (
	"fmt"

	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// A prior decodes to velocities on a coarse grid; the solver takes squared slowness on a finer one.
func ExampleBetween() {
	axes := func(n int, step float64) []space.Axis {
		return []space.Axis{{Name: "z", Unit: "m", Size: n, Step: step}, {Name: "x", Unit: "m", Size: n, Step: step}}
	}
	prior := space.Space{Name: "model", DType: tensor.Float32, Axes: axes(2, 20), Quantities: []space.Quantity{{Name: "vp", Unit: "m/s"}}}
	solver := space.Space{Name: "model", DType: tensor.Float64, Axes: axes(3, 10), Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}}}

	a, err := space.Between(prior, solver)
	if err != nil {
		fmt.Println(err)
		return
	}
	x, y := prior.New(1), solver.New(1)
	copy(x.Float32s(), []float32{1000, 1000, 4000, 4000})
	if _, err := a.Apply(x, y); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Name())
	fmt.Println(y.Float64s())

	solver.Axes[1].Origin = 100
	_, err = space.Between(prior, solver)
	fmt.Println(err)
	// Output:
	// resample z 2 to 3 -> resample x 2 to 3 -> vp [m/s] to squared_slowness [s2/km2] -> float64
	// [1 1 1 0.16 0.16 0.16 0.0625 0.0625 0.0625]
	// space: no adapter from model float32 (z 2, x 2) of vp [m/s], z 0..20 m, x 0..20 m to model float64 (z 3, x 3) of squared_slowness [s2/km2], z 0..20 m, x 100..120 m: axis x covers 0..20 m (2 points, step 20) against 100..120 (3 points, step 10): the extents must agree to half of the coarser step
}
