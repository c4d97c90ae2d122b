package dps_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
)

// TestConformance runs the suite of samplers on every variant.
func TestConformance(t *testing.T) {
	for _, options := range []string{`{}`, `{"variant": "published"}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Sampler(t, func() contract.Sampler { return dps.New() },
				plugintest.Options{Name: "dps", Options: []byte(options)})
		})
	}
}
