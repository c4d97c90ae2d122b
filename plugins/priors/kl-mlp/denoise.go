package klmlp

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
)

// denoiser is the trained network, with the running mean of its weights. One call at a time goes through it.
type denoiser struct {
	mu      sync.Mutex
	dev     cuda.Device // nil: freed
	store   *nn.Store[float32]
	network *network
	eval    *nn.Evaluator[float32]
	d       int
	noise   []float32 // scratch (rows, d)
	indices []int32   // scratch (rows)
	measure func(cuda.Device)
}

// rows is how many go through the network between two looks at the context.
const rows = 8 * nn.Tile

// newDenoiser reads the network from a checkpoint to a device, which it closes, and has measure look at the device after every call.
func newDenoiser(dev cuda.Device, measure func(cuda.Device), path string, d int, o *Options) (*denoiser, nn.State, error) {
	n := &denoiser{dev: dev, measure: measure, d: d, noise: make([]float32, rows*d), indices: make([]int32, rows)}
	st, err := n.open(path, o)
	if err != nil {
		n.free()
		return nil, nn.State{}, err
	}
	return n, st, nil
}

func (n *denoiser) open(path string, o *Options) (nn.State, error) {
	s := nn.NewStore[float32](n.dev)
	net, err := declare(s, n.d, o)
	if err != nil {
		return nn.State{}, err
	}
	if err := s.Allocate(nn.ForInference); err != nil {
		return nn.State{}, err
	}
	st, err := s.Load(path, o.architecture())
	if err != nil {
		return nn.State{}, err
	}
	n.store, n.network = s, net
	n.eval, err = nn.NewEvaluator(s, nn.Value, net.record, n.d)
	return st, err
}

// free gives the network's memory back, once the call that may be running has ended.
func (n *denoiser) free() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dev == nil {
		return
	}
	if n.store != nil && n.eval != nil {
		_ = errors.Join(n.eval.Free(), n.store.Free(), n.network.free())
	}
	_ = n.dev.Close() // takes what is left of a network that was not read to its end
	n.dev = nil
}

// each calls f for the items of a batch, at most rows of them at a time: lo..hi-1, with their levels as indices.
func (n *denoiser) each(ctx context.Context, level []int, f func(lo, hi int, indices []int32) error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dev == nil {
		return fmt.Errorf("prior kl-mlp: it was configured anew during the call: %w", contract.ErrNotConfigured)
	}
	defer n.measure(n.dev)
	for lo := 0; lo < len(level); lo += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		hi := min(lo+rows, len(level))
		for i, t := range level[lo:hi] {
			n.indices[i] = int32(t)
		}
		if err := f(lo, hi, n.indices[:hi-lo]); err != nil {
			return fmt.Errorf("prior kl-mlp: %w: %w", contract.ErrInternal, err)
		}
	}
	return nil
}

// trained is state for calls that need the network.
func (p *Prior) trained() (*configured, error) {
	c, err := p.state()
	if err == nil && c.network == nil {
		return nil, fmt.Errorf("prior kl-mlp: not trained: run Train, then Configure with its folder as checkpoint: %w", contract.ErrNotConfigured)
	}
	return c, err
}

// Denoise implements contract.Denoiser: x0 (batch, d) = (x - sigma_t eps(x, t))/alpha_t with the network's noise eps, in
// float32. Statuses: OUT_OF_BOUNDS for an x that is NaN or infinite, DIVERGED where the result overflows.
func (p *Prior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.batch().CheckLevels(x, level, x0, "denoised"); err != nil {
		return nil, err
	}
	n, d := c.network, c.basis.Dim()
	in, out := x.Float32s(), x0.Float32s()
	err = n.each(ctx, level, func(lo, hi int, indices []int32) error {
		eps := n.noise[:(hi-lo)*d]
		if err := n.eval.Forward(eps, indices, in[lo*d:hi*d]); err != nil {
			return err
		}
		c.combine(out[lo*d:hi*d], in[lo*d:hi*d], eps, level[lo:hi])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.batch().Judge(x, x0), nil
}

// DenoiseVJP implements contract.DenoiseAdjoint: dx (batch, d) = (w - sigma_t J^T w)/alpha_t, J the Jacobian of the
// network's noise with respect to x. Statuses as Denoise.
func (p *Prior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.trained()
	if err != nil {
		return nil, err
	}
	if err := c.batch().CheckCotangent(x, level, w, dx); err != nil {
		return nil, err
	}
	n, d := c.network, c.basis.Dim()
	in, wt, out := x.Float32s(), w.Float32s(), dx.Float32s()
	err = n.each(ctx, level, func(lo, hi int, indices []int32) error {
		g := n.noise[:(hi-lo)*d]
		if err := n.eval.VJP(g, wt[lo*d:hi*d], nil, indices, in[lo*d:hi*d]); err != nil {
			return err
		}
		c.combine(out[lo*d:hi*d], wt[lo*d:hi*d], g, level[lo:hi])
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c.batch().Judge(x, dx), nil
}

// combine fills dst with (a - sigma_t b)/alpha_t, rows of d, each rounded once.
func (c *configured) combine(dst, a, b []float32, level []int) {
	d := c.basis.Dim()
	for i, t := range level {
		alpha, sigma := c.schedule.Alpha[t], c.schedule.Sigma[t]
		for k := i * d; k < (i+1)*d; k++ {
			dst[k] = float32((float64(a[k]) - float64(sigma*float64(b[k]))) / alpha)
		}
	}
}

// asCheckpoint wraps errors of package nn about a checkpoint as the contract's.
func asCheckpoint(err error) error {
	if errors.Is(err, nn.ErrCheckpoint) {
		return fmt.Errorf("%w: %w", contract.ErrCheckpoint, err)
	}
	return err
}
