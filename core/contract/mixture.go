package contract

import (
	"fmt"

	"github.com/waveprior/waveprior/core/mixture"
	"github.com/waveprior/waveprior/core/tensor"
)

// Closed returns the mixture in closed form (package mixture), after checking every shape. The tensors are shared.
// Errors wrap ErrShape or are those of mixture.New.
func (m *Mixture) Closed() (*mixture.Mixture, error) {
	if m == nil {
		return nil, fmt.Errorf("mixture: none: %w", ErrShape)
	}
	if err := m.Means.Check("mixture: means", tensor.Float64, -1, -1); err != nil {
		return nil, err
	}
	n, d := m.Means.Shape[0], m.Means.Shape[1]
	if err := m.Weights.Check("mixture: weights", tensor.Float64, n); err != nil {
		return nil, err
	}
	c := m.Covariance
	var cov mixture.Covariance
	switch {
	case c != nil && len(c.Shape) == 1 && c.Shape[0] == 1:
		if err := c.Check("mixture: covariance", tensor.Float64, 1); err != nil {
			return nil, err
		}
		cov = mixture.Isotropic(c.Float64s()[0])
	case c != nil && len(c.Shape) == 1:
		if err := c.Check("mixture: covariance", tensor.Float64, d); err != nil {
			return nil, err
		}
		cov = mixture.Diagonal(c.Float64s())
	default:
		if err := c.Check("mixture: covariance", tensor.Float64, d, d); err != nil {
			return nil, err
		}
		cov = mixture.Factor(c.Float64s())
	}
	return mixture.New(m.Means.Float64s(), d, m.Weights.Float64s(), cov)
}
