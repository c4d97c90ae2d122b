package gmm

import (
	"context"
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
)

// Denoise implements contract.Denoiser: x0 (batch, latent...) = E[x0 | x_t = x] exactly, mixture.Level.Denoise at alpha and
// sigma of each item's level. Statuses: OUT_OF_BOUNDS for an x that is NaN or infinite, DIVERGED where |x|^2 overflows.
func (p *Prior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.batch.CheckLevels(x, level, x0, "denoised"); err != nil {
		return nil, err
	}
	in, out := x.Float64s(), x0.Float64s()
	err = c.levels(ctx, level, func(l *mixture.Level, lo, hi int) { l.Denoise(out[lo:hi], in[lo:hi]) })
	return c.batch.Judge(x, x0), err
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
	err = c.levels(ctx, level, func(l *mixture.Level, lo, hi int) { l.VJP(out[lo:hi], in[lo:hi], wt[lo:hi]) })
	return c.batch.Judge(x, dx), err
}

// piece is how many items a thread takes at a time.
const piece = 16

// levels calls f for runs of items that share a level: the numbers lo..hi-1 of the flat batch. Threads share the pieces;
// an item's result does not depend on which thread takes it, nor on its neighbours.
func (c *configured) levels(ctx context.Context, level []int, f func(l *mixture.Level, lo, hi int)) error {
	pieces := (len(level) + piece - 1) / piece
	work := func(k int) error {
		lo, end := k*piece, min((k+1)*piece, len(level))
		for lo < end {
			hi := lo + 1
			for hi < end && level[hi] == level[lo] {
				hi++
			}
			t := level[lo]
			l, err := c.mixture.At(c.schedule.Alpha[t], c.schedule.Sigma[t])
			if err != nil {
				return fmt.Errorf("prior gmm: level %d: %w: %w", t, contract.ErrInternal, err)
			}
			f(l, lo*c.d, hi*c.d)
			lo = hi
		}
		return ctx.Err()
	}
	threads := min(c.threads, pieces)
	if threads <= 1 {
		for k := range pieces {
			if err := work(k); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, threads)
	var wg sync.WaitGroup
	for n := range threads {
		wg.Go(func() {
			for k := n; k < pieces && errs[n] == nil; k += threads {
				errs[n] = work(k)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
