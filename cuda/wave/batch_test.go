package wave_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// The kernels of a batch, a step at a time for all shots, give the numbers of whole shots one at a time: with all steps kept, in
// segments, with no memory, and where a shot has several blocks.
func TestBatchAsShots(t *testing.T) {
	for _, s := range append(settings(30), large(12)) {
		marchtest.BatchAsShots(t, s.tried(), 300<<10)
	}
}

// large is a grid on which a GPU gives a shot several blocks and a launch for every step.
func large(steps int) setting {
	c := small(4, steps)
	c.NZ, c.NX, c.Sources, c.Wavelets = 52, 190, c.Sources[:2], c.Wavelets[:2]
	return setting{"a large grid", c}
}
