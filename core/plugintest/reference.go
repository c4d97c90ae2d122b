package plugintest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// The reference problem: three coordinates with a Gaussian mixture of three components and one covariance as prior, two
// data that are linear in them. Everything about it is closed.
var (
	referenceMeans  = []float64{0.5, -0.25, 0, -0.75, 0.5, 0.25, 0.25, 0.75, -0.5}
	referenceFactor = []float64{0.5, 0, 0, 0.2, 0.4, 0, -0.1, 0.15, 0.6} // lower Cholesky factor
	referenceMatrix = []float64{1, 0.5, -0.25, -0.3, 0.8, 0.6}
)

const referenceDim, referenceData = 3, 2

func vectorSpace(name string, n int) space.Space {
	return space.Space{Name: name, DType: tensor.Float64, Axes: []space.Axis{{Name: "coordinate", Size: n}},
		Quantities: []space.Quantity{{Name: name, Unit: "1"}}}
}

// items gives a status to every item of t (batch, ...) that is not finite, and calls f for the others.
func items(t *tensor.Tensor, f func(i int)) []contract.Status {
	var st []contract.Status
	for i := range t.Batch() {
		bad := slices.IndexFunc(t.Item(i).AppendReals(nil), func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		if bad >= 0 {
			st = contract.SetStatus(st, t.Batch(), i, contract.Status{Code: contract.OutOfBounds, Text: fmt.Sprintf("number %d is not finite", bad)})
			continue
		}
		f(i)
	}
	return st
}

// ReferenceSolver is the solver d = A m of the reference problem, with every capability of a solver.
type ReferenceSolver struct {
	mu         sync.RWMutex
	configured bool
	d, tau     []float64
}

// Describe implements contract.Plugin.
func (s *ReferenceSolver) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "reference", Version: "1", Numerics: "1", Doc: "Two data, linear in three coordinates."}
}

// Configure implements contract.Plugin. There are no options.
func (s *ReferenceSolver) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var none struct{}
	if err := config.Decode(c.Options, &none); err != nil {
		return contract.Configured{}, fmt.Errorf("solver reference: %w: %w", contract.ErrInvalidOption, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured, s.d, s.tau = true, nil, nil
	model, data := vectorSpace("model", referenceDim), vectorSpace("data", referenceData)
	return contract.Configured{Options: json.RawMessage("{}"), Model: &model, Data: &data}, nil
}

// check reads the state and checks the shapes of tensors that come in pairs: tensor, inner shape.
func (s *ReferenceSolver) check(m *tensor.Tensor) (d, tau []float64, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !s.configured {
		return nil, nil, fmt.Errorf("solver reference: %w", contract.ErrNotConfigured)
	}
	return s.d, s.tau, m.Check("solver reference: model", tensor.Float64, -1, referenceDim)
}

// apply sets y = A x.
func apply(y, x []float64) {
	for i := range y {
		y[i] = 0
		for j, v := range x {
			y[i] = math.FMA(referenceMatrix[i*referenceDim+j], v, y[i])
		}
	}
}

// applyT sets x = A^T y.
func applyT(x, y []float64) {
	for j := range x {
		x[j] = 0
		for i, v := range y {
			x[j] = math.FMA(referenceMatrix[i*referenceDim+j], v, x[j])
		}
	}
}

// Forward implements contract.Solver.
func (s *ReferenceSolver) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	if _, _, err := s.check(m); err != nil {
		return nil, err
	}
	if err := d.Check("solver reference: data", tensor.Float64, m.Batch(), referenceData); err != nil {
		return nil, err
	}
	return items(m, func(i int) { apply(d.Item(i).Float64s(), m.Item(i).Float64s()) }), nil
}

