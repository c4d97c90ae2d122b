package ddpm_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
)

// TestConformance runs the suite of samplers on every variant.
func TestConformance(t *testing.T) {
	for _, options := range []string{`{}`, `{"variant": "ddim"}`, `{"steps": 5}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Sampler(t, func() contract.Sampler { return ddpm.New() },
				plugintest.Options{Name: "ddpm", Options: []byte(options)})
		})
	}
}
