package plugintest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// errBroken: the plugin hung or died in this call, or did so in this method too often to be asked again.
var errBroken = errors.New("the plugin broke")

// maxBreaks is how often a method may hang or die before it is no longer called.
const maxBreaks = 2

// watch sees that every call of an instance answers in time and that the plugin outlives it.
type watch struct {
	*runner
	s *subject
}

// call runs f with the time limit. A panic in-process is an error, as it is over processes.
func (w *watch) call(ctx context.Context, method string, limit time.Duration, f func(ctx context.Context) error) error {
	w.mu.Lock()
	w.calls++
	tired, gone := w.breaks[method] >= maxBreaks, w.s.broken
	w.mu.Unlock()
	if tired {
		return fmt.Errorf("%w: %s is not called any more, see answers-in-time and stays-alive", errBroken, method)
	}
	if gone {
		return fmt.Errorf("%w before %s", errBroken, method)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start, done := time.Now(), make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- fmt.Errorf("panic: %v\n%s: %w", r, debug.Stack(), contract.ErrInternal)
			}
		}()
		done <- f(ctx)
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select { // a client answers at once when its context ends
		case err = <-done:
		case <-time.After(500 * time.Millisecond):
			err = ctx.Err()
		}
	}
	switch {
	case w.ctx.Err() != nil:
		return err
	case errors.Is(err, context.DeadlineExceeded) && time.Since(start) > limit*9/10: // gRPC's clock may be a little ahead
		return w.broke(&w.hangs, method, fmt.Sprintf("%s did not answer within %v", method, limit))
	case errors.Is(err, contract.ErrPluginDied):
		return w.broke(&w.deaths, method, fmt.Sprintf("%s: %v", method, err))
	}
	return err
}

// broke notes a hang or a death and ends the instance.
func (w *watch) broke(list *[]string, method, text string) error {
	w.mu.Lock()
	first := !w.s.broken
	w.s.broken = true
	if first {
		w.breaks[method]++
		*list = append(*list, text)
	}
	w.mu.Unlock()
	if first {
		w.s.inst.Close()
	}
	return fmt.Errorf("%w: %s", errBroken, text)
}

func (w *watch) status(ctx context.Context, method string, n int, f func(ctx context.Context) ([]contract.Status, error)) ([]contract.Status, error) {
	var st []contract.Status
	err := w.call(ctx, method, w.o.CallLimit, func(ctx context.Context) error {
		got, err := f(ctx)
		if err == nil {
			st = got
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if st != nil && len(st) != n {
		return nil, fmt.Errorf("%s answered with %d item states for %d items", method, len(st), n)
	}
	return st, nil
}

func (w *watch) configure(ctx context.Context, p contract.Plugin, c contract.Config) (got contract.Configured, err error) {
	err = w.call(ctx, "Configure", w.o.CallLimit, func(ctx context.Context) error {
		g, err := p.Configure(ctx, c)
		if err == nil {
			got = g
		}
		return err
	})
	return got, err
}

func batch(t *tensor.Tensor) int {
	if t == nil {
		return 0
	}
	return t.Batch()
}

type watchedSolver struct {
	*watch
	in contract.FullSolver
}

func (s watchedSolver) Describe() contract.Description { return s.in.Describe() }

func (s watchedSolver) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return s.configure(ctx, s.in, c)
}

func (s watchedSolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "Forward", batch(m), func(ctx context.Context) ([]contract.Status, error) { return s.in.Forward(ctx, m, d) })
}

func (s watchedSolver) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	return s.call(ctx, "Observe", s.o.CallLimit, func(ctx context.Context) error { return s.in.Observe(ctx, d, noiseStd) })
}

func (s watchedSolver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "Misfit", batch(m), func(ctx context.Context) ([]contract.Status, error) {
		return s.in.Misfit(ctx, m, which, phi, gradient)
	})
}

func (s watchedSolver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "JVP", batch(m), func(ctx context.Context) ([]contract.Status, error) { return s.in.JVP(ctx, m, dm, dd) })
}

func (s watchedSolver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "VJP", batch(m), func(ctx context.Context) ([]contract.Status, error) { return s.in.VJP(ctx, m, w, dm) })
}

type watchedPrior struct {
	*watch
	in contract.FullPrior
}

func (s watchedPrior) Describe() contract.Description { return s.in.Describe() }

func (s watchedPrior) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return s.configure(ctx, s.in, c)
}

func (s watchedPrior) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	return s.call(ctx, "Train", 10*s.o.CallLimit, func(ctx context.Context) error { return s.in.Train(ctx, r, report) })
}

func (s watchedPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "Denoise", batch(x), func(ctx context.Context) ([]contract.Status, error) { return s.in.Denoise(ctx, x, level, x0) })
}

func (s watchedPrior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "DenoiseVJP", batch(x), func(ctx context.Context) ([]contract.Status, error) {
		return s.in.DenoiseVJP(ctx, x, level, w, dx)
	})
}

func (s watchedPrior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "Decode", batch(z), func(ctx context.Context) ([]contract.Status, error) { return s.in.Decode(ctx, z, model, data) })
}

func (s watchedPrior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "DecodeVJP", batch(z), func(ctx context.Context) ([]contract.Status, error) {
		return s.in.DecodeVJP(ctx, z, wModel, wData, dz)
	})
}

func (s watchedPrior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "DecodeJVP", batch(z), func(ctx context.Context) ([]contract.Status, error) {
		return s.in.DecodeJVP(ctx, z, dz, dModel, dData)
	})
}

func (s watchedPrior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	return s.status(ctx, "Encode", batch(z), func(ctx context.Context) ([]contract.Status, error) { return s.in.Encode(ctx, model, data, z) })
}

func (s watchedPrior) Mixture(ctx context.Context) (m *contract.Mixture, err error) {
	err = s.call(ctx, "Mixture", s.o.CallLimit, func(ctx context.Context) error {
		got, err := s.in.Mixture(ctx)
		if err == nil {
			m = got
		}
		return err
	})
	return m, err
}

type watchedSampler struct {
	*watch
	in contract.Sampler
}

func (s watchedSampler) Describe() contract.Description { return s.in.Describe() }

func (s watchedSampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return s.configure(ctx, s.in, c)
}

func (s watchedSampler) Start(ctx context.Context, chains contract.Chains, state contract.State) (steps int, st []contract.Status, err error) {
	st, err = s.status(ctx, "Start", chains.Len(), func(ctx context.Context) ([]contract.Status, error) {
		n, got, err := s.in.Start(ctx, chains, state)
		if err == nil {
			steps = n
		}
		return got, err
	})
	return steps, st, err
}

func (s watchedSampler) StartAt(ctx context.Context, chains contract.Chains, x *tensor.Tensor, state contract.State) (steps int, st []contract.Status, err error) {
	st, err = s.status(ctx, "Start", chains.Len(), func(ctx context.Context) ([]contract.Status, error) {
		n, got, err := s.in.(contract.Starter).StartAt(ctx, chains, x, state)
		if err == nil {
			steps = n
		}
		return got, err
	})
	return steps, st, err
}

func (s watchedSampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (res contract.StepResult, err error) {
	_, err = s.status(ctx, "Step", chains.Len(), func(ctx context.Context) ([]contract.Status, error) {
		got, err := s.in.Step(ctx, step, chains, state, next)
		if err == nil {
			res = got
		}
		return got.Status, err
	})
	return res, err
}
