package gmm_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
)

// TestConformance runs the suite of priors on both kinds of components.
func TestConformance(t *testing.T) {
	for _, options := range []string{`{"width": 0.3}`, `{"components": "gaussian"}`, `{"schedule": {"steps": 50, "beta_last": 0.3}}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Prior(t, func() contract.Prior { return gmm.New() }, plugintest.Options{Options: []byte(options)})
		})
	}
}
