package compose

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// Observe replaces the observations: d (observations, data...) in the adapted data space, noiseStd > 0 of each real
// number of them. Without a data adapter they go to the solver, where they stay; otherwise they are copied and kept
// here. It must not run beside other calls.
func (c *Problem) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	if err := c.data.Check(c.name+": observations", d, -1); err != nil {
		return err
	}
	if len(noiseStd) != d.Batch() {
		return fmt.Errorf("%s: %d noise levels for %d observations: %w", c.name, len(noiseStd), d.Batch(), contract.ErrShape)
	}
	for i, tau := range noiseStd {
		if !(tau > 0) || math.IsInf(tau, 0) {
			return fmt.Errorf("%s: noise of observation %d is %g (allowed: positive, finite): %w", c.name, i, tau, contract.ErrInvalidOption)
		}
	}
	if s := c.delegate(); s != nil {
		if err := s.lacks(contract.CapMisfit); err != nil {
			return fmt.Errorf("%s has no %s: %w", c.name, contract.CapMisfit, err)
		}
		return s.s.Solver.Observe(ctx, d, noiseStd)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observed, c.noiseStd = d.Clone(), append([]float64(nil), noiseStd...)
	return nil
}

// Misfit fills phi[i] = 1/2 sum (F(z_i) - d_which[i])^2 / tau^2 and, unless nil, gradient (batch, latent...). Without a
// data adapter it is the solver's own misfit with the chain rule behind it; otherwise it is made here from the residual r:
// gradient = J^T r / tau^2. phi of an item that failed is NaN.
func (c *Problem) Misfit(ctx context.Context, z *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	if err := c.checkMisfit(z, which, phi, gradient); err != nil {
		return nil, err
	}
	w := c.begin(ctx, z)
	defer w.end()
	for i := range phi {
		phi[i] = math.NaN()
	}
	var back *tensor.Tensor // gradient with one direction per item
	if gradient != nil {
		back = gradient.Reshape(append([]int{w.n, 1}, c.latent.ItemShape()...)...)
	}
	var err error
	if s := c.delegate(); s != nil {
		err = w.solverMisfit(s, which, phi, back)
	} else {
		err = w.ownMisfit(which, phi, back)
	}
	if err != nil {
		return nil, err
	}
	for i := range phi {
		if contract.StatusAt(w.status, i).Code != contract.OK {
			phi[i] = math.NaN()
		}
	}
	return w.status, nil
}

func (c *Problem) checkMisfit(z *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) error {
	if err := c.checkPoint(z, nil); err != nil {
		return err
	}
	if len(which) != z.Batch() || len(phi) != z.Batch() {
		return fmt.Errorf("%s: misfit of %d items with %d observation numbers and %d results: %w", c.name, z.Batch(), len(which), len(phi), contract.ErrShape)
	}
	last := len(c.stages)
	if s := c.delegate(); s != nil {
		last--
		need := contract.CapMisfit
		if gradient != nil {
			need = contract.CapGradient
		}
		if err := s.lacks(need); err != nil {
			return fmt.Errorf("%s has no %s: %w", c.name, need, err)
		}
	}
	if gradient == nil {
		return nil
	}
	if err := c.needs(contract.CapVJP, 0, last); err != nil {
		return fmt.Errorf("%s has no %s: %w", c.name, contract.CapGradient, err)
	}
	return c.latent.Check(c.name+": gradient", gradient, z.Batch())
}

// solverMisfit asks the solver, which is the last stage and holds the observations.
func (w *walk) solverMisfit(s *solverStage, which []int, phi []float64, back *tensor.Tensor) error {
	last := len(w.c.stages) - 1
	if err := w.forward(last, nil); err != nil || len(w.live) == 0 {
		return err
	}
	ask, got := make([]int, len(w.live)), make([]float64, len(w.live))
	for j, i := range w.live {
		ask[j] = which[i]
	}
	var final, g, flat *tensor.Tensor // g (live, 1, model...), flat the same without the 1
	if back != nil {
		if last == 0 {
			final = back
		}
		var err error
		if g, err = w.target(final, s.in(), 1); err != nil {
			return err
		}
		flat = g.Reshape(s.in().BatchShape(len(w.live))...)
	}
	status, err := s.s.Solver.Misfit(w.ctx, w.at[last].t, ask, got, flat)
	if err != nil {
		return fmt.Errorf("%s: %s: misfit: %w", w.c.name, s.name(), err)
	}
	for j, i := range w.live {
		phi[i] = got[j]
	}
	if g != nil {
		w.dir = held{g, g != final}
	}
	if err := w.settle(s, status, g, final); err != nil || back == nil {
		return err
	}
	return w.pullBack(last, back)
}

// ownMisfit makes the misfit from the data and the observations that are kept here.
func (w *walk) ownMisfit(which []int, phi []float64, back *tensor.Tensor) error {
	c := w.c
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.observed == nil {
		return fmt.Errorf("%s: misfit: %w", c.name, contract.ErrNoObservation)
	}
	for i, o := range which {
		if o < 0 || o >= len(c.noiseStd) {
			return fmt.Errorf("%s: item %d asks for observation %d (allowed: 0..%d): %w", c.name, i, o, len(c.noiseStd)-1, contract.ErrNoObservation)
		}
	}
	last := len(c.stages)
	if err := w.forward(last, nil); err != nil || len(w.live) == 0 {
		return err
	}
	d := w.at[last].t
	var r *tensor.Tensor
	if back != nil {
		var err error
		if r, err = w.alloc(c.data.DType, append([]int{len(w.live), 1}, c.data.ItemShape()...)...); err != nil {
			return err
		}
	}
	var a, b []float64
	for j, i := range w.live {
		tau := c.noiseStd[which[i]]
		a = d.Item(j).AppendReals(a[:0])
		b = c.observed.Item(which[i]).AppendReals(b[:0])
		phi[i] = residual(a, b, tau)
		if r != nil {
			r.Item(j).SetReals(a)
		}
	}
	if back == nil {
		return nil
	}
	w.dir = held{r, true}
	return w.pullBack(last, back)
}

// residual turns d into (d - observed)/tau^2 and returns 1/2 sum (d - observed)^2 / tau^2. The sum is of partial sums
// of 1024 numbers, in order: a tree fixed by the length alone.
func residual(d, observed []float64, tau float64) float64 {
	sum := 0.0
	for lo := 0; lo < len(d); lo += 1024 {
		part := 0.0
		for i := lo; i < min(lo+1024, len(d)); i++ {
			r := (d[i] - observed[i]) / tau
			part = math.FMA(r, r, part)
			d[i] = r / tau
		}
		sum += part
	}
	return 0.5 * sum
}
