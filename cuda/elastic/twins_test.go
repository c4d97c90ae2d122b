package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// twins lists every kernel that has a CUDA twin by its outputs. A node's operations and their order are the same on all devices.
var twins = map[string][]twin.Written{
	"elastic_materials": {twin.Writes(0, 't', true)},
	"elastic_fold":      {twin.Writes(0, 'd', true)},
	"elastic_march":     {twin.Writes(11, 't', true), twin.Writes(12, 't', true), twin.Writes(13, 't', true)},
	"elastic_back":      {twin.Writes(9, 't', true), twin.Writes(15, 't', true)},
	"march_copy":        {twin.Writes(0, 't', true)},
}

// some are few of the settings: both orders, a free surface, layers on some sides; and several blocks a shot.
func some(steps int) []marchtest.Case {
	var list []marchtest.Case
	for _, s := range settings(steps) {
		switch s.name {
		case "order 4, layers", "order 2, free surface", "order 4, free surface", "order 4, layers below and right", "order 2, layers above and left":
			list = append(list, s.tried())
		}
	}
	return append(list, large(2).tried())
}

// TestTwinsAreComplete: every kernel of the package is in the table and is run by the comparison; on one thread and on three it
// writes the same.
func TestTwinsAreComplete(t *testing.T) {
	marchtest.CompareTwins(t, twin.CPU(t, 1), twin.CPU(t, 3), twins, some(6)).Complete("elastic_")
}
