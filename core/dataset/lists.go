package dataset

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/rng"
)

// keyError is an error about one key of a generator's table.
func keyError(key, format string, args ...any) error {
	return &config.KeyError{Path: config.Path{key}, Text: fmt.Sprintf(format, args...)}
}

type pointsOptions struct {
	Values   [][]float64 `option:"values" len:"1.." doc:"the points, one list of coordinates each"`
	Examples int         `option:"examples" default:"0" min:"0" doc:"how many of them are the training set, from the first; 0: all"`
}

func (o *pointsOptions) build(d int) (row, int, int, error) {
	for i, v := range o.Values {
		if len(v) != d {
			return nil, 0, 0, keyError("values", "point %d has %d coordinates, the model has %d", i, len(v), d)
		}
	}
	n := o.Examples
	if n == 0 {
		n = len(o.Values)
	}
	if n > len(o.Values) {
		return nil, 0, 0, keyError("examples", "%d, but values has %d points", n, len(o.Values))
	}
	return func(x []float64, i int, _ func(uint32) rng.Source) { copy(x, o.Values[i]) }, n, len(o.Values), nil
}

type polygonOptions struct {
	Vertices int     `option:"vertices" default:"5" min:"1" doc:"number of corners, the size of the training set"`
	Radius   float64 `option:"radius" default:"2" min:"0" unit:"1" doc:"distance of the corners from the origin"`
	First    float64 `option:"first_angle" default:"0" unit:"rad" doc:"angle of the first corner, from the first axis; the others follow towards the second axis"`
}

// build places corner i at radius (cos, sin)(first + 2 pi i/vertices).
func (o *polygonOptions) build(d int) (row, int, int, error) {
	if d != 2 {
		return nil, 0, 0, fmt.Errorf("a polygon has 2 coordinates, the model has %d", d)
	}
	return func(x []float64, i int, _ func(uint32) rng.Source) {
		sin, cos := math.Sincos(o.First + 2*math.Pi*float64(i)/float64(o.Vertices))
		x[0], x[1] = o.Radius*cos, o.Radius*sin
	}, o.Vertices, o.Vertices, nil
}

type linspaceOptions struct {
	First    float64 `option:"first" unit:"1" doc:"the first point"`
	Last     float64 `option:"last" unit:"1" doc:"the last point"`
	Examples int     `option:"examples" min:"1" doc:"number of points, the size of the training set"`
	Of       int     `option:"of" default:"0" min:"0" doc:"0: the points divide first..last equally. Otherwise they are a subset of so many equally spaced points, number floor(i (of-1)/(examples-1)) of them: numpy's linspace(0, of-1, examples) made integer"`
}

// build places item i at first + j (last - first)/(n-1), with j = i and n = examples, or the subset that "of" describes.
func (o *linspaceOptions) build(d int) (row, int, int, error) {
	if d != 1 {
		return nil, 0, 0, fmt.Errorf("points on a line have 1 coordinate, the model has %d", d)
	}
	if o.Of != 0 && o.Of < o.Examples {
		return nil, 0, 0, keyError("of", "%d points have no subset of examples = %d", o.Of, o.Examples)
	}
	return func(x []float64, i int, _ func(uint32) rng.Source) {
		j, last := i, o.Examples-1
		if o.Of > 0 {
			j, last = i*(o.Of-1)/max(o.Examples-1, 1), o.Of-1
		}
		switch j {
		case 0:
			x[0] = o.First
		case last:
			x[0] = o.Last
		default:
			x[0] = o.First + float64(float64(j)*((o.Last-o.First)/float64(last))) // the order of numpy's linspace
		}
	}, o.Examples, o.Examples, nil
}
