package gmmposterior_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
)

// TestConformance runs the suite of samplers on every variant.
func TestConformance(t *testing.T) {
	for _, options := range []string{`{}`, `{"method": "lookup"}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Sampler(t, func() contract.Sampler { return gmmposterior.New() },
				plugintest.Options{Name: "gmm-posterior", Options: []byte(options)})
		})
	}
}
