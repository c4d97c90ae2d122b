package calls

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Spaces are the model and the data of one configuration of a solver.
type Spaces struct {
	// Solver is the plugin's name, for errors.
	Solver string
	// Model and Data are what Configure answered.
	Model, Data space.Space
}

func (s *Spaces) check(what string, sp *space.Space, t *tensor.Tensor, n int) error {
	return sp.Check("solver "+s.Solver+": "+what, t, n)
}

// CheckForward is an error unless m (batch, model...) are models and d (batch, data...) has a place for the data of each.
func (s *Spaces) CheckForward(m, d *tensor.Tensor) error {
	if err := s.check("model", &s.Model, m, -1); err != nil {
		return err
	}
	return s.check("data", &s.Data, d, m.Batch())
}

// CheckMisfit checks a call of Misfit: models m (batch, model...), gradient alike or nil, which and phi (batch), and that
// every number in which is one of obs; obs may be nil. Errors: ErrShape; ErrNoObservation.
func (s *Spaces) CheckMisfit(obs *Observations, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) error {
	if err := s.check("model", &s.Model, m, -1); err != nil {
		return err
	}
	batch := m.Batch()
	if gradient != nil {
		if err := s.check("gradient", &s.Model, gradient, batch); err != nil {
			return err
		}
	}
	if len(which) != batch || len(phi) != batch {
		return fmt.Errorf("%w: solver %s: %d models with %d observation numbers and %d places for misfits",
			tensor.ErrShape, s.Solver, batch, len(which), len(phi))
	}
	if obs == nil {
		return fmt.Errorf("solver %s: Misfit before Observe: %w", s.Solver, contract.ErrNoObservation)
	}
	for i, k := range which {
		if k < 0 || k >= len(obs.Tau) {
			return fmt.Errorf("solver %s: item %d asks for observation %d, there are %d (0..%d): %w", s.Solver, i, k,
				len(obs.Tau), len(obs.Tau)-1, contract.ErrNoObservation)
		}
	}
	return nil
}

// CheckTangent checks a call of JVP, K directions dm (batch or 1, K, model...) to dd (batch, K, data...), and returns K.
func (s *Spaces) CheckTangent(m, dm, dd *tensor.Tensor) (int, error) {
	return s.directions("direction", m, dm, dd, &s.Model, &s.Data)
}

// CheckAdjoint checks a call of VJP, K cotangents w (batch or 1, K, data...) to dm (batch, K, model...), and returns K.
func (s *Spaces) CheckAdjoint(m, w, dm *tensor.Tensor) (int, error) {
	return s.directions("cotangent", m, w, dm, &s.Data, &s.Model)
}

func (s *Spaces) directions(what string, m, in, out *tensor.Tensor, from, to *space.Space) (int, error) {
	if err := s.check("model", &s.Model, m, -1); err != nil {
		return 0, err
	}
	if err := in.Check("solver "+s.Solver+": "+what, from.DType, append([]int{-1, -1}, from.ItemShape()...)...); err != nil {
		return 0, err
	}
	batch, sets, k := m.Batch(), in.Shape[0], in.Shape[1]
	if sets != batch && sets != 1 {
		return 0, fmt.Errorf("%w: solver %s: %s has %d sets for %d models, want %d or 1", tensor.ErrShape, s.Solver, what, sets, batch, batch)
	}
	return k, out.Check("solver "+s.Solver+": result for the "+what, to.DType, append([]int{batch, k}, to.ItemShape()...)...)
}

// Set is the set of directions of item i, where CheckTangent or CheckAdjoint has passed t: one per item, or one for all.
func Set(t *tensor.Tensor, i int) *tensor.Tensor { return t.Item(min(i, t.Shape[0]-1)) }

// Observations are what Observe left.
type Observations struct {
	D   *tensor.Tensor // (k, data...)
	Tau []float64      // (k) standard deviation of the noise of each real number
}

// Observe copies the arguments of a call of Observe: d (k, data...) and noiseStd (k). Errors: a wrong shape; ErrInvalidOption
// for a datum that is not finite or outside its bounds, and for a noise that is not finite and above 0.
func (s *Spaces) Observe(d *tensor.Tensor, noiseStd []float64) (*Observations, error) {
	if err := s.check("observation", &s.Data, d, len(noiseStd)); err != nil {
		return nil, err
	}
	for i, tau := range noiseStd {
		if !(tau > 0) || math.IsInf(tau, 0) {
			return nil, fmt.Errorf("solver %s: observation %d: noise standard deviation is %g, it must be above 0 and finite: %w",
				s.Solver, i, tau, contract.ErrInvalidOption)
		}
		if text, ok := s.Data.FirstOutside(d.Item(i)); !ok {
			return nil, fmt.Errorf("solver %s: observation %d: %s: %w", s.Solver, i, text, contract.ErrInvalidOption)
		}
	}
	return &Observations{D: d.Clone(), Tau: append([]float64(nil), noiseStd...)}, nil
}

// Items gives every item of m the status that judge says of it; nil where all are OK.
func Items(m *tensor.Tensor, judge func(item *tensor.Tensor) contract.Status) []contract.Status {
	var status []contract.Status
	for i := range m.Batch() {
		status = contract.SetStatus(status, m.Batch(), i, judge(m.Item(i)))
	}
	return status
}

// Good lists the items of a batch whose status is OK, in order.
func Good(batch int, status []contract.Status) []int {
	var items []int
	for i := range batch {
		if contract.StatusAt(status, i).Code == contract.OK {
			items = append(items, i)
		}
	}
	return items
}

// Store writes v times scale to the real tensor t, as many numbers as it has, rounded to its dtype, and reports whether all
// are finite there.
func Store(t *tensor.Tensor, v []float64, scale float64) bool {
	if t.DType == tensor.Float32 {
		out := t.Float32s()[:len(v)]
		for i, x := range v {
			out[i] = float32(x * scale)
		}
	} else {
		out := t.Float64s()[:len(v)]
		for i, x := range v {
			out[i] = x * scale
		}
	}
	return t.Finite()
}