// Observe implements contract.Misfitter.
func (s *ReferenceSolver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	if _, _, err := s.check(tensor.New(tensor.Float64, 0, referenceDim)); err != nil {
		return err
	}
	if err := d.Check("solver reference: observations", tensor.Float64, len(noiseStd), referenceData); err != nil {
		return err
	}
	for i, tau := range noiseStd {
		if !(tau > 0) {
			return fmt.Errorf("solver reference: observation %d has noise std %g, it must be above 0: %w", i, tau, contract.ErrInvalidOption)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d, s.tau = slices.Clone(d.Float64s()), slices.Clone(noiseStd)
	return nil
}

// Misfit implements contract.Misfitter.
func (s *ReferenceSolver) Misfit(_ context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	d, tau, err := s.check(m)
	if err != nil {
		return nil, err
	}
	if tau == nil {
		return nil, fmt.Errorf("solver reference: %w", contract.ErrNoObservation)
	}
	if gradient != nil {
		if err := gradient.Check("solver reference: gradient", tensor.Float64, m.Batch(), referenceDim); err != nil {
			return nil, err
		}
	}
	for i, k := range which {
		if k < 0 || k >= len(tau) {
			return nil, fmt.Errorf("solver reference: item %d is against observation %d of %d: %w", i, k, len(tau), contract.ErrShape)
		}
	}
	if len(which) != m.Batch() || len(phi) != m.Batch() {
		return nil, fmt.Errorf("solver reference: %d models, %d observations, %d misfits: %w", m.Batch(), len(which), len(phi), contract.ErrShape)
	}
	return items(m, func(i int) {
		var r [referenceData]float64
		apply(r[:], m.Item(i).Float64s())
		k := which[i]
		phi[i] = 0
		for j := range r {
			r[j] = (r[j] - d[k*referenceData+j]) / tau[k]
			phi[i] = math.FMA(0.5*r[j], r[j], phi[i])
			r[j] /= tau[k]
		}
		if gradient != nil {
			applyT(gradient.Item(i).Float64s(), r[:])
		}
	}), nil
}

// along applies f to every direction of every item: in (batch or 1, K, from), out (batch, K, to).
func along(m, in, out *tensor.Tensor, from, to int, f func(y, x []float64)) ([]contract.Status, error) {
	if in == nil || out == nil || len(in.Shape) != 3 || len(out.Shape) != 3 {
		return nil, fmt.Errorf("solver reference: directions must be (batch, K, item): %w", contract.ErrShape)
	}
	n, k, sets := m.Batch(), in.Shape[1], in.Shape[0]
	if sets != 1 {
		sets = n
	}
	if err := in.Check("solver reference: directions in", tensor.Float64, sets, k, from); err != nil {
		return nil, err
	}
	if err := out.Check("solver reference: directions out", tensor.Float64, n, k, to); err != nil {
		return nil, err
	}
	return items(m, func(i int) {
		x, y := in.Item(min(i, sets-1)).Float64s(), out.Item(i).Float64s()
		for j := range k {
			f(y[j*to:(j+1)*to], x[j*from:(j+1)*from])
		}
	}), nil
}

// JVP implements contract.ForwardLinear.
func (s *ReferenceSolver) JVP(_ context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	if _, _, err := s.check(m); err != nil {
		return nil, err
	}
	return along(m, dm, dd, referenceDim, referenceData, apply)
}

// VJP implements contract.AdjointLinear.
func (s *ReferenceSolver) VJP(_ context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	if _, _, err := s.check(m); err != nil {
		return nil, err
	}
	return along(m, w, dm, referenceData, referenceDim, applyT)
}

// ReferencePrior is the prior of the reference problem, with its exact denoiser. The latent vector is the model.
type ReferencePrior struct {
	Levels int // of the schedule; 0: 20

	mu  sync.RWMutex
	mix *mixture.Mixture
	sch *diffusion.Schedule
}

// Describe implements contract.Plugin.
func (r *ReferencePrior) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "reference", Version: "1", Numerics: "1", Doc: "A Gaussian mixture of three components in three coordinates."}
}

