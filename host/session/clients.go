package session

import (
	"context"
	"sync"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// SolverPool is one solver over several worker processes: a batch is split over them by item, which is arithmetic on
// views, and as an item's result does not depend on its batch the answer has the same bits for any number of workers.
type SolverPool struct {
	workers []*worker
	count   func(what string, n int)
	desc    contract.Description
}

var _ contract.FullSolver = (*SolverPool)(nil)

// Describe returns the plugin's description.
func (p *SolverPool) Describe() contract.Description { return p.desc }

// Configure configures every worker.
func (p *SolverPool) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	outs := make([]contract.Configured, len(p.workers))
	err := p.all(func(i int, w *worker) (err error) {
		outs[i], err = w.configure(ctx, c)
		return err
	})
	return outs[0], err
}

func (p *SolverPool) all(f func(i int, w *worker) error) error {
	errs := make([]error, len(p.workers))
	var wg sync.WaitGroup
	for i, w := range p.workers {
		wg.Add(1)
		go func() { defer wg.Done(); errs[i] = f(i, w) }()
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// split runs f on contiguous parts of a batch of n items, one per worker, and joins their statuses in item order.
func (p *SolverPool) split(n int, f func(w *worker, lo, hi int) ([]contract.Status, error)) ([]contract.Status, error) {
	parts := min(len(p.workers), n)
	if parts <= 1 {
		return f(p.workers[0], 0, n)
	}
	status := make([][]contract.Status, parts)
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		lo, hi := i*n/parts, (i+1)*n/parts
		wg.Add(1)
		go func() { defer wg.Done(); status[i], errs[i] = f(p.workers[i], lo, hi) }()
	}
	wg.Wait()
	var all []contract.Status
	for i := range parts {
		if errs[i] != nil {
			return nil, errs[i]
		}
		lo := i * n / parts
		for j, st := range status[i] {
			all = contract.SetStatus(all, n, lo+j, st)
		}
	}
	return all, nil
}

// Forward implements contract.Solver.
func (p *SolverPool) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	p.count("forward", m.Batch())
	return p.split(m.Batch(), func(w *worker, lo, hi int) (st []contract.Status, err error) {
		err = w.call(ctx, "Forward", func(ctx context.Context, c clients) (err error) {
			st, err = c.solver.Forward(ctx, m.Slice(lo, hi), d.Slice(lo, hi))
			return err
		})
		return st, err
	})
}

// Observe implements contract.Misfitter. Each worker keeps the observations; the pool keeps them for restarts.
func (p *SolverPool) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	d, noiseStd = d.Clone(), append([]float64(nil), noiseStd...)
	return p.all(func(_ int, w *worker) error {
		w.mu.Lock()
		w.observe = nil
		w.mu.Unlock()
		err := w.call(ctx, "Observe", func(ctx context.Context, c clients) error { return c.solver.Observe(ctx, d, noiseStd) })
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.observe = func(ctx context.Context, c clients) error { return c.solver.Observe(ctx, d, noiseStd) }
		w.mu.Unlock()
		return nil
	})
}

// Misfit implements contract.Misfitter.
func (p *SolverPool) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	p.count("forward", m.Batch())
	if gradient != nil {
		p.count("adjoint", m.Batch())
	}
	return p.split(m.Batch(), func(w *worker, lo, hi int) (st []contract.Status, err error) {
		err = w.call(ctx, "Misfit", func(ctx context.Context, c clients) (err error) {
			var g *tensor.Tensor
			if gradient != nil {
				g = gradient.Slice(lo, hi)
			}
			st, err = c.solver.Misfit(ctx, m.Slice(lo, hi), which[lo:hi], phi[lo:hi], g)
			return err
		})
		return st, err
	})
}

// linear is JVP and VJP: in is (batch or 1, K, ...).
func (p *SolverPool) linear(ctx context.Context, name string, m, in, out *tensor.Tensor,
	f func(ctx context.Context, s contract.FullSolver, m, in, out *tensor.Tensor) ([]contract.Status, error),
) ([]contract.Status, error) {
	n := m.Batch()
	shared := in.Batch() == 1 && n != 1
	return p.split(n, func(w *worker, lo, hi int) (st []contract.Status, err error) {
		part := in
		if !shared {
			part = in.Slice(lo, hi)
		}
		err = w.call(ctx, name, func(ctx context.Context, c clients) (err error) {
			st, err = f(ctx, c.solver, m.Slice(lo, hi), part, out.Slice(lo, hi))
			return err
		})
		return st, err
	})
}

// JVP implements contract.ForwardLinear.
func (p *SolverPool) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	p.count("forward", m.Batch())
	p.count("jvp", m.Batch()*dd.Shape[1])
	return p.linear(ctx, "JVP", m, dm, dd, func(ctx context.Context, s contract.FullSolver, m, in, out *tensor.Tensor) ([]contract.Status, error) {
		return s.JVP(ctx, m, in, out)
	})
}

