package march_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/march"
)

func TestSegment(t *testing.T) {
	for _, c := range []struct{ steps, kept, state, together, room, want int }{
		{100, 2, 10, 1, 200, 100}, // all fit
		{101, 2, 10, 2, 202, 101}, // and may be odd
		{100, 2, 10, 1, 199, 94},  // 94 x 2 and one state
		{100, 2, 10, 2, 197, 92},  // 93 x 2 and one state, rounded down
		{100, 2, 10, 1, 0, 22},    // nothing fits: sqrt(100 10 / 2)
		{100, 4, 10, 2, 0, 16},    // sqrt(100 10 / 4) = 15.8, rounded up
		{3, 1, 1, 2, 0, 2},        // sqrt(3) = 1.7
		{1, 1, 1, 2, 0, 1},        // no more than there are
		{100, 2, 1000, 4, 0, 100}, // a state is more than all steps
		{100, 1, 10000, 3, 10, 100},
	} {
		if got := march.Segment(c.steps, c.kept, c.state, c.together, c.room); got != c.want {
			t.Errorf("segment of %+v: %d", c, got)
		}
	}
}
