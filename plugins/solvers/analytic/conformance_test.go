package analytic_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

// TestConformance runs the suite of solvers on every map.
func TestConformance(t *testing.T) {
	for _, options := range []string{
		`{"map": "cubic", "bounds": [-2.0, 3.0]}`,
		`{"map": "quadratic"}`,
		`{"map": "sine-square"}`,
		`{"map": "identity", "dimension": 5}`,
		`{"map": "linear", "matrix": [[1.0, 0.5, -0.25], [0.0, 2.0, 1.0]]}`,
	} {
		t.Run(options, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return analytic.New() },
				plugintest.Options{Name: "analytic", Options: []byte(options)})
		})
	}
}
