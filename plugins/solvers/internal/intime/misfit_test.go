package intime

import (
	"context"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
)

// same is a propagator whose data are the model, and remembers how many observations it was given.
type same struct{ given []int }

func (*same) Close() error { return nil }
func (*same) Forward(m, d []float32) error {
	copy(d, m)
	return nil
}
func (p *same) Gradient(m, observed []float32, which []int, d []float32, g []float64) error {
	p.given = append(p.given, len(observed)/2)
	copy(d, m)
	for i := range m {
		g[i] = float64(m[i] - observed[which[i/2]*2+i%2])
	}
	return nil
}
func (*same) JVP(_, _ []float32, _ int, _ []float32) error { return nil }
func (*same) VJP(_, _ []float32, _ int, _ []float64) error { return nil }

// A gradient takes the observations of its items to the device and no others, each once; every item has its own.
func TestAskedObservations(t *testing.T) {
	ctx := context.Background()
	device, err := cuda.NewCPU(1)
	if err != nil {
		t.Fatal(err)
	}
	sp := space.Space{Name: "model", DType: tensor.Float32, Axes: []space.Axis{{Name: "x", Size: 2}}, Quantities: []space.Quantity{{Name: "vp"}}}
	p, s := new(same), Solver{Name: "same"}
	s.Use(&Setup{Spaces: calls.Spaces{Solver: "same", Model: sp, Data: sp}, Judge: func(*tensor.Tensor) contract.Status { return contract.Status{} },
		Shots: 1, Threads: 1, Device: device, Single: p})
	observed := sp.New(4)
	observed.SetReals([]float64{1, 2, 30, 40, 500, 600, 7000, 8000})
	tau := []float64{1, 2, 4, 8}
	if err := s.Observe(ctx, observed, tau); err != nil {
		t.Fatal(err)
	}
	for _, which := range [][]int{{2}, {3, 3}, {3, 0, 3, 2}} {
		p.given = nil
		m := sp.New(len(which))
		for i := range m.Float32s() {
			m.Float32s()[i] = float32(i)
		}
		phi, g := make([]float64, len(which)), sp.New(len(which))
		if st, err := s.Misfit(ctx, m, which, phi, g); st != nil || err != nil {
			t.Fatal(st, err)
		}
		distinct := map[int]bool{}
		for i, k := range which {
			distinct[k] = true
			sum := 0.0
			for j, x := range m.Item(i).Float32s() {
				r := float64(x) - float64(observed.Item(k).Float32s()[j])
				sum += r * r / (2 * tau[k] * tau[k])
				if got := float64(g.Item(i).Float32s()[j]); got != r/tau[k]/tau[k] {
					t.Errorf("%v: gradient %d of item %d is %g, want %g", which, j, i, got, r/tau[k]/tau[k])
				}
			}
			if phi[i] != sum {
				t.Errorf("%v: misfit %d is %g, want %g", which, i, phi[i], sum)
			}
		}
		if len(p.given) != 1 || p.given[0] != len(distinct) {
			t.Errorf("%v: the propagator was given %v observations, want %d", which, p.given, len(distinct))
		}
	}
}
