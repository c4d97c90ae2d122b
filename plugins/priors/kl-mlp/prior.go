package klmlp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// Prior implements contract.Prior with train, denoise, denoise-vjp, decode, decode-vjp, decode-jvp and encode. Its zero
// value waits for Configure. Safe for concurrent use.
type Prior struct {
	cuda.Meter
	mu  sync.RWMutex
	cfg *configured

	reportEvery time.Duration // of Train's reports; 0: a second
}

// configured is what Configure leaves.
type configured struct {
	options       Options
	seed          uint64
	device        string // "cpu", "cuda:0"
	threads       int
	model, latent space.Space
	basis         *field.KL
	schedule      *diffusion.Schedule
	mean, std     []float64         // (K^2) of the training set's coordinates; 0 and 1 before training
	network       *denoiser         // nil before training
	measure       func(cuda.Device) // Prior.Note
}

// New returns a prior that waits for Configure.
func New() *Prior { return new(Prior) }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (p *Prior) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindPrior,
		Name:     "kl-mlp",
		Version:  "0.1.0",
		Numerics: "1",
		Doc: "The memorisation study's prior: a diffusion model, a multilayer perceptron that predicts noise, of the coordinates " +
			"of squared slowness in a basis of K x K cosines (KL basis), standardised by the training set. It decodes to the solver's " +
			"grid, whatever that is.",
		Options: table,
	}
}

// Configure implements contract.Plugin. The model is squared slowness on the z and x axes of the target named "model"; a
// target of another quantity is reached by the host's adapters. The latent space has K^2 coordinates in float32. Errors:
// ErrInvalidOption (an option; as many modes as cells or more); ErrUnsupported (a device); ErrCheckpoint (missing, damaged,
// incomplete, of another basis, network or schedule).
func (p *Prior) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	fail := func(err error) (contract.Configured, error) {
		return contract.Configured{}, fmt.Errorf("prior kl-mlp: %w", err)
	}
	cfg := &configured{seed: c.Seed, device: cmp.Or(c.Device, contract.DeviceCPU), threads: max(1, c.Threads), measure: p.Note}
	if err := config.Decode(c.Options, &cfg.options); err != nil {
		return fail(fmt.Errorf("%w: %w", contract.ErrInvalidOption, err))
	}
	o := &cfg.options
	if o.Train.LearningRateLast > o.Train.LearningRate {
		return fail(fmt.Errorf("train: learning_rate_last = %g is above learning_rate = %g: %w", o.Train.LearningRateLast, o.Train.LearningRate, contract.ErrInvalidOption))
	}
	var err error
	if cfg.schedule, err = o.Schedule.schedule(); err != nil {
		return fail(fmt.Errorf("schedule: %w: %w", contract.ErrInvalidOption, err))
	}
	nz, nx := 0, 0
	if cfg.model, nz, nx, err = modelOf(c.Target, o.Grid); err != nil {
		return fail(fmt.Errorf("target: %w: %w", contract.ErrInvalidOption, err))
	}
	if cfg.basis, err = field.NewKL(o.basis(), nz, nx); err != nil {
		return fail(fmt.Errorf("%w: %w", contract.ErrInvalidOption, err))
	}
	d := cfg.basis.Dim()
	cfg.latent = space.Space{Name: "latent", DType: tensor.Float32, Axes: []space.Axis{{Name: "coordinate", Size: d}},
		Quantities: []space.Quantity{{Name: "latent", Unit: "1"}}}
	cfg.mean, cfg.std = make([]float64, d), slices.Repeat([]float64{1}, d)
	if c.Checkpoint != "" {
		err = cfg.load(c.Checkpoint)
	} else { // whether it can be had is told now, and not by Train
		var dev cuda.Device
		if dev, err = cfg.open(); err == nil {
			err = dev.Close()
		}
	}
	if err != nil {
		return fail(err)
	}
	p.mu.Lock()
	old := p.cfg
	p.cfg = cfg
	p.mu.Unlock()
	if old != nil && old.network != nil {
		old.network.free()
	}
	model, latent := cfg.model, cfg.latent
	return contract.Configured{Model: &model, Latent: &latent, Schedule: cfg.schedule}, nil
}

// open opens the device that everything of the network lies on. Error: ErrUnsupported.
func (c *configured) open() (cuda.Device, error) {
	dev, err := cuda.Open(c.device, c.threads)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w: %w", c.device, contract.ErrUnsupported, err)
	}
	return dev, nil
}

// modelOf returns what is decoded: squared slowness on the target's z and x axes, in its dtype where that is real and with
// its field axis where that has size 1, so that the host has nothing to adapt; without such axes a square of n cells.
func modelOf(target []space.Space, n int) (s space.Space, nz, nx int, err error) {
	s = space.Space{Name: "model", DType: tensor.Float32, Axes: []space.Axis{{Name: "z", Size: n}, {Name: "x", Size: n}},
		Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}}}
	k := slices.IndexFunc(target, func(t space.Space) bool { return t.Name == "model" })
	if k < 0 {
		return s, n, n, nil
	}
	t := &target[k]
	if err := t.Validate(); err != nil {
		return s, 0, 0, err
	}
	if t.DType == tensor.Float64 {
		s.DType = t.DType
	}
	axis := func(name string) int {
		return slices.IndexFunc(t.Axes, func(a space.Axis) bool { return a.Name == name })
	}
	z, x := axis("z"), axis("x")
	if z < 0 || x < 0 {
		return s, n, n, nil
	}
	s.Axes = []space.Axis{t.Axes[z], t.Axes[x]}
	if f := axis("field"); f == 0 && t.Axes[f].Size == 1 {
		s.Axes = slices.Insert(s.Axes, 0, t.Axes[f])
	}
	return s, t.Axes[z].Size, t.Axes[x].Size, nil
}

// state returns what Configure left.
func (p *Prior) state() (*configured, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.cfg == nil {
		return nil, fmt.Errorf("prior kl-mlp: call Configure first: %w", contract.ErrNotConfigured)
	}
	return p.cfg, nil
}
