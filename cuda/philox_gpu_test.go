//go:build cuda

package cuda_test

import (
	"testing"

	"github.com/waveprior/waveprior/cuda"
)

// TestNormalsTwin: philox_normals_f32 and philox_normals_f64 give core/rng's bits on a GPU, as their CPU twins do
// (TestNormals).
func TestNormalsTwin(t *testing.T) {
	d, err := cuda.Open("cuda:0", 1)
	must(t, err)
	defer func() { must(t, d.Close()) }()
	for _, s := range noiseShapes {
		normalsAreRng[float32](t, d, s[0], s[1], s[2])
		normalsAreRng[float64](t, d, s[0], s[1], s[2])
	}
}
