//go:build cuda

package march

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) { compareTwins(t, twin.CPU(t, 1), twin.GPU(t)).Log() }
