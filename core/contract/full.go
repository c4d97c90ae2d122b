package contract

import (
	"context"

	"github.com/waveprior/waveprior/core/tensor"
)

// Capabilities returns what a Go plugin can do, by the interfaces it implements.
func Capabilities(p Plugin) []Capability {
	var c []Capability
	add := func(ok bool, name Capability) {
		if ok {
			c = append(c, name)
		}
	}
	_, train := p.(Trainer)
	add(train, CapTrain)
	_, misfit := p.(Misfitter)
	_, noGradient := p.(NoGradient)
	add(misfit, CapMisfit)
	add(misfit && !noGradient, CapGradient)
	_, jvp := p.(ForwardLinear)
	add(jvp, CapJVP)
	_, vjp := p.(AdjointLinear)
	add(vjp, CapVJP)
	_, denoise := p.(Denoiser)
	add(denoise, CapDenoise)
	_, denoiseVJP := p.(DenoiseAdjoint)
	add(denoiseVJP, CapDenoiseVJP)
	_, decode := p.(Decoder)
	add(decode, CapDecode)
	_, decodeVJP := p.(DecodeAdjoint)
	add(decodeVJP, CapDecodeVJP)
	_, decodeJVP := p.(DecodeTangent)
	add(decodeJVP, CapDecodeJVP)
	_, encode := p.(Encoder)
	add(encode, CapEncode)
	_, mixture := p.(MixturePrior)
	add(mixture, CapMixture)
	_, start := p.(Starter)
	add(start, CapStart)
	_, optimise := p.(Optimiser)
	add(optimise, CapOptimise)
	return c
}

// describe fills what a plugin need not say itself.
func describe(p Plugin) Description {
	d := p.Describe()
	d.Contract = Version
	d.Capabilities = Capabilities(p)
	return d
}

// localSolver gives an in-process solver every method.
type localSolver struct{ Solver }

// LocalSolver returns s with every method; those it lacks answer ErrUnsupported. Describe is completed.
func LocalSolver(s Solver) FullSolver {
	if f, ok := s.(localSolver); ok {
		return f
	}
	return localSolver{s}
}

func (l localSolver) Describe() Description { return describe(l.Solver) }

func (l localSolver) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	if m, ok := l.Solver.(Misfitter); ok {
		return m.Observe(ctx, d, noiseStd)
	}
	return Unsupported(l.Describe(), CapMisfit)
}

func (l localSolver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) ([]Status, error) {
	s, ok := l.Solver.(Misfitter)
	if !ok {
		return nil, Unsupported(l.Describe(), CapMisfit)
	}
	if _, no := l.Solver.(NoGradient); no && gradient != nil {
		return nil, Unsupported(l.Describe(), CapGradient)
	}
	return s.Misfit(ctx, m, which, phi, gradient)
}

func (l localSolver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]Status, error) {
	if s, ok := l.Solver.(ForwardLinear); ok {
		return s.JVP(ctx, m, dm, dd)
	}
	return nil, Unsupported(l.Describe(), CapJVP)
}

func (l localSolver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]Status, error) {
	if s, ok := l.Solver.(AdjointLinear); ok {
		return s.VJP(ctx, m, w, dm)
	}
	return nil, Unsupported(l.Describe(), CapVJP)
}

// localPrior gives an in-process prior every method.
type localPrior struct{ Prior }

// LocalPrior returns p with every method; those it lacks answer ErrUnsupported. Describe is completed.
func LocalPrior(p Prior) FullPrior {
	if f, ok := p.(localPrior); ok {
		return f
	}
	return localPrior{p}
}

func (l localPrior) Describe() Description { return describe(l.Prior) }

func (l localPrior) Train(ctx context.Context, r TrainRequest, report func(TrainProgress) error) error {
	if p, ok := l.Prior.(Trainer); ok {
		return p.Train(ctx, r, report)
	}
	return Unsupported(l.Describe(), CapTrain)
}

func (l localPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(Denoiser); ok {
		return p.Denoise(ctx, x, level, x0)
	}
	return nil, Unsupported(l.Describe(), CapDenoise)
}

func (l localPrior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(DenoiseAdjoint); ok {
		return p.DenoiseVJP(ctx, x, level, w, dx)
	}
	return nil, Unsupported(l.Describe(), CapDenoiseVJP)
}

func (l localPrior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(Decoder); ok {
		return p.Decode(ctx, z, model, data)
	}
	return nil, Unsupported(l.Describe(), CapDecode)
}

func (l localPrior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(DecodeAdjoint); ok {
		return p.DecodeVJP(ctx, z, wModel, wData, dz)
	}
	return nil, Unsupported(l.Describe(), CapDecodeVJP)
}

func (l localPrior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(DecodeTangent); ok {
		return p.DecodeJVP(ctx, z, dz, dModel, dData)
	}
	return nil, Unsupported(l.Describe(), CapDecodeJVP)
}

func (l localPrior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]Status, error) {
	if p, ok := l.Prior.(Encoder); ok {
		return p.Encode(ctx, model, data, z)
	}
	return nil, Unsupported(l.Describe(), CapEncode)
}

func (l localPrior) Mixture(ctx context.Context) (*Mixture, error) {
	if p, ok := l.Prior.(MixturePrior); ok {
		return p.Mixture(ctx)
	}
	return nil, Unsupported(l.Describe(), CapMixture)
}

// localSampler gives an in-process sampler every method.
type localSampler struct{ Sampler }

// LocalSampler returns s with StartAt, which answers ErrUnsupported where s is no Starter. Describe is completed.
func LocalSampler(s Sampler) Sampler {
	if f, ok := s.(localSampler); ok {
		return f
	}
	return localSampler{s}
}

func (l localSampler) Describe() Description { return describe(l.Sampler) }

func (l localSampler) StartAt(ctx context.Context, chains Chains, x *tensor.Tensor, state State) (int, []Status, error) {
	if s, ok := l.Sampler.(Starter); ok {
		return s.StartAt(ctx, chains, x, state)
	}
	return 0, nil, Unsupported(l.Describe(), CapStart)
}
