package intime

import (
	"context"
	"fmt"
	"sync"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Plan is a propagator: models m (models, nodes), data d (models, numbers of a model's data), directions (sets, many, ...) with
// one set for all models or one for each, gradients g (models, many, nodes) in float64; Gradient is that of
// 1/2 |d - observed[which]|^2, and fills d too. A direction of the models is in their unit.
type Plan[T cuda.Float] interface {
	Forward(m, d []T) error
	Gradient(m, observed []T, which []int, d []T, g []float64) error
	JVP(m, dm []T, many int, dd []T) error
	VJP(m, w []T, many int, g []float64) error
	// Close frees the plan's memory; no call may run.
	Close() error
}

// Setup is a configuration. Nothing of it changes once a Solver uses it.
type Setup struct {
	calls.Spaces
	// Judge says what is wrong with a model; only models that are OK reach the plan.
	Judge func(item *tensor.Tensor) contract.Status
	// Scheme is what decides how well the grid carries the waves; nil where the solver does not say.
	Scheme *seismic.Scheme
	// Shots of a model, and threads that they are run on.
	Shots, Threads int
	// Device is closed when the last call that uses the setup has ended.
	Device cuda.Device
	// Single or Double, as the spaces have it; the other is nil.
	Single Plan[float32]
	Double Plan[float64]

	use sync.RWMutex // held by calls that run
}

// close frees the memory once no call uses it.
func (s *Setup) close() {
	s.use.Lock()
	defer s.use.Unlock()
	if s.Single != nil {
		_ = s.Single.Close() // a device that fails here has said so in a call
	}
	if s.Double != nil {
		_ = s.Double.Close()
	}
	_ = s.Device.Close()
}

// each calls f with the good models of m, some at a time, and their places in the batch, and puts the statuses that it returns
// where they belong. It returns early where ctx ends.
func (s *Setup) each(ctx context.Context, m *tensor.Tensor, directions int,
	f func(models *tensor.Tensor, items []int) ([]contract.Status, error)) ([]contract.Status, error) {
	batch := m.Batch()
	status := calls.Items(m, s.Judge)
	good := calls.Good(batch, status)
	some := s.atOnce(directions)
	for lo := 0; lo < len(good); lo += some {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("solver %s: %w", s.Solver, err)
		}
		items := good[lo:min(lo+some, len(good))]
		models := s.Model.New(len(items))
		for k, i := range items {
			models.Item(k).CopyFrom(m.Item(i))
		}
		st, err := f(models, items)
		if err != nil {
			return nil, fmt.Errorf("solver %s: %w", s.Solver, err)
		}
		for k, i := range items {
			status = contract.SetStatus(status, batch, i, contract.StatusAt(st, k))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("solver %s: %w", s.Solver, err)
	}
	return status, nil
}

// What goes into a call on a GPU at most: models times directions, and bytes of data.
const (
	deviceModels = 4096
	deviceData   = 4 << 30
)

// atOnce is how many models go into a call: enough shots to keep the threads busy to the end, and not more memory than that takes;
// on a GPU whole batches, as far as their data are no burden.
func (s *Setup) atOnce(directions int) int {
	if s.Device.Name() == contract.DeviceCPU {
		return max(1, 8*s.Threads/(s.Shots*directions))
	}
	return max(1, min(deviceModels/directions, deviceData/(8*directions*s.Data.Len())))
}

// The plan of the solver's precision.

func (s *Setup) forward(m, d *tensor.Tensor) error {
	if s.Single != nil {
		return s.Single.Forward(m.Float32s(), d.Float32s())
	}
	return s.Double.Forward(m.Float64s(), d.Float64s())
}

func (s *Setup) gradient(m, observed *tensor.Tensor, which []int, d *tensor.Tensor, g []float64) error {
	if s.Single != nil {
		return s.Single.Gradient(m.Float32s(), observed.Float32s(), which, d.Float32s(), g)
	}
	return s.Double.Gradient(m.Float64s(), observed.Float64s(), which, d.Float64s(), g)
}

func (s *Setup) jvp(m, dm *tensor.Tensor, many int, dd *tensor.Tensor) error {
	if s.Single != nil {
		return s.Single.JVP(m.Float32s(), dm.Float32s(), many, dd.Float32s())
	}
	return s.Double.JVP(m.Float64s(), dm.Float64s(), many, dd.Float64s())
}

func (s *Setup) vjp(m, w *tensor.Tensor, many int, g []float64) error {
	if s.Single != nil {
		return s.Single.VJP(m.Float32s(), w.Float32s(), many, g)
	}
	return s.Double.VJP(m.Float64s(), w.Float64s(), many, g)
}
