package gmm

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/plugins/priors/internal/latent"
)

// Prior implements contract.Prior with every capability. Its zero value waits for Configure. Safe for concurrent use.
type Prior struct {
	cuda.Meter
	mu  sync.RWMutex
	cfg *configured
}

// configured is what Configure leaves; it is never changed afterwards.
type configured struct {
	options  Options
	model    space.Space
	batch    latent.Space
	d        int
	schedule *diffusion.Schedule
	mixture  *mixture.Mixture // nil before training
	denoiser *denoiser        // of mixture
}

// New returns a prior that waits for Configure.
func New() *Prior { return new(Prior) }

var table = config.MustTable(Options{})

// Describe implements contract.Plugin.
func (p *Prior) Describe() contract.Description {
	return contract.Description{
		Kind:     contract.KindPrior,
		Name:     "gmm",
		Version:  "0.1.0",
		Numerics: "2",
		Doc: "Gaussian mixtures as diffusion priors with the exact denoiser: the perfectly memorised prior, a component of " +
			"given width at each training example, and the generalised one, a Gaussian with the training set's mean and " +
			"covariance. The latent vector is the model itself, in float64, in the solver's own quantity and grid unless the " +
			"options say which. Training reads the set once.",
		Options: table,
	}
}

// Configure implements contract.Plugin. The latent and model spaces come from the target named "model", with the options'
// quantity and grid, or without one from the checkpoint. Errors: ErrInvalidOption (an option, no target and no checkpoint); ErrUnsupported (a device, a
// complex model); ErrCheckpoint (missing, corrupt, of other components or another number of coordinates).
func (p *Prior) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	fail := func(err error) (contract.Configured, error) {
		return contract.Configured{}, fmt.Errorf("prior gmm: %w", err)
	}
	cfg := new(configured)
	if err := config.Decode(c.Options, &cfg.options); err != nil {
		return fail(fmt.Errorf("%w: %w", contract.ErrInvalidOption, err))
	}
	var err error
	if cfg.schedule, err = cfg.options.Schedule.schedule(); err != nil {
		return fail(fmt.Errorf("schedule: %w: %w", contract.ErrInvalidOption, err))
	}
	var ck *checkpoint
	if c.Checkpoint != "" {
		if ck, err = readCheckpoint(c.Checkpoint, cfg.options.Components); err != nil {
			return fail(err)
		}
	}
	k := slices.IndexFunc(c.Target, func(s space.Space) bool { return s.Name == "model" })
	switch {
	case k >= 0:
		if cfg.model, err = cfg.options.modelOf(c.Target[k]); err != nil {
			return fail(fmt.Errorf("%w: %w", contract.ErrInvalidOption, err))
		}
	case ck != nil:
		cfg.model = ck.space
		cfg.model.Name = "model"
	default:
		return fail(fmt.Errorf("no target space \"model\" and no checkpoint: it must be told what models are like: %w", contract.ErrInvalidOption))
	}
	if err := cfg.model.Validate(); err != nil {
		return fail(fmt.Errorf("target: %w: %w", contract.ErrInvalidOption, err))
	}
	if dt := cfg.model.DType; dt != tensor.Float64 && dt != tensor.Float32 {
		return fail(fmt.Errorf("a model of %v (allowed: float64, float32): %w", dt, contract.ErrUnsupported))
	}
	cfg.d = cfg.model.Len()
	cfg.batch = latent.Space{Prior: "gmm", Space: latentOf(cfg.model), Levels: cfg.schedule.Steps()}
	if ck != nil {
		if err := ck.fits(cfg.model, cfg.options.own()); err != nil {
			return fail(err)
		}
		if cfg.mixture, err = ck.mixture(cfg.options.Width); err != nil {
			return fail(err)
		}
	}
	// Whether the device can be had is told now, and not after the training.
	dev, err := cuda.Open(cmp.Or(c.Device, "cpu"), max(1, c.Threads))
	if err != nil {
		return fail(fmt.Errorf("device %q: %w: %w", c.Device, contract.ErrUnsupported, err))
	}
	if cfg.mixture == nil {
		err = dev.Close()
	} else {
		cfg.denoiser, err = newDenoiser(dev, cfg.mixture)
	}
	if err != nil {
		return fail(err)
	}
	if cfg.denoiser != nil {
		p.Note(dev) // all of its memory is taken
	}
	p.mu.Lock()
	old := p.cfg
	p.cfg = cfg
	p.mu.Unlock()
	if old != nil && old.denoiser != nil {
		old.denoiser.free()
	}
	model, z := cfg.model, cfg.batch.Space
	return contract.Configured{Model: &model, Latent: &z, Schedule: cfg.schedule}, nil
}

// latentOf returns the latent space of a model: the same numbers in float64, without bounds, which noisy ones do not keep.
func latentOf(model space.Space) space.Space {
	z := model
	z.Name, z.DType = "latent", tensor.Float64
	z.Quantities = slices.Clone(model.Quantities)
	for i := range z.Quantities {
		z.Quantities[i].Lower, z.Quantities[i].Upper = nil, nil
	}
	return z
}

// state returns what Configure left.
func (p *Prior) state() (*configured, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.cfg == nil {
		return nil, fmt.Errorf("prior gmm: call Configure first: %w", contract.ErrNotConfigured)
	}
	return p.cfg, nil
}

// trained is state for calls that need the mixture.
func (p *Prior) trained() (*configured, error) {
	c, err := p.state()
	if err == nil && c.mixture == nil {
		return nil, fmt.Errorf("prior gmm: not trained: run Train, then Configure with its folder as checkpoint: %w", contract.ErrNotConfigured)
	}
	return c, err
}

// Mixture implements contract.MixturePrior: copies of the means (N, d), the weights (N), and the covariance: (1) for
// components = "training", the Cholesky factor (d, d) for "gaussian", with rows of zeros where the covariance is singular.
func (p *Prior) Mixture(context.Context) (*contract.Mixture, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	m := c.mixture
	out := &contract.Mixture{
		Means:   tensor.FromFloat64s(m.Means, m.N(), m.Dim),
		Weights: tensor.FromFloat64s(m.Weights, m.N()),
	}
	if m.Cov.Factor != nil {
		out.Covariance = tensor.FromFloat64s(m.Cov.Factor, m.Dim, m.Dim)
	} else {
		out.Covariance = tensor.FromFloat64s([]float64{m.Cov.Variance}, 1)
	}
	return out, nil
}
