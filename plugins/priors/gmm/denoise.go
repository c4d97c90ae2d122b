package gmm

import (
	"context"
	"fmt"
	"math"
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
	if err := c.checkLevels(x, level, x0, "denoised"); err != nil {
		return nil, err
	}
	in, out := x.Float64s(), x0.Float64s()
	err = c.levels(ctx, level, func(l *mixture.Level, lo, hi int) { l.Denoise(out[lo:hi], in[lo:hi]) })
	return c.judge(x, x0), err
}

// DenoiseVJP implements contract.DenoiseAdjoint: dx (batch, latent...) = J^T w, J = (alpha C + sigma^2 alpha A^-1 Cov_w) A^-1
// of mixture.Level.VJP, A = sigma^2 I + alpha^2 C. Statuses as Denoise.
func (p *Prior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.checkLevels(x, level, dx, "gradient"); err != nil {
		return nil, err
	}
	if err := c.latent.Check("prior gmm: cotangent", w, x.Batch()); err != nil {
		return nil, err
	}
	in, wt, out := x.Float64s(), w.Float64s(), dx.Float64s()
	err = c.levels(ctx, level, func(l *mixture.Level, lo, hi int) { l.VJP(out[lo:hi], in[lo:hi], wt[lo:hi]) })
	return c.judge(x, dx), err
}

// checkLevels checks the shapes of x and out and that every level is one of the schedule's.
func (c *configured) checkLevels(x *tensor.Tensor, level []int, out *tensor.Tensor, what string) error {
	if err := c.latent.Check("prior gmm: latent", x, -1); err != nil {
		return err
	}
	if err := c.latent.Check("prior gmm: "+what, out, x.Batch()); err != nil {
		return err
	}
	if len(level) != x.Batch() {
		return fmt.Errorf("%w: prior gmm: %d items with %d levels", tensor.ErrShape, x.Batch(), len(level))
	}
	for i, t := range level {
		if t < 0 || t >= c.schedule.Steps() {
			return fmt.Errorf("%w: prior gmm: level of item %d is %d, the schedule has 0..%d", contract.ErrShape, i, t, c.schedule.Steps()-1)
		}
	}
	return nil
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

// judge gives a status to the items whose x or out is not finite.
func (c *configured) judge(x, out *tensor.Tensor) []contract.Status {
	if finite(x.Float64s()) && allFinite(out) {
		return nil
	}
	var status []contract.Status
	for i := range x.Batch() {
		if text, ok := c.latent.FirstOutside(x.Item(i)); !ok {
			status = contract.SetStatus(status, x.Batch(), i, contract.Status{Code: contract.OutOfBounds, Text: text})
		} else if !allFinite(out.Item(i)) {
			status = contract.SetStatus(status, x.Batch(), i, contract.Status{Code: contract.Diverged,
				Text: fmt.Sprintf("the result overflows: the latent vector lies too far out, its largest number is %g", largest(x.Item(i).Float64s()))})
		}
	}
	return status
}

func finite(v []float64) bool {
	for _, x := range v {
		if !(x >= -math.MaxFloat64 && x <= math.MaxFloat64) {
			return false
		}
	}
	return true
}

// allFinite is finite for float64 and float32 tensors.
func allFinite(t *tensor.Tensor) bool {
	if t.DType == tensor.Float64 {
		return finite(t.Float64s())
	}
	for _, x := range t.Float32s() {
		if !(x >= -math.MaxFloat32 && x <= math.MaxFloat32) {
			return false
		}
	}
	return true
}

func largest(v []float64) float64 {
	top := 0.0
	for _, x := range v {
		top = max(top, math.Abs(x))
	}
	return top
}
