//go:build cuda

package march

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// TestTwins runs every kernel on the CPU and on the first GPU, which may be the emulated one, and compares what they wrote.
func TestTwins(t *testing.T) {
	cpu, err := cuda.NewCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	gpu, err := cuda.Open("cuda:0", 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, e := range compareTwins(t, cpu, gpu).Ran {
		t.Logf("%s: normalised mean square error at most %.2g", name, e)
	}
	if err := gpu.Close(); err != nil {
		t.Error(err)
	}
}
