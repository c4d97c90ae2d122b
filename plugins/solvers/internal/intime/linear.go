package intime

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// directionsAtOnce is how many directions share a forward run: a bound of their memory.
const directionsAtOnce = 8

// JVP implements contract.ForwardLinear: dd (batch, K, data...) = J(m_i) dm, dm (batch or 1, K, model...). Statuses as Forward.
func (s *Solver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	c, _, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := c.CheckTangent(m, dm, dd)
	if err != nil {
		return nil, err
	}
	return c.linear(ctx, "direction", all, m, dm, dd, func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error) {
		return nil, c.jvp(models, in, k, out)
	})
}

// VJP implements contract.AdjointLinear: dm (batch, K, model...) = J(m_i)^T w, w (batch or 1, K, data...). Statuses as Forward.
func (s *Solver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	c, _, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	all, err := c.CheckAdjoint(m, w, dm)
	if err != nil {
		return nil, err
	}
	return c.linear(ctx, "cotangent", all, m, w, dm, func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error) {
		g := make([]float64, out.Len())
		return g, c.vjp(models, in, k, g)
	})
}

// linear calls f for some models and directions at a time: in (models, k, ...), out (models, k, ...), which f fills unless it
// returns what goes there. The tensors have been checked; there are all directions for each model.
func (s *Setup) linear(ctx context.Context, what string, all int, m, in, out *tensor.Tensor,
	f func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error)) ([]contract.Status, error) {
	return s.each(ctx, m, min(max(all, 1), directionsAtOnce), func(models *tensor.Tensor, items []int) ([]contract.Status, error) {
		var status []contract.Status
		for lo := 0; lo < all; lo += directionsAtOnce {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			k := min(directionsAtOnce, all-lo)
			some := func(like *tensor.Tensor) *tensor.Tensor {
				return tensor.New(like.DType, append([]int{len(items), k}, like.Shape[2:]...)...)
			}
			x, y := some(in), some(out)
			for j, i := range items {
				for d := range k {
					x.Item(j).Item(d).CopyFrom(calls.Set(in, i).Item(lo + d))
				}
			}
			wide, err := f(models, x, k, y)
			if err != nil {
				return nil, err
			}
			if wide != nil {
				calls.Store(y, wide, 1)
			}
			for j, i := range items {
				for d := range k {
					part := y.Item(j).Item(d)
					if !part.Finite() {
						status = contract.SetStatus(status, len(items), j, contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("the result for %s %d is not finite", what, lo+d)})
					}
					out.Item(i).Item(lo + d).CopyFrom(part)
				}
			}
		}
		return status, nil
	})
}
