package helmholtz

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// Observe implements contract.Misfitter: d (k, nf, ns, nr) and tau (k) are copied. Errors: a wrong shape, a datum that is
// not finite, a tau that is not above 0.
func (s *Solver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	c, _, err := s.state()
	if err != nil {
		return err
	}
	if err := c.data.Check("solver helmholtz: observation", d, len(noiseStd)); err != nil {
		return err
	}
	for i, tau := range noiseStd {
		if !(tau > 0) || math.IsInf(tau, 0) {
			return fmt.Errorf("solver helmholtz: observation %d: noise standard deviation is %g, it must be above 0 and finite: %w",
				i, tau, contract.ErrInvalidOption)
		}
	}
	obs := &observations{d: make([]complex128, d.Len()), tau: append([]float64(nil), noiseStd...)}
	load(d, 0, obs.d)
	for i := range noiseStd {
		if text, ok := c.data.FirstOutside(d.Item(i)); !ok {
			return fmt.Errorf("solver helmholtz: observation %d: %s: %w", i, text, contract.ErrInvalidOption)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg != c {
		return fmt.Errorf("solver helmholtz: configured anew during Observe: %w", contract.ErrNotConfigured)
	}
	s.obs = obs
	return nil
}

// Misfit implements contract.Misfitter: phi_i = 1/2 sum |F(m_i) - d_which[i]|^2 / tau^2, and d phi_i/d m_i in gradient
// (batch, 1, nz, nx), per s2/km2, unless it is nil. Statuses as Forward; DIVERGED also where phi or the gradient overflows.
// Errors: ErrNoObservation.
func (s *Solver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	c, obs, err := s.state()
	if err != nil {
		return nil, err
	}
	if err := c.model.Check("solver helmholtz: model", m, -1); err != nil {
		return nil, err
	}
	batch := m.Batch()
	if gradient != nil {
		if err := c.model.Check("solver helmholtz: gradient", gradient, batch); err != nil {
			return nil, err
		}
	}
	if len(which) != batch || len(phi) != batch {
		return nil, fmt.Errorf("%w: solver helmholtz: %d models with %d observation numbers and %d places for misfits",
			tensor.ErrShape, batch, len(which), len(phi))
	}
	if obs == nil {
		return nil, fmt.Errorf("solver helmholtz: Misfit before Observe: %w", contract.ErrNoObservation)
	}
	for i, k := range which {
		if k < 0 || k >= len(obs.tau) {
			return nil, fmt.Errorf("solver helmholtz: item %d asks for observation %d, there are %d (0..%d): %w", i, k,
				len(obs.tau), len(obs.tau)-1, contract.ErrNoObservation)
		}
	}
	sums := make([]ordered, batch)
	return c.compute(ctx, m, c.check(m), c.misfitTask(obs, which, phi, gradient), func(w *worker, item, f int) contract.Status {
		p, st := c.misfit(w, m.Item(item), f, obs, which[item], gradient != nil)
		if st.Code == contract.OK && sums[item].add(f, len(c.hz), p) {
			phi[item] = sums[item].sum.phi
			if gradient != nil && !storeReals(gradient.Item(item), 0, sums[item].sum.g) || !(phi[item] <= maxFinite) {
				st = overflow
			}
			sums[item] = ordered{}
		}
		return st
	})
}

var overflow = contract.Status{Code: contract.Diverged, Text: "the misfit or its gradient overflows"}

// misfit is the share of one frequency in phi and its gradient.
func (c *setup) misfit(w *worker, m *tensor.Tensor, f int, obs *observations, which int, gradient bool) (part, contract.Status) {
	n := c.perFrequency()
	r := make([]complex128, n)
	if st := c.background(w, m, f, r); st.Code != contract.OK {
		return part{}, st
	}
	d, tau := obs.d[(which*len(c.hz)+f)*n:][:n], obs.tau[which]
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

// storeReals writes v to the elements of t from `from` on, rounded to t's dtype, and reports whether all are finite there.
func storeReals(t *tensor.Tensor, from int, v []float64) bool {
	ok := true
	if t.DType == tensor.Float64 {
		copy(t.Float64s()[from:], v)
		for _, x := range v {
			ok = ok && math.Abs(x) <= maxFinite
		}
		return ok
	}
	out := t.Float32s()[from : from+len(v)]
	for i, x := range v {
		out[i] = float32(x)
		ok = ok && math.Abs(x) <= math.MaxFloat32
	}
	return ok
}
