package cpml_test

import (
	"math"
	"slices"
	"testing"

	"github.com/waveprior/waveprior/cuda/cpml"
)

// At the inner edge nothing, at the outer one the least of what comes back: over a layer of width L and back a wave of speed v
// keeps exp(-2/v times the integral of sigma) = 1/1000.
func TestFill(t *testing.T) {
	const n, before, after, stride = 60, 20, 10, 64
	l := cpml.Layer{SpeedMS: 3000, Hz: 15, SpacingM: 10, StepS: 1e-3}
	out := make([]float64, 3*stride+n)
	cpml.Fill(l, out, stride, n, before, after)
	// b and a say sigma and alpha: ln b = -(sigma + alpha) dt, sigma = (sigma + alpha) a/(b - 1).
	sigma := func(half bool, i int) float64 {
		row := 2 * stride
		if half {
			row = 0
		}
		b, a := out[row+i], out[row+stride+i]
		if b == 0 {
			return 0
		}
		return -math.Log(b) / l.StepS * a / (b - 1)
	}
	for _, side := range []struct{ from, to, cells int }{{0, before, before}, {n - 1 - after, n - 1, after}} {
		sum := 0.0
		for i := side.from; i < side.to; i++ { // Simpson's rule on each cell, exact for d^2
			sum += (sigma(false, i) + 4*sigma(true, i) + sigma(false, i+1)) / 6 * l.SpacingM
		}
		if kept := math.Exp(-2 * sum / l.SpeedMS); math.Abs(kept-1e-3) > 1e-12 {
			t.Errorf("layer of %d cells: a wave keeps %g, want 0.001", side.cells, kept)
		}
	}
	for i := before; i <= n-1-after; i++ {
		if out[2*stride+i] != 0 || out[3*stride+i] != 0 || (i < n-1-after && out[i] != 0) {
			t.Errorf("point %d between the layers has coefficients", i)
		}
	}
	// No layer where there are no cells.
	none := make([]float32, 4*n)
	cpml.Fill(l, none, n, n, 0, 0)
	for i, x := range none {
		if x != 0 {
			t.Fatalf("number %d is %g without a layer", i, x)
		}
	}
}

// With the point in front an axis with equal layers is its own mirror image: half points about the middle of all, points about the
// middle of those that move.
func TestAlongMirrors(t *testing.T) {
	const n, cells = 41, 10
	out := make([]float64, 4*n)
	cpml.Along(cpml.Layer{SpeedMS: 3000, Hz: 15, SpacingM: 10, StepS: 1e-3}, out, n, n, cells, cells)
	for row := range 4 {
		x, last := out[row*n:][:n], n-1
		if row >= 2 {
			last = n // point 0 stands still
		}
		for i := last - n + 1; i < n; i++ {
			if x[i] != x[last-i] {
				t.Errorf("row %d: %g at %d, %g at %d", row, x[i], i, x[last-i], last-i)
			}
		}
		if x[n-1] == 0 || x[n/2] != 0 {
			t.Errorf("row %d: %g in the layer, %g between", row, x[n-1], x[n/2])
		}
	}
	// Without a layer before there is no such point.
	with, without := make([]float64, 4*n), make([]float64, 4*n)
	cpml.Along(cpml.Layer{SpeedMS: 3000, Hz: 15, SpacingM: 10, StepS: 1e-3}, with, n, n, 0, cells)
	cpml.Fill(cpml.Layer{SpeedMS: 3000, Hz: 15, SpacingM: 10, StepS: 1e-3}, without, n, n, 0, cells)
	if !slices.Equal(with, without) {
		t.Error("without a layer before, Along differs from Fill")
	}
}
