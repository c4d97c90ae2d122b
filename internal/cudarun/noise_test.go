//go:build cuda

package cudarun

import (
	"context"
	"encoding/json"
	"math"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/session"
)

// started is the sampler's state before its first step, and the denoised latents of that state, with the prior on a device.
func started(t *testing.T, device, checkpoint string) (state contract.State, x0 *tensor.Tensor) {
	t.Helper()
	t.Setenv("WAVEPRIOR_PLUGINS", binDir)
	ctx := context.WithoutCancel(t.Context())
	s, err := session.New(session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ref := session.Ref{Kind: contract.KindPrior, Name: "kl-mlp", Device: device}
	prior, err := s.Prior(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if got := prior.Describe().Device; got != map[string]string{"": "", "cuda:0": "cuda"}[device] {
		t.Errorf("the prior on %q says that it computes on %q", device, got)
	}
	options := json.RawMessage(`{"modes": 4, "grid": 20, "width": 64, "blocks": 2, "schedule": {"steps": 50, "beta_last": 0.08}}`)
	conf, err := prior.Configure(ctx, contract.Config{Options: options, Seed: 7, Device: device, Threads: 1, Checkpoint: checkpoint})
	if err != nil {
		t.Fatal(err)
	}
	sampler, err := s.Sampler(ctx, session.Ref{Kind: contract.KindSampler, Name: "ddpm"})
	if err != nil {
		t.Fatal(err)
	}
	sconf, err := sampler.Configure(ctx, contract.Config{Options: json.RawMessage(`{}`), Seed: 7, Threads: 1,
		Prior: &contract.PriorService{Prior: prior, Description: prior.Describe(), Configured: conf}})
	if err != nil {
		t.Fatal(err)
	}
	const chains = 40
	ids := make([]int, chains)
	for i := range ids {
		ids[i] = 3 * i
	}
	state = contract.NewState(sconf.State, chains)
	if _, status, err := sampler.Start(ctx, contract.Chains{ID: ids}, state); err != nil || status != nil {
		t.Fatal(status, err)
	}
	x := state["latent"]
	x0 = tensor.New(x.DType, x.Shape...)
	level := make([]int, chains)
	for i := range level {
		level[i] = 49 - i
	}
	if status, err := prior.Denoise(ctx, x, level, x0); err != nil || status != nil {
		t.Fatal(status, err)
	}
	return state, x0
}

// TestNoise: chains start from the same bits whatever the prior computes on, and the first denoising agrees to float32.
func TestNoise(t *testing.T) {
	cache := t.TempDir()
	runTiny(t, "cpu", 1, cache)
	trained, err := filepath.Glob(filepath.Join(cache, "train", "*", "checkpoint"))
	if err != nil || len(trained) != 1 {
		t.Fatal(trained, err)
	}
	cpu, onCPU := started(t, "", trained[0])
	gpu, onGPU := started(t, "cuda:0", trained[0])
	numbers := 0
	for name, want := range cpu {
		got := gpu[name]
		if string(got.Data) != string(want.Data) {
			t.Errorf("state %s before the first step has other bits", name)
		}
		for i := 1; i < want.Batch(); i++ {
			if name == "latent" && string(want.Item(i).Data) == string(want.Item(0).Data) {
				t.Errorf("chains 0 and %d start alike", i)
			}
		}
		numbers += want.Len()
	}
	if numbers == 0 {
		t.Error("the state is empty")
	}
	var wrong, size float64
	for i, v := range onCPU.Float32s() {
		d := float64(onGPU.Float32s()[i]) - float64(v)
		wrong, size = wrong+d*d, size+float64(v)*float64(v)
	}
	// Sums of 272 and 64 products in another order, at 6e-8 a rounding, through four layers.
	if rel := math.Sqrt(wrong / size); rel > 1e-5 || size == 0 {
		t.Errorf("denoised: relative difference %g of a norm of %g", rel, math.Sqrt(size))
	}
}
