//go:build cuda

package elastic

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// What the GPU gives is what the CPU gives, with all fields and with vp alone below a free surface.
func TestCUDAAsCPU(t *testing.T) {
	models := func(c *contract.Configured, batch int) [][]float64 {
		list := make([][]float64, batch)
		for i := range list {
			list[i] = rough(c).AppendReals(nil)
			list[i][i] *= 1.02
		}
		return list
	}
	for name, o := range map[string]options{
		"vp, vs, rho": tiny.With(options{"nt": 16}),
		"vp alone":    tiny.With(options{"nt": 16, "free_surface": true, "vs": section{"poisson": 0.25}, "rho": section{"gardner": true}}),
	} {
		t.Run(name, func(t *testing.T) {
			solvertest.CUDAAsCPU(t, func() solvertest.InTime { return New() }, o, 1e-9, models)
		})
	}
}

func TestCUDAConformance(t *testing.T) {
	solvertest.CUDAConformance(t, func() contract.FullSolver { return New() }, tiny.With(options{"wavelet": section{"peak_hz": 8, "delay_s": 0.01},
		"precision": "float64", "nt": 20, "vs": section{"poisson": 0.25}, "rho": section{"gardner": true}}))
}