// VJP implements contract.AdjointLinear.
func (p *SolverPool) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	p.count("forward", m.Batch())
	p.count("adjoint", m.Batch()*dm.Shape[1])
	return p.linear(ctx, "VJP", m, w, dm, func(ctx context.Context, s contract.FullSolver, m, in, out *tensor.Tensor) ([]contract.Status, error) {
		return s.VJP(ctx, m, in, out)
	})
}

// Prior is one prior process under supervision.
type Prior struct {
	w     *worker
	count func(what string, n int)
	desc  contract.Description
}

var _ contract.FullPrior = (*Prior)(nil)

// Describe returns the plugin's description.
func (p *Prior) Describe() contract.Description { return p.desc }

// Configure implements contract.Plugin.
func (p *Prior) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return p.w.configure(ctx, c)
}

// Stop ends the plugin's process, with whatever it is doing; the next call starts another one, configured as this one was.
func (p *Prior) Stop() { p.w.close() }

// Train implements contract.Trainer.
func (p *Prior) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	return p.w.call(ctx, "Train", func(ctx context.Context, c clients) error {
		return c.prior.Train(ctx, r, func(t contract.TrainProgress) error {
			p.w.reported.Store(time.Now().UnixNano())
			if report == nil {
				return nil
			}
			return report(t)
		})
	})
}

func (p *Prior) status(ctx context.Context, name string, f func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error)) (st []contract.Status, err error) {
	err = p.w.call(ctx, name, func(ctx context.Context, c clients) (err error) {
		st, err = f(ctx, c.prior)
		return err
	})
	return st, err
}

// Denoise implements contract.Denoiser.
func (p *Prior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	p.count("denoise", x.Batch())
	return p.status(ctx, "Denoise", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.Denoise(ctx, x, level, x0)
	})
}

// DenoiseVJP implements contract.DenoiseAdjoint.
func (p *Prior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	p.count("denoise_vjp", x.Batch())
	return p.status(ctx, "DenoiseVJP", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.DenoiseVJP(ctx, x, level, w, dx)
	})
}

// Decode implements contract.Decoder.
func (p *Prior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	p.count("decode", z.Batch())
	return p.status(ctx, "Decode", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.Decode(ctx, z, model, data)
	})
}

// DecodeVJP implements contract.DecodeAdjoint.
func (p *Prior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	p.count("decode_vjp", z.Batch())
	return p.status(ctx, "DecodeVJP", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.DecodeVJP(ctx, z, wModel, wData, dz)
	})
}

// DecodeJVP implements contract.DecodeTangent.
func (p *Prior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	p.count("decode_jvp", z.Batch())
	return p.status(ctx, "DecodeJVP", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.DecodeJVP(ctx, z, dz, dModel, dData)
	})
}

// Encode implements contract.Encoder.
func (p *Prior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	return p.status(ctx, "Encode", func(ctx context.Context, c contract.FullPrior) ([]contract.Status, error) {
		return c.Encode(ctx, model, data, z)
	})
}

// Mixture implements contract.MixturePrior.
func (p *Prior) Mixture(ctx context.Context) (m *contract.Mixture, err error) {
	err = p.w.call(ctx, "Mixture", func(ctx context.Context, c clients) (err error) {
		m, err = c.prior.Mixture(ctx)
		return err
	})
	return m, err
}

// Sampler is one sampler process under supervision.
type Sampler struct {
	w    *worker
	desc contract.Description
}

var _ contract.Sampler = (*Sampler)(nil)

// Describe returns the plugin's description.
func (s *Sampler) Describe() contract.Description { return s.desc }

// Configure implements contract.Plugin.
func (s *Sampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return s.w.configure(ctx, c)
}

// Start implements contract.Sampler.
func (s *Sampler) Start(ctx context.Context, chains contract.Chains, state contract.State) (steps int, st []contract.Status, err error) {
	err = s.w.call(ctx, "Start", func(ctx context.Context, c clients) (err error) {
		steps, st, err = c.sampler.Start(ctx, chains, state)
		return err
	})
	return steps, st, err
}

// StartAt implements contract.Starter where the plugin has that capability.
func (s *Sampler) StartAt(ctx context.Context, chains contract.Chains, x *tensor.Tensor, state contract.State) (steps int, st []contract.Status, err error) {
	err = s.w.call(ctx, "Start", func(ctx context.Context, c clients) (err error) {
		starter, ok := c.sampler.(contract.Starter)
		if !ok {
			return contract.Unsupported(s.desc, contract.CapStart)
		}
		steps, st, err = starter.StartAt(ctx, chains, x, state)
		return err
	})
	return steps, st, err
}

// Step implements contract.Sampler. When the process dies in it, the step is repeated from the old state.
func (s *Sampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (r contract.StepResult, err error) {
	err = s.w.call(ctx, "Step", func(ctx context.Context, c clients) (err error) {
		r, err = c.sampler.Step(ctx, step, chains, state, next)
		return err
	})
	return r, err
}
