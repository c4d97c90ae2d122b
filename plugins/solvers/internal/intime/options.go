package intime

import (
	"math"

	"github.com/waveprior/waveprior/core/tensor"
)

// Grid is the model's grid.
type Grid struct {
	NZ       *int     `option:"nz" min:"2" max:"8192" doc:"nodes in depth"`
	NX       *int     `option:"nx" min:"2" max:"8192" doc:"nodes across"`
	SpacingM *float64 `option:"spacing_m" above:"0" unit:"m" doc:"distance of nodes"`
}

// Bounds are the outermost numbers of a precision within lower..upper: what is clamped to them and rounded lies within them still.
func Bounds(lower, upper float64, precision tensor.DType) (lo, hi float64) {
	if precision != tensor.Float32 {
		return lower, upper
	}
	a, b := float32(lower), float32(upper)
	if float64(a) < lower {
		a = math.Nextafter32(a, math.MaxFloat32)
	}
	if float64(b) > upper {
		b = math.Nextafter32(b, -math.MaxFloat32)
	}
	return float64(a), float64(b)
}
