//go:build cuda

package gmm

import (
	"encoding/json"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// TestGPU: the prior on a GPU answers as on the CPU, to a normalised mean square error of 1e-24.
func TestGPU(t *testing.T) {
	const seed, n, d, batch = 5, 150, 7, 21
	rows, x, w := normals(seed, "rows", n, d), normals(seed, "x", batch, d), normals(seed, "w", batch, d)
	level := make([]int, batch)
	for i := range level {
		level[i] = 2 * i
	}
	for _, options := range []string{`{"width": 0.2, ` + schedule + `}`, `{"components": "gaussian", ` + schedule + `}`} {
		s := model(tensor.Float64, d)
		p := contract.LocalPrior(New())
		c := contract.Config{Options: json.RawMessage(options), Target: []space.Space{s}}
		if _, err := p.Configure(ctx, c); err != nil {
			t.Fatal(err)
		}
		c.Checkpoint = t.TempDir()
		if err := p.Train(ctx, contract.TrainRequest{Dataset: points(t, s, rows, 0), Folder: c.Checkpoint}, nil); err != nil {
			t.Fatal(err)
		}
		var answers [2][]float64
		for k, device := range []string{"cpu", "cuda:0"} {
			c.Device = device
			out, err := p.Configure(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			x0, dx := out.Latent.New(batch), out.Latent.New(batch)
			status, err := p.Denoise(ctx, x, level, x0)
			ok(t, status, err)
			status, err = p.DenoiseVJP(ctx, x, level, w, dx)
			ok(t, status, err)
			answers[k] = append(x0.Float64s(), dx.Float64s()...)
		}
		off, size := 0.0, 0.0
		for i, want := range answers[0] {
			off += (answers[1][i] - want) * (answers[1][i] - want)
			size += want * want
		}
		if !(off <= 1e-24*size) || size == 0 {
			t.Errorf("%s: normalised mean square error %.3g", options, off/size)
		}
	}
}
