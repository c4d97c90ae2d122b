package compose

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// stage is one map of the composition, on batches; the calls are as in contract.Solver.
type stage interface {
	name() string
	description() *contract.Description // nil for an adapter
	in() *space.Space
	out() *space.Space
	lacks(contract.Capability) error // CapJVP, CapVJP: nil if it can
	constantJacobian() bool          // x may then be nil in jvp and vjp
	apply(ctx context.Context, x, y *tensor.Tensor) ([]contract.Status, error)
	jvp(ctx context.Context, x, dx, dy *tensor.Tensor) ([]contract.Status, error)
	vjp(ctx context.Context, x, w, dx *tensor.Tensor) ([]contract.Status, error)
}

// adapterStage is a space.Adapter.
type adapterStage struct{ a *space.Adapter }

func (s *adapterStage) name() string                       { return s.a.Name() }
func (s *adapterStage) description() *contract.Description { return nil }
func (s *adapterStage) in() *space.Space                   { return s.a.In() }
func (s *adapterStage) out() *space.Space                  { return s.a.Out() }
func (s *adapterStage) lacks(contract.Capability) error    { return nil }
func (s *adapterStage) constantJacobian() bool             { return s.a.ConstantJacobian() }

func (s *adapterStage) apply(_ context.Context, x, y *tensor.Tensor) ([]contract.Status, error) {
	return statusOf(s.a.Apply(x, y))
}

func (s *adapterStage) jvp(_ context.Context, x, dx, dy *tensor.Tensor) ([]contract.Status, error) {
	return statusOf(s.a.JVP(x, dx, dy))
}

func (s *adapterStage) vjp(_ context.Context, x, w, dx *tensor.Tensor) ([]contract.Status, error) {
	return statusOf(s.a.VJP(x, w, dx))
}

// statusOf turns an adapter's errors per item into statuses: a value that cannot be mapped is out of bounds.
func statusOf(items []error, err error) ([]contract.Status, error) {
	var st []contract.Status
	for i, e := range items {
		if e != nil {
			st = contract.SetStatus(st, len(items), i, contract.Status{Code: contract.OutOfBounds, Text: e.Error()})
		}
	}
	return st, err
}

// solverStage is a solver.
type solverStage struct{ s *contract.SolverService }

func newSolverStage(s *contract.SolverService) *solverStage { return &solverStage{s} }

func (s *solverStage) name() string                       { return "solver " + s.s.Description.Name }
func (s *solverStage) description() *contract.Description { return &s.s.Description }
func (s *solverStage) in() *space.Space                   { return s.s.Configured.Model }
func (s *solverStage) out() *space.Space                  { return s.s.Configured.Data }
func (s *solverStage) constantJacobian() bool             { return false }

func (s *solverStage) lacks(c contract.Capability) error {
	if s.s.Description.Has(c) {
		return nil
	}
	return contract.Unsupported(s.s.Description, c)
}

func (s *solverStage) apply(ctx context.Context, x, y *tensor.Tensor) ([]contract.Status, error) {
	return s.s.Solver.Forward(ctx, x, y)
}

func (s *solverStage) jvp(ctx context.Context, x, dx, dy *tensor.Tensor) ([]contract.Status, error) {
	return s.s.Solver.JVP(ctx, x, dx, dy)
}

func (s *solverStage) vjp(ctx context.Context, x, w, dx *tensor.Tensor) ([]contract.Status, error) {
	return s.s.Solver.VJP(ctx, x, w, dx)
}

// decoderStage is a prior's Decode, to the model or to the data.
type decoderStage struct {
	p    *contract.PriorService
	data bool
	to   *space.Space
}

// decodeStage refuses a prior that does not decode to what is wanted.
func decodeStage(p *contract.PriorService, data bool) (*decoderStage, error) {
	s := &decoderStage{p: p, data: data, to: p.Configured.Model}
	if data {
		s.to = p.Configured.Data
	}
	if !p.Description.Has(contract.CapDecode) {
		return nil, contract.Unsupported(p.Description, contract.CapDecode)
	}
	if p.Configured.Latent == nil {
		return nil, fmt.Errorf("prior %s names no latent space: %w", p.Description.Name, contract.ErrNotConfigured)
	}
	if s.to == nil {
		return nil, fmt.Errorf("prior %s does not decode to %s: %w", p.Description.Name, s.what(), contract.ErrUnsupported)
	}
	return s, nil
}

func (s *decoderStage) what() string {
	if s.data {
		return "data"
	}
	return "a model"
}

func (s *decoderStage) name() string                       { return "prior " + s.p.Description.Name }
func (s *decoderStage) description() *contract.Description { return &s.p.Description }
func (s *decoderStage) in() *space.Space                   { return s.p.Configured.Latent }
func (s *decoderStage) out() *space.Space                  { return s.to }
func (s *decoderStage) constantJacobian() bool             { return false }

func (s *decoderStage) lacks(c contract.Capability) error {
	need := contract.CapDecodeVJP
	if c == contract.CapJVP {
		need = contract.CapDecodeJVP
	}
	if s.p.Description.Has(need) {
		return nil
	}
	return contract.Unsupported(s.p.Description, need)
}

// split puts a tensor in the place of the model or of the data.
func (s *decoderStage) split(t *tensor.Tensor) (model, data *tensor.Tensor) {
	if s.data {
		return nil, t
	}
	return t, nil
}

func (s *decoderStage) apply(ctx context.Context, x, y *tensor.Tensor) ([]contract.Status, error) {
	m, d := s.split(y)
	return s.p.Prior.Decode(ctx, x, m, d)
}

func (s *decoderStage) jvp(ctx context.Context, x, dx, dy *tensor.Tensor) ([]contract.Status, error) {
	m, d := s.split(dy)
	return s.p.Prior.DecodeJVP(ctx, x, dx, m, d)
}

func (s *decoderStage) vjp(ctx context.Context, x, w, dx *tensor.Tensor) ([]contract.Status, error) {
	m, d := s.split(w)
	return s.p.Prior.DecodeVJP(ctx, x, m, d, dx)
}
