package acoustic

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// directionsAtOnce is how many directions share a forward run: a bound of their memory.
const directionsAtOnce = 8

// JVP implements contract.ForwardLinear: dd (batch, K, 1, ns, nt, nr) = J(m_i) dm, dm (batch or 1, K, 1, nz, nx). Statuses as
// Forward.
func (s *Solver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	c, _, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	return c.linear(ctx, "direction", m, dm, dd, &c.model, &c.data, func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error) {
		return nil, c.jvp(models, in, k, out)
	})
}

// VJP implements contract.AdjointLinear: dm (batch, K, 1, nz, nx) = J(m_i)^T w, w (batch or 1, K, 1, ns, nt, nr). Statuses as
// Forward.
func (s *Solver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	c, _, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	return c.linear(ctx, "cotangent", m, w, dm, &c.data, &c.model, func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error) {
		g := make([]float64, out.Len())
		return g, c.vjp(models, in, k, g)
	})
}

// linear checks the tensors of JVP and VJP and calls f for some models and directions at a time: in (models or 1, k, ...), out
// (models, k, ...), which f fills unless it returns what goes there.
func (s *setup) linear(ctx context.Context, what string, m, in, out *tensor.Tensor, from, to *space.Space,
	f func(models, in *tensor.Tensor, k int, out *tensor.Tensor) ([]float64, error)) ([]contract.Status, error) {
	if err := s.model.Check("solver acoustic: model", m, -1); err != nil {
		return nil, err
	}
	if err := in.Check("solver acoustic: "+what, from.DType, append([]int{-1, -1}, from.ItemShape()...)...); err != nil {
		return nil, err
	}
	batch, sets, all := m.Batch(), in.Shape[0], in.Shape[1]
	if sets != batch && sets != 1 {
		return nil, fmt.Errorf("%w: solver acoustic: %s has %d sets for %d models, want %d or 1", tensor.ErrShape, what, sets, batch, batch)
	}
	if err := out.Check("solver acoustic: result for the "+what, to.DType, append([]int{batch, all}, to.ItemShape()...)...); err != nil {
		return nil, err
	}
	return s.each(ctx, m, min(max(all, 1), directionsAtOnce), func(models *tensor.Tensor, items []int) ([]contract.Status, error) {
		var status []contract.Status
		for lo := 0; lo < all; lo += directionsAtOnce {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			k := min(directionsAtOnce, all-lo)
			some := func(sp *space.Space, n int) *tensor.Tensor {
				return tensor.New(sp.DType, append([]int{n, k}, sp.ItemShape()...)...)
			}
			x, y := some(from, len(items)), some(to, len(items))
			for j, i := range items {
				for d := range k {
					x.Item(j).Item(d).CopyFrom(in.Item(min(i, sets-1)).Item(lo + d))
				}
			}
			wide, err := f(models, x, k, y)
			if err != nil {
				return nil, err
			}
			if wide != nil {
				store(y, wide, 1)
			}
			for j, i := range items {
				for d := range k {
					part := y.Item(j).Item(d)
					if !finite(part) {
						status = contract.SetStatus(status, len(items), j, contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("the result for %s %d is not finite", what, lo+d)})
					}
					out.Item(i).Item(lo + d).CopyFrom(part)
				}
			}
		}
		return status, nil
	})
}
