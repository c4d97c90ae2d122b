package acoustic

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// each calls f with the good models of m, some at a time, and their places in the batch, and puts the statuses that it returns
// where they belong. It returns early where ctx ends.
func (s *setup) each(ctx context.Context, m *tensor.Tensor, directions int,
	f func(models *tensor.Tensor, items []int) ([]contract.Status, error)) ([]contract.Status, error) {
	batch := m.Batch()
	status := s.check(m)
	var good []int
	for i := range batch {
		if contract.StatusAt(status, i).Code == contract.OK {
			good = append(good, i)
		}
	}
	some := s.atOnce(directions)
	for lo := 0; lo < len(good); lo += some {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("solver acoustic: %w", err)
		}
		items := good[lo:min(lo+some, len(good))]
		models := s.model.New(len(items))
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

// atOnce is how many models go into a call: enough shots to keep the threads busy to the end, and not more memory than that takes;
// on a GPU whole batches, as far as their data are no burden.
func (s *setup) atOnce(directions int) int {
	if s.device.Name() == contract.DeviceCPU {
		return max(1, 8*s.threads/(s.shots*directions))
	}
	return max(1, min(deviceModels/directions, deviceData/(8*directions*s.data.Len())))
}

// What goes into a call on a GPU at most: models times directions, and bytes of data.
const (
	deviceModels = 4096
	deviceData   = 4 << 30
)

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

// finite reports whether no number of t is NaN or infinite.
func finite(t *tensor.Tensor) bool {
	if t.DType == tensor.Float32 {
		for _, x := range t.Float32s() {
			if !(math.Abs(float64(x)) <= math.MaxFloat32) {
				return false
			}
		}
		return true
	}
	for _, x := range t.Float64s() {
		if !(math.Abs(x) <= math.MaxFloat64) {
			return false
		}
	}
	return true
}

// store writes v times scale to t, rounded to t's type, and reports whether all are finite there.
func store(t *tensor.Tensor, v []float64, scale float64) bool {
	if t.DType == tensor.Float32 {
		out := t.Float32s()
		for i, x := range v {
			out[i] = float32(x * scale)
		}
	} else {
		out := t.Float64s()
		for i, x := range v {
			out[i] = x * scale
		}
	}
	return finite(t)
}
