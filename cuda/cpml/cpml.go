// Package cpml has the coefficients of convolutional perfectly matched layers (C-PML), the absorbing layers of the propagators
// in time: at depth d (0..1) of a layer of width L the recursion m = b m + a x of a memory variable with
//
//	sigma = 3 v ln(1000)/(2 L) d^2, alpha = pi f (1 - d), b = exp(-(sigma + alpha) dt), a = sigma/(sigma + alpha) (b - 1),
//
// kappa = 1. R. Martin and D. Komatitsch, Geophysics 72 (2007) SM155, equations 25 to 27.
//
//	layer := cpml.Layer{SpeedMS: 4500, Hz: 15, SpacingM: 10, StepS: 1e-3}
//	cpml.Fill(layer, along, nx, nx, 20, 20)
//
// It has no kernels: these are in the families that use the layers.
package cpml

import "math"

// Layer is what layers are made for: waves of that speed v and frequency f, on a grid of that spacing, in steps of dt.
type Layer struct{ SpeedMS, Hz, SpacingM, StepS float64 }

// at is b and a at depth d of a layer of that many cells, 0 and 0 outside.
func (l Layer) at(d float64, cells int) (b, a float64) {
	if d <= 0 {
		return 0, 0
	}
	width := float64(cells) * l.SpacingM
	sigma := 3 * l.SpeedMS * math.Log(1000) / (2 * width) * d * d
	alpha := math.Pi * l.Hz * max(0, 1-d)
	b = math.Exp(-(sigma + alpha) * l.StepS)
	return b, sigma / (sigma + alpha) * (b - 1)
}

// Fill fills the first n numbers of each of the four rows of out (4, stride) with b and a at the half points i + 1/2 and with b
// and a at the points i of an axis of n points, of which the first `before` and the last `after` lie in layers. The last row
// may be short, as long as it has n numbers.
func Fill[T float32 | float64](l Layer, out []T, stride, n, before, after int) {
	depth := func(x float64) (float64, int) {
		if before > 0 && x < float64(before) {
			return (float64(before) - x) / float64(before), before
		}
		if end := float64(n - 1 - after); after > 0 && x > end {
			return (x - end) / float64(after), after
		}
		return 0, 1
	}
	for i := range n {
		b, a := l.at(depth(float64(i) + 0.5))
		out[i], out[stride+i] = T(b), T(a)
		b, a = l.at(depth(float64(i)))
		out[2*stride+i], out[3*stride+i] = T(b), T(a)
	}
}

// Along fills the rows of out (4, stride) as Fill for an axis of n points with layers of before and after points; where there is a
// layer before, point 0 is one in front of it that stands still, of which only the half point is in the layer: as far outside as
// the last one of the layer after.
func Along[T float32 | float64](l Layer, out []T, stride, n, before, after int) {
	if before == 0 {
		Fill(l, out, stride, n, 0, after)
		return
	}
	Fill(l, out[1:], stride, n-1, before, after)
	var last [4]T
	Fill(l, last[:], 1, 1, 0, before) // the outermost point of such a layer: its half point is as far outside
	out[0], out[stride] = last[0], last[1]
}
