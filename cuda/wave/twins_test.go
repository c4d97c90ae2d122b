package wave_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// twins lists every kernel of a batch by its outputs. A node's operations and their order are the same on all devices; only
// the gradient with respect to the sponge's damping is summed over the nodes by a block's tree on a GPU.
var twins = map[string][]twin.Written{
	"wave_courant":        {twin.Writes(0, 't', true)},
	"wave_fold":           {twin.Writes(0, 'd', true)},
	"march_copy":          {twin.Writes(0, 't', true)},
	"wave_acoustic_march": {twin.Writes(11, 't', true), twin.Writes(12, 't', true), twin.Writes(13, 't', true)},
	"wave_acoustic_back":  {twin.Writes(9, 't', true), twin.Writes(15, 't', true)},
	"wave_sponge_march":   {twin.Writes(11, 't', true), twin.Writes(12, 't', true), twin.Writes(13, 't', true)},
	"wave_sponge_back":    {twin.Writes(9, 't', true), twin.Writes(15, 't', true)},
	"wave_sponge_damping": {twin.Writes(0, 'd', false)},
}

// some are few of the settings: order 2 and 8, a free surface, layers on some sides, the sponge; and several blocks a shot.
func some(steps int) []marchtest.Case {
	var list []marchtest.Case
	for _, s := range settings(steps) {
		switch s.name {
		case "order 2", "order 8", "order 4, free surface", "layers above and left", "a wide grid", "sponge":
			list = append(list, s.tried())
		}
	}
	return append(list, large(4).tried())
}

// TestTwinsAreComplete: every kernel of the package is in the table and is run by the comparison; on one thread and on three it
// writes the same.
func TestTwinsAreComplete(t *testing.T) {
	marchtest.CompareTwins(t, twin.CPU(t, 1), twin.CPU(t, 3), twins, some(9)).Complete("wave_")
}
