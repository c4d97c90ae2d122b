//go:build cuda

package helmholtz

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
)

// onGPU configures a solver on the first GPU, which may be the emulated one.
func onGPU(t testing.TB, o options) (*Solver, contract.Configured) {
	t.Helper()
	s := New()
	c, err := s.Configure(ctx, contract.Config{Options: o.JSON(t), Threads: 1, Device: "cuda:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := setupOf(s).device.close(); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func TestOracleCUDA(t *testing.T) { testOracleOn(t, onGPU) }

func TestCUDAAsWorkers(t *testing.T) { testAsWorkers(t, onGPU, []int{0, 1, 2}) }

func TestRoughCUDA(t *testing.T) { testRoughOn(t, onGPU, 3) }
