package plugintest_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

func TestAnalytic(t *testing.T) {
	for _, options := range []string{`{"map": "quadratic"}`, `{"map": "cubic", "bounds": [-2.0, 3.0]}`, `{"map": "linear", "matrix": [[1.0, 0.5, 0.25]]}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return analytic.New() }, plugintest.Options{Options: []byte(options)})
		})
	}
}
