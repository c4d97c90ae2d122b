package judge

import (
	"testing"

	"github.com/waveprior/waveprior/core/space"
)

// Receivers in a row have a position and a step, whether the axis has a step itself or lists positions; others are numbered.
func TestRow(t *testing.T) {
	for _, c := range []struct {
		name        string
		a           space.Axis
		first, step float64
	}{
		{"a step", space.Axis{Size: 4, Origin: 5, Step: 2}, 5, 2},
		{"even positions", space.Axis{Size: 4, Values: []float64{20, 45, 70, 95.000001}}, 20, 25},
		{"uneven positions", space.Axis{Size: 3, Values: []float64{0, 10, 21}}, 0, 0},
		{"to the left", space.Axis{Size: 3, Values: []float64{20, 10, 0}}, 0, 0},
		{"one receiver", space.Axis{Size: 1, Values: []float64{20}}, 0, 0},
		{"no positions", space.Axis{Size: 7}, 0, 0},
	} {
		first, step := row(c.a)
		if first != c.first || !(step >= c.step && step <= c.step+1e-6) {
			t.Errorf("%s: from %g in steps of %g, want %g and %g", c.name, first, step, c.first, c.step)
		}
	}
}
