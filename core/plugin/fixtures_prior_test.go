package plugin_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/tensor"
)

// testPrior: latent, model and data of N float64 or complex64 numbers.
type testPrior struct{ o testOptions }

func (p *testPrior) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "toy", Version: "1", Numerics: "1"}
}

func (p *testPrior) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	p.o = testOptions{N: 4}
	if err := json.Unmarshal(c.Options, &p.o); c.Options != nil && err != nil {
		return contract.Configured{}, fmt.Errorf("%w: %w", err, contract.ErrInvalidOption)
	}
	m, d := spaces(p.o.N)
	if len(c.Target) == 2 {
		*m, *d = c.Target[0], c.Target[1]
	}
	l := *m
	l.Name = "latent"
	return contract.Configured{Model: m, Data: d, Latent: &l,
		Schedule: &diffusion.Schedule{Alpha: []float64{0.9, 0.5}, Sigma: []float64{0.1, 0.7}, Beta: []float64{0.01, 0.02}}}, nil
}

func (p *testPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	if err := misbehave(ctx, p.o.Fail); err != nil {
		return nil, err
	}
	for i := range level {
		for j, v := range x.Item(i).Float64s() {
			x0.Item(i).Float64s()[j] = v/7 + float64(level[i])
		}
	}
	return bad(x), nil
}

func (p *testPrior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	for i := range level {
		for j, v := range x.Item(i).Float64s() {
			dx.Item(i).Float64s()[j] = v*float64(level[i]+1) - w.Item(i).Float64s()[j]
		}
	}
	return nil, nil
}

func (p *testPrior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	for i, v := range z.Float64s() {
		if model != nil {
			model.Float64s()[i] = 2 * v
		}
		if data != nil {
			data.Complex64s()[i] = complex(float32(v), 1)
		}
	}
	return bad(z), nil
}

func (p *testPrior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	for i := range dz.Float64s() {
		v := z.Float64s()[i%p.o.N]
		if wModel != nil {
			v += wModel.Float64s()[i%len(wModel.Float64s())]
		}
		if wData != nil {
			v -= float64(imag(wData.Complex64s()[i%len(wData.Complex64s())]))
		}
		dz.Float64s()[i] = v
	}
	return nil, nil
}

func (p *testPrior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	d := dz.Float64s()
	if dModel != nil {
		for i := range dModel.Float64s() {
			dModel.Float64s()[i] = d[i%len(d)] * z.Float64s()[i%p.o.N]
		}
	}
	if dData != nil {
		for i := range dData.Complex64s() {
			dData.Complex64s()[i] = complex(0, float32(d[i%len(d)]))
		}
	}
	return nil, nil
}

func (p *testPrior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	for i := range z.Float64s() {
		z.Float64s()[i] = -1
		if model != nil {
			z.Float64s()[i] += model.Float64s()[i] / 2
		}
		if data != nil {
			z.Float64s()[i] += float64(real(data.Complex64s()[i]))
		}
	}
	return nil, nil
}

func (p *testPrior) Mixture(ctx context.Context) (*contract.Mixture, error) {
	n := 5
	m := &contract.Mixture{Means: tensor.New(tensor.Float64, n, p.o.N), Covariance: tensor.New(tensor.Float64, p.o.N), Weights: tensor.New(tensor.Float64, n)}
	for i := range m.Means.Float64s() {
		m.Means.Float64s()[i] = 1 / float64(i+1)
	}
	for i := range m.Covariance.Float64s() {
		m.Covariance.Float64s()[i] = float64(i + 1)
	}
	for i := range n {
		m.Weights.Float64s()[i] = 1 / float64(n)
	}
	return m, nil
}

// testSampler: each step asks the prior to denoise and, when there is physics, for a gradient.
type testSampler struct {
	n int
	c contract.Config
}

func (s *testSampler) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSampler, Name: "walk", Version: "1", Numerics: "1",
		Options: []config.Option{{Name: "mode", Type: config.String, Doc: "How.", Optional: true}},
		Needs:   []contract.Need{{Service: "prior", Capability: contract.CapDenoise}, {Service: "physics", Option: "mode", Value: "full"}}}
}

func (s *testSampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	if c.Prior == nil {
		return contract.Configured{}, fmt.Errorf("a prior is needed: %w", contract.ErrInvalidOption)
	}
	s.c, s.n = c, c.Prior.Configured.Latent.Len()
	return contract.Configured{State: []contract.StateTensor{
		{Name: "latent", DType: tensor.Float64, Shape: []int{s.n}}, {Name: "x0", DType: tensor.Float64, Shape: []int{s.n}}}}, nil
}

func (s *testSampler) Start(ctx context.Context, ch contract.Chains, state contract.State) (int, []contract.Status, error) {
	for i, id := range ch.ID {
		for j := range s.n {
			state["latent"].Item(i).Float64s()[j] = float64(id + j)
		}
	}
	return 3, nil, nil
}

func (s *testSampler) Step(ctx context.Context, step int, ch contract.Chains, state, next contract.State) (contract.StepResult, error) {
	level := make([]int, ch.Len())
	st, err := s.c.Prior.Prior.Denoise(ctx, state["latent"], level, next["x0"])
	if err != nil {
		return contract.StepResult{}, err
	}
	next["latent"].CopyFrom(next["x0"])
	res := contract.StepResult{Status: st, Done: step == 2}
	if p := s.c.Solvers["physics"]; p != nil {
		phi := make([]float64, ch.Len())
		g := tensor.New(tensor.Float64, ch.Len(), s.n) // not in the arena
		if _, err := p.Solver.Misfit(ctx, next["latent"], ch.Observation, phi, g); err != nil {
			return res, err
		}
		for i, v := range g.Float64s() {
			next["latent"].Float64s()[i] -= 0.01 * v
		}
		res.Numbers = map[string][]float64{"misfit": phi}
	}
	return res, nil
}
