package klmlp

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestConformance runs the suite of priors, for a solver in float32 and one in float64.
func TestConformance(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64} {
		t.Run(dt.String(), func(t *testing.T) {
			s := earth(dt, 12, 9)
			plugintest.Prior(t, func() contract.Prior { return New() }, plugintest.Options{Name: "kl-mlp", Options: []byte(tiny), Threads: 2,
				Target: []space.Space{s}, Dataset: fields(t, s, 3, 20, false), EncodeTolerance: 1e-5})
		})
	}
}
