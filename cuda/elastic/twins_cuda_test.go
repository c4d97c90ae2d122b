//go:build cuda

package elastic_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
	"github.com/waveprior/waveprior/cuda/march/marchtest"
)

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	marchtest.CompareTwins(t, twin.CPU(t, 1), twin.GPU(t), twins, some(4)).Log()
}

// Whole calls on the GPU give the numbers of whole shots on the CPU.
func TestGPUAsShots(t *testing.T) {
	for _, c := range some(10) {
		marchtest.GPUAsShots(t, twin.GPU(t), c)
	}
}

// Nothing but models, data and gradients crosses the bus, however many steps there are.
func TestTransfers(t *testing.T) {
	marchtest.Transfers(t, twin.GPU(t), large(2).tried(), large(4).tried())
}
