package wave_test

import (
	"strings"
	"testing"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/internal/twin"
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

// compareTwins runs all kernels on both devices, in segments of which the first is done again, and returns how far apart they are.
func compareTwins(t *testing.T, first, second cuda.Device, list []setting) *twin.Pair {
	t.Helper()
	p := twin.NewPair(t, first, second, twins)
	for _, s := range list {
		c := s.Config
		c.Batched, c.Segment = true, c.Steps-c.Steps/3
		everythingOn[float32](t, p, c, 0, 1)
		everythingOn[float64](t, p, c, 1)
	}
	return p
}

// some are few of the settings: order 2 and 8, a free surface, layers on some sides, the sponge; and several blocks a shot.
func some(steps int) []setting {
	var list []setting
	for _, s := range settings(steps) {
		switch s.name {
		case "order 2", "order 8", "order 4, free surface", "layers above and left", "a wide grid", "sponge":
			list = append(list, s)
		}
	}
	return append(list, large(4))
}

// TestTwinsAreComplete: every kernel of the package is in the table and is run by the comparison; on one thread and on three it
// writes the same.
func TestTwinsAreComplete(t *testing.T) {
	p := compareTwins(t, device(t, 1), device(t, 3), some(9))
	for _, k := range cuda.Kernels() {
		if e, ok := p.Ran[k.Name]; strings.HasPrefix(k.Name, "wave_") && (!ok || e != 0) {
			t.Errorf("kernel %s: ran %v, error %g on another number of threads", k.Name, ok, e)
		}
	}
	if len(p.Ran) != 2*len(twins) {
		t.Errorf("%d kernels ran, the table has %d", len(p.Ran), 2*len(twins))
	}
}
