package klmlp

import (
	"fmt"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// BenchmarkStep is one training step of the small study's network, and what of it is this package's own: noise and inputs.
func BenchmarkStep(b *testing.B) {
	s := earth(tensor.Float32, 64, 64)
	set := fields(b, s, 10, 200, false)
	for _, width := range []int{128, 512} {
		p := New()
		configuredAt(b, p, fmt.Sprintf(`{"width": %d, "blocks": 4}`, width), "", 1, s)
		raw, err := p.cfg.coordinates(set)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("width=%d/inputs", width), func(b *testing.B) {
			dev := device(b)
			t, err := p.cfg.newTraining(dev, raw, nil)
			if err != nil {
				b.Fatal(err)
			}
			k := 0
			for b.Loop() {
				if err := t.fill(k); err != nil {
					b.Fatal(err)
				}
				k++
			}
		})
		b.Run(fmt.Sprintf("width=%d/step", width), func(b *testing.B) {
			const steps = 20
			p.cfg.options.Train.Steps = steps
			for b.Loop() {
				b.StopTimer()
				t, err := p.cfg.newTraining(device(b), raw, nil)
				if err != nil {
					b.Fatal(err)
				}
				folder := b.TempDir()
				b.StartTimer()
				if err := t.run(ctx, folder, nil, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N)/steps, "ms/step")
		})
	}
}

func device(b *testing.B) cuda.Device {
	dev, err := cuda.NewCPU(1)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = dev.Close() })
	return dev
}

// BenchmarkDenoise is one call of a sampler with 128 chains.
func BenchmarkDenoise(b *testing.B) {
	s := earth(tensor.Float32, 64, 64)
	p, folder := New(), b.TempDir()
	const options = `{"train": {"steps": 2}}`
	configuredAt(b, p, options, "", 1, s)
	if err := p.Train(ctx, contract.TrainRequest{Dataset: fields(b, s, 10, 60, false), Folder: folder}, nil); err != nil {
		b.Fatal(err)
	}
	c := configuredAt(b, p, options, folder, 1, s)
	const batch = 128
	x, x0, level := c.Latent.New(batch), c.Latent.New(batch), make([]int, batch)
	m, dz := c.Model.New(batch), c.Latent.New(batch)
	for name, f := range map[string]func() ([]contract.Status, error){
		"denoise": func() ([]contract.Status, error) { return p.Denoise(ctx, x, level, x0) },
		"vjp":     func() ([]contract.Status, error) { return p.DenoiseVJP(ctx, x, level, x, x0) },
		"decode":  func() ([]contract.Status, error) { return p.Decode(ctx, x, m, nil) },
		"decode-vjp": func() ([]contract.Status, error) {
			return p.DecodeVJP(ctx, x, m.Reshape(append([]int{batch, 1}, c.Model.ItemShape()...)...), nil, dz.Reshape(batch, 1, c.Latent.Len()))
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(b.N)/batch, "us/chain")
		})
	}
}
