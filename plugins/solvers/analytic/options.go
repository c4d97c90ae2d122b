package analytic

import (
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
)

// Options is the solver's TOML table.
type Options struct {
	Map          string      `option:"map" oneof:"cubic,quadratic,sine-square,identity,linear" doc:"the map F: cubic x + a x^3 (1-D), quadratic (x1 + a x1 x2, x2 + b x1^2) (2-D), sine-square sin(a x^2) (1-D), identity x, linear A x"`
	Coefficients []float64   `option:"coefficients" default:"[]" unit:"1" doc:"the map's coefficients: cubic [a], default [0.3]; quadratic [a, b], default [0.3, 0.2]; sine-square [a], default [1]; the others have none. Empty: the default"`
	Dimension    int         `option:"dimension" default:"0" min:"0" doc:"coordinates of identity, which needs it; elsewhere 0 or the map's own number"`
	Matrix       [][]float64 `option:"matrix" default:"[]" unit:"1" doc:"rows of A, one per datum; of linear, which needs it"`
	Bounds       []float64   `option:"bounds" default:"[]" len:"..2" allow:"inf" unit:"1" doc:"[lower, upper] that every coordinate must lie between, either may be infinite: an item outside gets the status OUT_OF_BOUNDS. Empty: unbounded"`
}

// defaults are the coefficients of the memorization study, section 2.
var defaults = map[string][]float64{
	"cubic":       {0.3},
	"quadratic":   {0.3, 0.2},
	"sine-square": {1},
}

// newForm returns the map that the options ask for and its coefficients, defaults filled in.
func (o *Options) newForm() (f form, coefficients []float64, err error) {
	fail := func(format string, args ...any) (form, []float64, error) {
		return nil, nil, fmt.Errorf("solver analytic: "+format+": %w", append(args, contract.ErrInvalidOption)...)
	}
	want := defaults[o.Map]
	c := o.Coefficients
	if len(c) == 0 {
		c = want
	}
	if len(c) != len(want) {
		return fail("map %s has %d coefficients, got %d: %v", o.Map, len(want), len(c), c)
	}
	if o.Map != "linear" && len(o.Matrix) > 0 {
		return fail("matrix is an option of map linear, map is %s", o.Map)
	}
	switch o.Map {
	case "cubic":
		f = cubic{c[0]}
	case "quadratic":
		f = quadratic{c[0], c[1]}
	case "sine-square":
		f = sineSquare{c[0]}
	case "identity":
		if o.Dimension < 1 {
			return fail("map identity needs dimension, a number of coordinates from 1, got %d", o.Dimension)
		}
		f = identity{o.Dimension}
	case "linear":
		l, err := newLinear(o.Matrix)
		if err != nil {
			return fail("%w", err)
		}
		f = l
	default:
		return fail("map is %q (allowed: cubic, quadratic, sine-square, identity, linear)", o.Map)
	}
	if d, _ := f.dims(); o.Dimension != 0 && o.Dimension != d {
		return fail("map %s has dimension %d, got dimension = %d", o.Map, d, o.Dimension)
	}
	if b := o.Bounds; len(b) != 0 && (len(b) != 2 || !(b[0] < b[1])) {
		return fail("bounds = %v must be [lower, upper] with lower below upper, or empty", b)
	}
	return f, c, nil
}
