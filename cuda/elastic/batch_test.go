package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// The kernels of a batch, half a step at a time for all shots, give the numbers of whole shots one at a time: with all steps kept,
// in segments, with no memory, and where a shot has several blocks.
func TestBatchAsShots(t *testing.T) {
	for _, s := range append(settings(24), large(10)) {
		marchtest.BatchAsShots(t, s.tried(), 1<<20)
	}
}

// large is a grid on which a GPU gives a shot several blocks and a launch for every half step.
func large(steps int) setting {
	c := small(4, steps)
	c.NZ, c.NX, c.Sources, c.Wavelets = 55, 190, c.Sources[:2], c.Wavelets[:2]
	return setting{"a large grid", c}
}
