package elastic_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// twins lists every kernel that has a CUDA twin by its outputs. A node's operations and their order are the same on all devices.
var twins = map[string][]twin.Written{
	"elastic_materials": {twin.Writes(0, 't', true)},
	"elastic_fold":      {twin.Writes(0, 'd', true)},
	"elastic_march":     {twin.Writes(11, 't', true), twin.Writes(12, 't', true), twin.Writes(13, 't', true)},
	"elastic_back":      {twin.Writes(9, 't', true), twin.Writes(15, 't', true)},
	"march_copy":        {twin.Writes(0, 't', true)},
}

// compareTwins runs all kernels on both devices, in segments of which the first is done again, and returns how far apart they are.
func compareTwins(t *testing.T, first, second cuda.Device, list []setting) *twin.Pair {
	t.Helper()
	p := twin.NewPair(t, first, second, twins)
	for _, s := range list {
		c := s.Config
		c.Batched, c.Segment = true, c.Steps/2
		everythingOn[float32](t, p, c, 0, 1)
		everythingOn[float64](t, p, c, 1)
	}
	return p
}

// some are few of the settings: both orders, a free surface, layers on some sides; and several blocks a shot.
func some(steps int) []setting {
	var list []setting
	for _, s := range settings(steps) {
		switch s.name {
		case "order 4, layers", "order 2, free surface", "order 4, free surface", "order 4, layers below and right", "order 2, layers above and left":
			list = append(list, s)
		}
	}
	return append(list, large(2))
}

// TestTwinsAreComplete: every kernel of the package is in the table and is run by the comparison; on one thread and on three it
// writes the same.
func TestTwinsAreComplete(t *testing.T) {
	p := compareTwins(t, device(t, 1), device(t, 3), some(6))
	for _, k := range cuda.Kernels() {
		if e, ok := p.Ran[k.Name]; strings.HasPrefix(k.Name, "elastic_") && (!ok || e != 0) {
			t.Errorf("kernel %s: ran %v, error %g on another number of threads", k.Name, ok, e)
		}
	}
	if len(p.Ran) != 2*len(twins) {
		t.Errorf("%d kernels ran, the table has %d", len(p.Ran), 2*len(twins))
	}
}
