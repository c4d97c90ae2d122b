package maximum_test

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
)

// TestConformance runs the suite of samplers under every law, with and without bounds.
func TestConformance(t *testing.T) {
	for _, options := range []string{`{}`, `{"prior":"mixture","memory":3}`, `{"prior":"none","lower":[-6],"upper":[6]}`} {
		t.Run(options, func(t *testing.T) {
			plugintest.Sampler(t, func() contract.Sampler { return maximum.New() },
				plugintest.Options{Name: "map", Options: []byte(options), Steps: 10})
		})
	}
}
