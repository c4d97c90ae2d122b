package elastic

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/tensor"
)

// Drawn models of several fields would have vs above vp/sqrt(2): they are given, far enough from the bounds for the suite's
// directions.
func TestConformance(t *testing.T) {
	slow := tiny.With(options{"wavelet": section{"peak_hz": 8, "delay_s": 0.02}, "nt": 60})
	for name, o := range map[string]options{
		"vp, vs, rho":          slow.With(options{"precision": "float64"}),
		"float32, surface":     slow.With(options{"free_surface": true, "rho": section{"constant_kg_m3": 2000}}),
		"vp alone, in 2 steps": slow.With(options{"precision": "float64", "dt_s": 2e-3, "nt": 30, "vs": section{"poisson": 0.25}, "rho": section{"gardner": true}}),
	} {
		t.Run(name, func(t *testing.T) {
			_, c := configure(t, o, 1)
			var given *tensor.Tensor
			if len(c.Model.Quantities) > 1 {
				given = c.Model.New(1)
				x := rough(&c).AppendReals(nil)
				for i := range x[:9*12] {
					x[9*12+i] = 0.4 * x[i]
				}
				given.SetReals(x)
			}
			plugintest.Solver(t, func() contract.Solver { return New() }, plugintest.Options{Options: o.JSON(t), Scale: 1, Models: given})
		})
	}
}
