//go:build cuda

package multifrontal_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda/internal/twin"
)

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	compareTwins(t, twin.CPU(t, 2), twin.GPU(t), [][3]int{{5, 6, 1}, {14, 20, 2}, {41, 37, 2}}).Log()
}

// The tests of the engine on the GPU.
func TestSolveCUDA(t *testing.T) {
	for _, size := range [][3]int{{5, 6, 1}, {12, 14, 3}, {41, 37, 2}} {
		testSolve[float32](t, twin.GPU(t), size, 2e-5)
		testSolve[float64](t, twin.GPU(t), size, 1e-13)
	}
}

func TestVerdictsCUDA(t *testing.T) {
	testVerdicts[float32](t, twin.GPU(t))
	testVerdicts[float64](t, twin.GPU(t))
}

func TestDerivativesCUDA(t *testing.T) { testDerivatives(t, twin.GPU(t)) }
