package helmholtz

import (
	"context"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Observe implements contract.Misfitter: d (k, nf, ns, nr) and tau (k) are copied. Errors: a wrong shape, a datum that is
// not finite, a tau that is not above 0.
func (s *Solver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	c, _, err := s.state()
	if err != nil {
		return err
	}
	obs, err := c.Spaces.Observe(d, noiseStd)
	if err != nil {
		return err
	}
	return s.kept.Observe("helmholtz", c, obs)
}

// Misfit implements contract.Misfitter: phi_i = 1/2 sum |F(m_i) - d_which[i]|^2 / tau^2, and d phi_i/d m_i in gradient
// (batch, 1, nz, nx), per s2/km2, unless it is nil. Statuses as Forward; DIVERGED also where phi or the gradient overflows.
// Errors: ErrNoObservation.
func (s *Solver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	c, obs, err := s.state()
	if err != nil {
		return nil, err
	}
	if err := c.CheckMisfit(obs, m, which, phi, gradient); err != nil {
		return nil, err
	}
	sums := make([]ordered, m.Batch())
	return c.compute(ctx, m, c.check(m), c.misfitTask(obs, which, phi, gradient), func(w *worker, item, f int) contract.Status {
		p, st := c.misfit(w, m.Item(item), f, obs, which[item], gradient != nil)
		if st.Code == contract.OK && sums[item].add(f, len(c.hz), p) {
			phi[item] = sums[item].sum.phi
			if gradient != nil && !calls.Store(gradient.Item(item), sums[item].sum.g, 1) || !(phi[item] <= maxFinite) {
				st = overflow
			}
			sums[item] = ordered{}
		}
		return st
	})
}

var overflow = contract.Status{Code: contract.Diverged, Text: "the misfit or its gradient overflows"}

// misfit is the share of one frequency in phi and its gradient.
func (c *setup) misfit(w *worker, m *tensor.Tensor, f int, obs *calls.Observations, which int, gradient bool) (part, contract.Status) {
	n := c.perFrequency()
	r := make([]complex128, n)
	if st := c.background(w, m, f, r); st.Code != contract.OK {
		return part{}, st
	}
	d, tau := make([]complex128, n), obs.Tau[which]
	load(obs.D, (which*len(c.hz)+f)*n, d)
	sum := 0.0
	for i := range r {
		r[i] -= d[i]
		re, im := real(r[i])/tau, imag(r[i])/tau
		sum += re*re + im*im
	}
	p := part{phi: 0.5 * sum}
	if !gradient {
		return p, contract.Status{}
	}
	p.g = make([]float64, c.nz*c.nx)
	pads := w.padded(1)
	scale := powerOfTwo(largest(r))
	for i, v := range r {
		r[i] = complex(real(v)*scale, imag(v)*scale)
	}
	if err := w.adjoint([][]complex128{r}, pads); err != nil {
		return part{}, contract.Status{Code: contract.Failed, Text: err.Error()}
	}
	c.foldEdges(pads[0], p.g, c.layer)
	for i := range p.g {
		p.g[i] = p.g[i] / scale / tau / tau
	}
	return p, contract.Status{}
}

// largest returns the largest modulus of a real or imaginary part, NaN where there is a NaN.
func largest(d []complex128) float64 {
	top := 0.0
	for _, v := range d {
		top = max(top, math.Abs(real(v)), math.Abs(imag(v)))
	}
	return top
}
