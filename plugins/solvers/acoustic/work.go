package acoustic

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// each calls f with the good models of m, some at a time, and their places in the batch, and puts the statuses that it returns
// where they belong. It returns early where ctx ends.
func (s *setup) each(ctx context.Context, m *tensor.Tensor, directions int,
	f func(models *tensor.Tensor, items []int) ([]contract.Status, error)) ([]contract.Status, error) {
	batch := m.Batch()
	status := s.check(m)
	good := calls.Good(batch, status)
	// Enough shots to keep the threads busy to the end, and not more memory than that takes.
	some := max(1, 8*s.threads/(s.shots*directions))
	for lo := 0; lo < len(good); lo += some {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("solver acoustic: %w", err)
		}
		items := good[lo:min(lo+some, len(good))]
		models := s.Model.New(len(items))
		for k, i := range items {
			models.Item(k).CopyFrom(m.Item(i))
		}
		st, err := f(models, items)
		if err != nil {
			return nil, fmt.Errorf("solver acoustic: %w", err)
		}
		for k, i := range items {
			status = contract.SetStatus(status, batch, i, contract.StatusAt(st, k))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("solver acoustic: %w", err)
	}
	return status, nil
}

// The plan of the solver's precision.

func (s *setup) forward(m, d *tensor.Tensor) error {
	if s.single != nil {
		return s.single.Forward(m.Float32s(), d.Float32s())
	}
	return s.double.Forward(m.Float64s(), d.Float64s())
}

func (s *setup) gradient(m, observed *tensor.Tensor, which []int, d *tensor.Tensor, g []float64) error {
	if s.single != nil {
		return s.single.Gradient(m.Float32s(), observed.Float32s(), which, d.Float32s(), g)
	}
	return s.double.Gradient(m.Float64s(), observed.Float64s(), which, d.Float64s(), g)
}

func (s *setup) jvp(m, dm *tensor.Tensor, many int, dd *tensor.Tensor) error {
	if s.single != nil {
		return s.single.JVP(m.Float32s(), dm.Float32s(), many, dd.Float32s())
	}
	return s.double.JVP(m.Float64s(), dm.Float64s(), many, dd.Float64s())
}

func (s *setup) vjp(m, w *tensor.Tensor, many int, g []float64) error {
	if s.single != nil {
		return s.single.VJP(m.Float32s(), w.Float32s(), many, g)
	}
	return s.double.VJP(m.Float64s(), w.Float64s(), many, g)
}
