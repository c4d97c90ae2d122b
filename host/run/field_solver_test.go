package run_test

import (
	"context"
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// Fields of the test solver: 12 x 14 cells of squared slowness, seen through 10 cosine sums.
const (
	fieldNZ, fieldNX = 12, 14
	fieldSpacing     = 125.0
	fieldData        = 10
)

// cosines is a linear solver of fields: d_k = sum over cells of cos(pi k (iz/nz + ix/nx)) m.
type cosines struct {
	d   *tensor.Tensor
	tau []float64
}

func (*cosines) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSolver, Name: "cosines", Version: "0", Numerics: "1"}
}

func (*cosines) Configure(context.Context, contract.Config) (contract.Configured, error) {
	return contract.Configured{
		Model: &space.Space{Name: "model", DType: tensor.Float32, Quantities: []space.Quantity{{Name: "squared_slowness", Unit: "s2/km2"}},
			Axes: []space.Axis{{Name: "field", Size: 1}, {Name: "z", Unit: "m", Size: fieldNZ, Step: fieldSpacing}, {Name: "x", Unit: "m", Size: fieldNX, Step: fieldSpacing}}},
		Data: &space.Space{Name: "data", DType: tensor.Float64, Quantities: []space.Quantity{{Name: "pressure", Unit: "1"}}, Axes: []space.Axis{{Name: "receiver", Size: fieldData}}},
	}, nil
}

func weight(k, cell int) float64 {
	return math.Cos(math.Pi * float64(k) * (float64(cell/fieldNX)/fieldNZ + float64(cell%fieldNX)/fieldNX))
}

func (*cosines) sums(m *tensor.Tensor) []float64 {
	d := make([]float64, fieldData)
	for c, v := range m.AppendReals(nil) {
		for k := range d {
			d[k] += float64(weight(k, c) * v)
		}
	}
	return d
}

func (s *cosines) Forward(_ context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	for i := range m.Batch() {
		d.Item(i).SetReals(s.sums(m.Item(i)))
	}
	return nil, nil
}

func (s *cosines) Observe(_ context.Context, d *tensor.Tensor, noiseStd []float64) error {
	s.d, s.tau = d.Clone(), append([]float64(nil), noiseStd...)
	return nil
}

func (s *cosines) Misfit(_ context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]contract.Status, error) {
	if s.d == nil {
		return nil, fmt.Errorf("solver cosines: %w", contract.ErrNoObservation)
	}
	for i := range m.Batch() {
		r, o := s.sums(m.Item(i)), which[i]
		phi[i] = 0
		for k, d := range s.d.Item(o).Float64s() {
			r[k] = (r[k] - d) / s.tau[o]
			phi[i] += float64(r[k] * r[k] / 2)
		}
		if gradient == nil {
			continue
		}
		g := make([]float64, fieldNZ*fieldNX)
		for c := range g {
			for k, v := range r {
				g[c] += float64(weight(k, c) * v / s.tau[o])
			}
		}
		gradient.Item(i).SetReals(g)
	}
	return nil, nil
}
