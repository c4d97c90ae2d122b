package dataset

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/rng"
)

// All below are sums, products and square roots of Philox normals and uniforms: equal bits on every machine.

// examplesOption is the size of a training set that is drawn.
type examplesOption struct {
	Examples int `option:"examples" default:"100" min:"1" doc:"size of the training set; example i is the same for every size"`
}

type gaussianOptions struct {
	examplesOption
	Mean       []float64   `option:"mean" default:"[0]" len:"1.." doc:"mean: one number per coordinate, or one for all"`
	Std        []float64   `option:"std" default:"[1]" len:"1.." min:"0" doc:"standard deviation: one number per coordinate, or one for all; not used with covariance"`
	Covariance [][]float64 `option:"covariance" default:"[]" doc:"covariance by rows, symmetric and positive definite, instead of std"`
}

// build draws mean + std z, or mean + L z with L L^T the covariance; z are the normals of draw 0.
func (o *gaussianOptions) build(d int) (row, int, int, error) {
	mean, err := spread("mean", o.Mean, d)
	if err != nil {
		return nil, 0, 0, err
	}
	if len(o.Covariance) > 0 {
		l, err := cholesky(o.Covariance, d)
		if err != nil {
			return nil, 0, 0, err
		}
		return func(x []float64, _ int, source func(uint32) rng.Source) {
			source(0).Normals(x)
			for i := d - 1; i >= 0; i-- { // from below, so that the z that are still needed are there
				sum := mean[i]
				for j := 0; j <= i; j++ {
					sum = math.FMA(l[i*d+j], x[j], sum)
				}
				x[i] = sum
			}
		}, o.Examples, 0, nil
	}
	std, err := spread("std", o.Std, d)
	if err != nil {
		return nil, 0, 0, err
	}
	return func(x []float64, _ int, source func(uint32) rng.Source) {
		source(0).Normals(x)
		for i, z := range x {
			x[i] = math.FMA(std[i], z, mean[i])
		}
	}, o.Examples, 0, nil
}

type ringOptions struct {
	examplesOption
	Radius float64 `option:"radius" default:"2" min:"0" unit:"1" doc:"mean radius"`
	Std    float64 `option:"std" default:"0.1" min:"0" unit:"1" doc:"standard deviation of the radius"`
}

// build draws (radius + std z3) (z1, z2)/|(z1, z2)|: the direction of a round Gaussian is uniform in angle.
func (o *ringOptions) build(d int) (row, int, int, error) {
	if d != 2 {
		return nil, 0, 0, fmt.Errorf("a ring has 2 coordinates, the model has %d", d)
	}
	return func(x []float64, _ int, source func(uint32) rng.Source) {
		var z [3]float64
		source(0).Normals(z[:])
		if z[0] == 0 && z[1] == 0 {
			z[0] = 1
		}
		r := math.FMA(o.Std, z[2], o.Radius) / math.Sqrt(math.FMA(z[0], z[0], float64(z[1]*z[1])))
		x[0], x[1] = r*z[0], r*z[1]
	}, o.Examples, 0, nil
}

type mixtureOptions struct {
	examplesOption
	Means   [][]float64 `option:"means" len:"1.." doc:"means of the components, one list of coordinates each"`
	Std     []float64   `option:"std" default:"[0.1]" len:"1.." min:"0" doc:"standard deviation of every coordinate: one number per component, or one for all"`
	Weights []float64   `option:"weights" default:"[]" min:"0" doc:"weights of the components, scaled to sum 1; empty: equal"`
}

// build draws the component by the uniform 0 of draw 1 and mean + std z with the normals of draw 0.
func (o *mixtureOptions) build(d int) (row, int, int, error) {
	n := len(o.Means)
	for i, m := range o.Means {
		if len(m) != d {
			return nil, 0, 0, keyError("means", "mean %d has %d coordinates, the model has %d", i, len(m), d)
		}
	}
	std, err := spread("std", o.Std, n)
	if err != nil {
		return nil, 0, 0, err
	}
	weights := o.Weights
	if len(weights) == 0 {
		weights = []float64{1}
	}
	if weights, err = spread("weights", weights, n); err != nil {
		return nil, 0, 0, err
	}
	cumulative, sum := make([]float64, n), 0.0
	for i, w := range weights {
		sum += w
		cumulative[i] = sum
	}
	if !(sum > 0) || math.IsInf(sum, 0) {
		return nil, 0, 0, keyError("weights", "sum to %g, must be above 0 and finite", sum)
	}
	return func(x []float64, _ int, source func(uint32) rng.Source) {
		u, k := float64(source(1).Uniform(0)*sum), 0
		for k < n-1 && !(u < cumulative[k]) {
			k++
		}
		for weights[k] == 0 { // u was rounded up to the sum and the last components have no weight
			k--
		}
		source(0).Normals(x)
		for i, z := range x {
			x[i] = math.FMA(std[k], z, o.Means[k][i])
		}
	}, o.Examples, 0, nil
}

// spread returns n numbers: those given, or the one given n times.
func spread(key string, v []float64, n int) ([]float64, error) {
	if len(v) == n {
		return v, nil
	}
	if len(v) != 1 {
		return nil, keyError(key, "has %d numbers, want %d or 1", len(v), n)
	}
	all := make([]float64, n)
	for i := range all {
		all[i] = v[0]
	}
	return all, nil
}

// cholesky returns the lower factor L (d x d, row-major), L L^T = c.
func cholesky(c [][]float64, d int) ([]float64, error) {
	if len(c) != d {
		return nil, keyError("covariance", "has %d rows, the model has %d coordinates", len(c), d)
	}
	for i := range c {
		if len(c[i]) != d {
			return nil, keyError("covariance", "row %d has %d numbers, want %d", i, len(c[i]), d)
		}
	}
	l := make([]float64, d*d)
	for i := range d {
		for j := 0; j <= i; j++ {
			if c[i][j] != c[j][i] {
				return nil, keyError("covariance", "is not symmetric: [%d][%d] = %g, [%d][%d] = %g", i, j, c[i][j], j, i, c[j][i])
			}
			sum := c[i][j]
			for k := range j {
				sum = math.FMA(-l[i*d+k], l[j*d+k], sum)
			}
			switch {
			case i != j:
				l[i*d+j] = sum / l[j*d+j]
			case sum > 0:
				l[i*d+i] = math.Sqrt(sum)
			default:
				return nil, keyError("covariance", "is not positive definite: pivot %d is %g", i, sum)
			}
		}
	}
	return l, nil
}
