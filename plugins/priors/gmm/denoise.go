package gmm

import (
	"context"
	"errors"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	kernels "github.com/waveprior/waveprior/cuda/mixture"
)

// denoiser is the trained mixture on a device: the means lie there, x and D travel.
type denoiser struct {
	dev     cuda.Device
	mixture *kernels.Mixture[float64]
}

// newDenoiser puts a mixture on a device, which it closes.
func newDenoiser(dev cuda.Device, m *mixture.Mixture) (*denoiser, error) {
	means, variances, basis := m.Spectral()
	k, err := kernels.New[float64](dev, kernels.Components{Dim: m.Dim, Means: means, Weights: m.Weights, Variances: variances, Basis: basis})
	if err != nil {
		_ = dev.Close()
		return nil, err
	}
	return &denoiser{dev, k}, nil
}

// free gives the device back, once the call that may be running has ended.
func (d *denoiser) free() {
	_ = d.mixture.Free()
	_ = d.dev.Close()
}

// Denoise implements contract.Denoiser: x0 (batch, latent...) = E[x0 | x_t = x] exactly, as mixture.Level.Denoise at alpha
// and sigma of each item's level, by the kernels of cuda/mixture. Statuses: OUT_OF_BOUNDS for an x that is NaN or infinite,
// DIVERGED where |x|^2 overflows.
func (p *Prior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.batch.CheckLevels(x, level, x0, "denoised"); err != nil {
		return nil, err
	}
	in, out := x.Float64s(), x0.Float64s()
	err = c.pieces(ctx, level, func(lo, hi int, alpha, sigma []float64) error {
		return c.denoiser.mixture.Denoise(out[lo:hi], in[lo:hi], alpha, sigma)
	})
	if err != nil {
		return nil, err
	}
	return c.batch.Judge(x, x0), nil
}

// DenoiseVJP implements contract.DenoiseAdjoint: dx (batch, latent...) = J^T w, J = (alpha C + sigma^2 alpha A^-1 Cov_w) A^-1
// of mixture.Level.VJP, A = sigma^2 I + alpha^2 C. Statuses as Denoise.
func (p *Prior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.batch.CheckCotangent(x, level, w, dx); err != nil {
		return nil, err
	}
	in, wt, out := x.Float64s(), w.Float64s(), dx.Float64s()
	err = c.pieces(ctx, level, func(lo, hi int, alpha, sigma []float64) error {
		return c.denoiser.mixture.VJP(out[lo:hi], in[lo:hi], wt[lo:hi], alpha, sigma)
	})
	if err != nil {
		return nil, err
	}
	return c.batch.Judge(x, dx), nil
}

// pieces calls f for as many items at a time as lie on the device: the numbers lo..hi-1 of the flat batch, with the scales
// of the items' levels. It looks at the context in between.
func (c *configured) pieces(ctx context.Context, level []int, f func(lo, hi int, alpha, sigma []float64) error) error {
	alpha, sigma := make([]float64, len(level)), make([]float64, len(level))
	for i, t := range level {
		alpha[i], sigma[i] = c.schedule.Alpha[t], c.schedule.Sigma[t]
	}
	rows := c.denoiser.mixture.Rows()
	for lo := 0; lo < len(level); lo += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(lo+rows, len(level))
		switch err := f(lo*c.d, hi*c.d, alpha[lo:hi], sigma[lo:hi]); {
		case errors.Is(err, kernels.ErrFreed):
			return fmt.Errorf("prior gmm: it was configured anew during the call: %w", contract.ErrNotConfigured)
		case err != nil:
			return fmt.Errorf("prior gmm: %w: %w", contract.ErrInternal, err)
		}
	}
	return nil
}
