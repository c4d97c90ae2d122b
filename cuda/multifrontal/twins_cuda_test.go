//go:build cuda

package multifrontal_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

func gpu(t testing.TB) cuda.Device {
	t.Helper()
	d, err := cuda.Open("cuda:0", 1)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	p := compareTwins(t, cpu(t), gpu(t), [][3]int{{5, 6, 1}, {14, 20, 2}, {41, 37, 2}})
	for name, e := range p.Ran {
		t.Logf("%s: normalised mean square error at most %.2g", name, e)
	}
}

// The tests of the engine on the GPU.
func TestSolveCUDA(t *testing.T) {
	for _, size := range [][3]int{{5, 6, 1}, {12, 14, 3}, {41, 37, 2}} {
		testSolve[float32](t, gpu(t), size, 2e-5)
		testSolve[float64](t, gpu(t), size, 1e-13)
	}
}

func TestVerdictsCUDA(t *testing.T) {
	testVerdicts[float32](t, gpu(t))
	testVerdicts[float64](t, gpu(t))
}

func TestDerivativesCUDA(t *testing.T) { testDerivatives(t, gpu(t)) }