// Configure implements contract.Plugin. There are no options.
func (r *ReferencePrior) Configure(_ context.Context, c contract.Config) (contract.Configured, error) {
	var none struct{}
	if err := config.Decode(c.Options, &none); err != nil {
		return contract.Configured{}, fmt.Errorf("prior reference: %w: %w", contract.ErrInvalidOption, err)
	}
	mix, err := mixture.New(referenceMeans, referenceDim, nil, mixture.Factor(referenceFactor))
	if err != nil {
		return contract.Configured{}, err
	}
	levels := r.Levels
	if levels == 0 {
		levels = 20
	}
	sch, err := diffusion.Linear(levels, 1e-3, min(0.95, 12/float64(levels))) // alphabar at the end is about exp(-6)
	if err != nil {
		return contract.Configured{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mix, r.sch = mix, sch
	model, latent := vectorSpace("model", referenceDim), vectorSpace("latent", referenceDim)
	return contract.Configured{Options: json.RawMessage("{}"), Model: &model, Latent: &latent, Schedule: sch}, nil
}

func (r *ReferencePrior) state() (*mixture.Mixture, *diffusion.Schedule, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.mix == nil {
		return nil, nil, fmt.Errorf("prior reference: %w", contract.ErrNotConfigured)
	}
	return r.mix, r.sch, nil
}

// levels applies f at the level of every item.
func (r *ReferencePrior) levels(x *tensor.Tensor, level []int, out *tensor.Tensor, f func(i int, l *mixture.Level)) ([]contract.Status, error) {
	mix, sch, err := r.state()
	if err != nil {
		return nil, err
	}
	if err := x.Check("prior reference: x", tensor.Float64, -1, referenceDim); err != nil {
		return nil, err
	}
	if err := out.Check("prior reference: output", tensor.Float64, x.Batch(), referenceDim); err != nil {
		return nil, err
	}
	if len(level) != x.Batch() {
		return nil, fmt.Errorf("prior reference: %d items with %d levels: %w", x.Batch(), len(level), contract.ErrShape)
	}
	at := map[int]*mixture.Level{}
	for i, t := range level {
		if t < 0 || t >= sch.Steps() {
			return nil, fmt.Errorf("prior reference: item %d has level %d (allowed: 0..%d): %w", i, t, sch.Steps()-1, contract.ErrShape)
		}
		if at[t] == nil {
			if at[t], err = mix.At(sch.Alpha[t], sch.Sigma[t]); err != nil {
				return nil, err
			}
		}
	}
	return items(x, func(i int) { f(i, at[level[i]]) }), nil
}

// Denoise implements contract.Denoiser.
func (r *ReferencePrior) Denoise(_ context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	return r.levels(x, level, x0, func(i int, l *mixture.Level) { l.Denoise(x0.Item(i).Float64s(), x.Item(i).Float64s()) })
}

// DenoiseVJP implements contract.DenoiseAdjoint.
func (r *ReferencePrior) DenoiseVJP(_ context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	if err := w.Check("prior reference: w", tensor.Float64, x.Batch(), referenceDim); err != nil {
		return nil, err
	}
	return r.levels(x, level, dx, func(i int, l *mixture.Level) {
		l.VJP(dx.Item(i).Float64s(), x.Item(i).Float64s(), w.Item(i).Float64s())
	})
}

func (r *ReferencePrior) point(z *tensor.Tensor) error {
	if _, _, err := r.state(); err != nil {
		return err
	}
	return z.Check("prior reference: latent", tensor.Float64, -1, referenceDim)
}

// noData refuses the part of a joint prior that this one has not.
func noData(data *tensor.Tensor) error {
	if data != nil {
		return fmt.Errorf("prior reference decodes no data: %w", contract.ErrUnsupported)
	}
	return nil
}

// Decode implements contract.Decoder: the identity.
func (r *ReferencePrior) Decode(_ context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	if err := r.point(z); err != nil {
		return nil, err
	}
	if err := noData(data); err != nil || model == nil {
		return nil, err
	}
	if err := model.Check("prior reference: model", tensor.Float64, z.Batch(), referenceDim); err != nil {
		return nil, err
	}
	return items(z, func(i int) { model.Item(i).CopyFrom(z.Item(i)) }), nil
}

func same(y, x []float64) { copy(y, x) }

// DecodeVJP implements contract.DecodeAdjoint.
func (r *ReferencePrior) DecodeVJP(_ context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	if err := r.point(z); err != nil {
		return nil, err
	}
	if err := noData(wData); err != nil {
		return nil, err
	}
	return along(z, wModel, dz, referenceDim, referenceDim, same)
}

// DecodeJVP implements contract.DecodeTangent.
func (r *ReferencePrior) DecodeJVP(_ context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	if err := r.point(z); err != nil {
		return nil, err
	}
	if err := noData(dData); err != nil {
		return nil, err
	}
	return along(z, dz, dModel, referenceDim, referenceDim, same)
}

// Encode implements contract.Encoder: the identity.
func (r *ReferencePrior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	return r.Decode(ctx, model, z, data)
}

// Mixture implements contract.MixturePrior.
func (r *ReferencePrior) Mixture(context.Context) (*contract.Mixture, error) {
	mix, _, err := r.state()
	if err != nil {
		return nil, err
	}
	n := mix.N()
	return &contract.Mixture{Means: tensor.FromFloat64s(mix.Means, n, mix.Dim), Weights: tensor.FromFloat64s(mix.Weights, n),
		Covariance: tensor.FromFloat64s(referenceFactor, mix.Dim, mix.Dim)}, nil
}
