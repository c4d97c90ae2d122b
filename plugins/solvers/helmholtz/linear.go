package helmholtz

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// JVP implements contract.ForwardLinear: dd (batch, K, nf, ns, nr) = J(m_i) dm, dm (batch or 1, K, 1, nz, nx). Per item and
// frequency it is one factorisation, the background fields, and K ns right-hand sides: for each direction and shot
// S du = -mass dm u. Statuses as Forward.
//
// (With fields G_r of unit sources at the receivers the same is -sum_i mass_i dm_i u_i G_ri: ns + nr solves, and then ns nr n
// complex products per direction, n the padded nodes. A solve costs some 2 x 230 000 of them at the study's small set-up
// and 2 x 2.7 million at its published one, so K ns solves are 2.3 million products per direction against 1.4, and 82
// million against 199: no gain worth a second way with bits of its own.)
func (s *Solver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	k, err := c.CheckTangent(m, dm, dd)
	if err != nil {
		return nil, err
	}
	n, cells := c.perFrequency(), c.nz*c.nx
	return c.compute(ctx, m, c.check(m), c.jvpTask(dm, dd, k), func(w *worker, item, f int) contract.Status {
		all := make([]complex128, (k+1)*n)
		if st := c.background(w, m.Item(item), f, all[k*n:]); st.Code != contract.OK {
			return st
		}
		set := calls.Set(dm, item)
		out := dd.Item(item)
		for lo := 0; lo < k; lo += directionsAtOnce {
			hi := min(lo+directionsAtOnce, k)
			pads, scales := w.padded(hi-lo), make([]float64, hi-lo)
			parts := make([][]complex128, hi-lo)
			for j := range pads {
				parts[j] = all[(lo+j)*n:][:n]
				scales[j] = powerOfTwo(largestReal(set, (lo+j)*cells, cells))
				c.pad(set, (lo+j)*cells, scales[j], pads[j])
			}
			if err := w.tangent(pads, parts); err != nil {
				return contract.Status{Code: contract.Failed, Text: err.Error()}
			}
			for j, p := range parts {
				for i, v := range p {
					p[i] = complex(real(v)/scales[j], imag(v)/scales[j])
				}
				if !finite(p) {
					return contract.Status{Code: contract.Diverged, Text: fmt.Sprintf("at %g Hz: the data's change along direction %d is not finite", c.hz[f], lo+j)}
				}
				store(out, ((lo+j)*len(c.hz)+f)*n, p)
			}
		}
		return contract.Status{}
	})
}

// VJP implements contract.AdjointLinear: dm (batch, K, 1, nz, nx) = Re J(m_i)^H w, w (batch or 1, K, nf, ns, nr): per item
// and frequency one factorisation, the background fields, and K ns right-hand sides. With edge_gradient = "published" the
// absorbing layer's share is missing here as in the gradient, and VJP is not the transpose of JVP. Statuses as Forward.
func (s *Solver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	c, _, err := s.state()
	if err != nil {
		return nil, err
	}
	k, err := c.CheckAdjoint(m, w, dm)
	if err != nil {
		return nil, err
	}
	n, cells := c.perFrequency(), c.nz*c.nx
	sums := make([]ordered, m.Batch())
	return c.compute(ctx, m, c.check(m), c.vjpTask(w, dm, k), func(wk *worker, item, f int) contract.Status {
		r := make([]complex128, min(k, directionsAtOnce)*n)
		if st := c.background(wk, m.Item(item), f, r[:n:n]); st.Code != contract.OK {
			return st
		}
		set := calls.Set(w, item)
		p := part{g: make([]float64, k*cells)}
		for lo := 0; lo < k; lo += directionsAtOnce {
			hi := min(lo+directionsAtOnce, k)
			pads, scales := wk.padded(hi-lo), make([]float64, hi-lo)
			parts := make([][]complex128, hi-lo)
			for j := range parts {
				parts[j] = r[j*n:][:n]
				load(set, ((lo+j)*len(c.hz)+f)*n, parts[j])
				scales[j] = powerOfTwo(largest(parts[j]))
				for i, v := range parts[j] {
					parts[j][i] = complex(real(v)*scales[j], imag(v)*scales[j])
				}
			}
			if err := wk.adjoint(parts, pads); err != nil {
				return contract.Status{Code: contract.Failed, Text: err.Error()}
			}
			for j := range pads {
				g := p.g[(lo+j)*cells:][:cells]
				c.foldEdges(pads[j], g, c.layer)
				for i := range g {
					g[i] /= scales[j]
				}
			}
		}
		st := contract.Status{}
		if sums[item].add(f, len(c.hz), p) {
			if !calls.Store(dm.Item(item), sums[item].sum.g, 1) {
				st = contract.Status{Code: contract.Diverged, Text: "a gradient overflows"}
			}
			sums[item] = ordered{}
		}
		return st
	})
}

// largestReal returns the largest modulus of n elements of t from `from` on, NaN where there is a NaN.
func largestReal(t *tensor.Tensor, from, n int) float64 {
	top := 0.0
	if t.DType == tensor.Float32 {
		for _, v := range t.Float32s()[from : from+n] {
			top = max(top, math.Abs(float64(v)))
		}
		return top
	}
	for _, v := range t.Float64s()[from : from+n] {
		top = max(top, math.Abs(v))
	}
	return top
}
