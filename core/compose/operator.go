package compose

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Operator returns a solver, composed or not, as functions of the real numbers of one item, for package gradcheck. model
// and data are the solver's spaces. An item that fails is an error with its status.
func Operator(ctx context.Context, s contract.FullSolver, model, data *space.Space) gradcheck.Operator {
	run := func(in, out *space.Space, x, u []float64, call func(m, u, v *tensor.Tensor) ([]contract.Status, error)) ([]float64, error) {
		m, v := model.New(1), out.New(1)
		if len(x) != m.Reals() || len(u) != in.Reals() {
			return nil, fmt.Errorf("compose: %d and %d numbers for %v and %v: %w", len(x), len(u), model, in, contract.ErrShape)
		}
		m.SetReals(x)
		d := in.New(1)
		d.SetReals(u)
		st, err := call(m, one(d), one(v))
		if err == nil && contract.StatusAt(st, 0).Code != contract.OK {
			err = fmt.Errorf("compose: %v", st[0])
		}
		return v.AppendReals(nil), err
	}
	return gradcheck.Operator{
		F: func(x []float64) ([]float64, error) {
			return run(model, data, x, x, func(m, _, v *tensor.Tensor) ([]contract.Status, error) {
				return s.Forward(ctx, m, v.Reshape(data.BatchShape(1)...))
			})
		},
		JVP: func(x, dx []float64) ([]float64, error) {
			return run(model, data, x, dx, func(m, u, v *tensor.Tensor) ([]contract.Status, error) { return s.JVP(ctx, m, u, v) })
		},
		VJP: func(x, w []float64) ([]float64, error) {
			return run(data, model, x, w, func(m, u, v *tensor.Tensor) ([]contract.Status, error) { return s.VJP(ctx, m, u, v) })
		},
	}
}

// one views a batch of one item as one direction of one item.
func one(t *tensor.Tensor) *tensor.Tensor { return t.Reshape(append([]int{1}, t.Shape...)...) }
