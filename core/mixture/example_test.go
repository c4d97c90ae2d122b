package mixture_test

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/mixture"
)

// Two memorised points on a line, seen through noise: the denoiser draws x_t to the nearer one.
func Example() {
	m, err := mixture.New([]float64{-1, 1}, 1, nil, mixture.Isotropic(0.01))
	if err != nil {
		panic(err)
	}
	l, err := m.At(0.8, 0.6)
	if err != nil {
		panic(err)
	}
	xt, x0 := []float64{-0.8, 0, 0.8}, make([]float64, 3)
	l.Denoise(x0, xt)
	fmt.Printf("%.3f\n", x0)
	// Output: [-0.942 0.000 0.942]
}

// One linear datum y = x_1 + x_2 = 1 and two points as prior: the weights are the lookup table's, and the components keep
// the prior's width along the direction that the datum does not see.
func ExampleLinearise() {
	points := []float64{0, 0, 1, 0}
	m, err := mixture.New(points, 2, nil, mixture.Isotropic(0.04))
	if err != nil {
		panic(err)
	}
	p, err := mixture.Linearise(m, func(n int) (mixture.Local, error) {
		residual := 1 - points[2*n] - points[2*n+1]
		return mixture.NewLocal([]float64{residual}, []float64{1, 1}, 0.5), nil
	}, mixture.Exact)
	if err != nil {
		panic(err)
	}
	h := math.Sqrt(0.5)
	fmt.Printf("weights %.3f, effective components %.2f\n", p.Weights(), mixture.Effective(p.Weights()))
	fmt.Printf("width along the datum %.3f, across %.3f\n",
		math.Sqrt(p.Variance(1, []float64{h, h})), math.Sqrt(p.Variance(1, []float64{h, -h})))
	// Output:
	// weights [0.180 0.820], effective components 1.60
	// width along the datum 0.174, across 0.200
}
