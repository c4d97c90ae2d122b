package intime

import (
	"context"
	"math"
	"slices"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// Observe implements contract.Misfitter: d (k, data...) and tau (k) are copied. Errors: a wrong shape, a datum that is
// not finite, a tau that is not above 0.
func (s *Solver) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	c, _, done, err := s.state()
	if err != nil {
		return err
	}
	defer done()
	obs, err := c.Spaces.Observe(d, noiseStd)
	if err != nil {
		return err
	}
	return s.kept.Observe(c.Solver, c, obs)
}

// Misfit implements contract.Misfitter: phi_i = 1/2 sum (F(m_i) - d_which[i])^2/tau^2, and d phi_i/d m_i in gradient
// (batch, model...), per unit of the model, unless it is nil. Statuses as Forward; DIVERGED also where phi or the gradient overflows.
// Errors: ErrNoObservation.
func (s *Solver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	c, obs, done, err := s.state()
	if err != nil {
		return nil, err
	}
	defer done()
	if err := c.CheckMisfit(obs, m, which, phi, gradient); err != nil {
		return nil, err
	}
	return c.each(ctx, m, 1, func(models *tensor.Tensor, items []int) ([]contract.Status, error) {
		out, g := c.Data.New(len(items)), []float64(nil)
		var err error
		if gradient == nil {
			err = c.forward(models, out)
		} else {
			observed, of := asked(obs.D, items, which)
			g = make([]float64, len(items)*c.Model.Len())
			err = c.gradient(models, observed, of, out, g)
		}
		if err != nil {
			return nil, err
		}
		var status []contract.Status
		for k, i := range items {
			tau := obs.Tau[which[i]]
			phi[i] = misfit(out.Item(k), obs.D.Item(which[i]), tau)
			ok := phi[i] <= math.MaxFloat64 && out.Item(k).Finite()
			if gradient != nil {
				ok = calls.Store(gradient.Item(i), g[k*c.Model.Len():][:c.Model.Len()], 1/tau/tau) && ok
			}
			if !ok {
				status = contract.SetStatus(status, len(items), k, contract.Status{Code: contract.Diverged, Text: "the data, the misfit or its gradient are not finite"})
			}
		}
		return status, nil
	})
}

// asked are the observations of some items, and which of them is each item's: a plan takes all that it is given to its device.
func asked(all *tensor.Tensor, items, which []int) (observed *tensor.Tensor, of []int) {
	var rows []int
	for _, i := range items {
		k := slices.Index(rows, which[i])
		if k < 0 {
			k = len(rows)
			rows = append(rows, which[i])
		}
		of = append(of, k)
	}
	if len(rows) == 1 {
		return all.Slice(rows[0], rows[0]+1), of
	}
	observed = tensor.New(all.DType, append([]int{len(rows)}, all.Shape[1:]...)...)
	for k, row := range rows {
		observed.Item(k).CopyFrom(all.Item(row))
	}
	return observed, of
}

// misfit is 1/2 sum (d - observed)^2/tau^2, in float64 in the order of the data. The difference is taken in the data's own
// type: it is the one that the gradient belongs to.
func misfit(d, observed *tensor.Tensor, tau float64) float64 {
	sum := 0.0
	if d.DType == tensor.Float32 {
		o := observed.Float32s()
		for i, x := range d.Float32s() {
			r := float64(x-o[i]) / tau
			sum += r * r
		}
		return sum / 2
	}
	o := observed.Float64s()
	for i, x := range d.Float64s() {
		r := (x - o[i]) / tau
		sum += r * r
	}
	return sum / 2
}
