package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/field"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
)

// StartFile is the sample stage's record of the models that chains started from, by [sampler.start]: (observations, model...).
const StartFile = "start.npy"

// stageAdapter goes from the observed data to those of a stage of sampling; nil: they are the same.
func stageAdapter(data space.Space, s experiment.Stage) (*space.Adapter, error) {
	if len(s.Adapt) == 0 {
		return nil, nil
	}
	a, err := space.FromOptions(data, s.Adapt)
	if err != nil {
		return nil, fmt.Errorf("sampler.stages: %s: %w: %w", s.Label, err, contract.ErrInvalidOption)
	}
	return a, nil
}

// stagePhysics returns the problem that a stage of sampling sees: observed and computed data go through the stage's adapters.
// The noise levels are those of the data before.
func (k *cellRun) stagePhysics(ctx context.Context, s experiment.Stage) (*compose.Problem, error) {
	a, err := stageAdapter(*k.physics.Data(), s)
	if a == nil || err != nil {
		return k.physics, err
	}
	parts := k.parts
	parts.Data = a
	if k.adapted != nil {
		if parts.Data, err = space.Chain(k.adapted, a); err != nil {
			return nil, err
		}
	}
	p, err := compose.Physics(parts)
	if err != nil {
		return nil, err
	}
	d := p.Data().New(k.observed.data.Batch())
	bad, err := a.Apply(k.observed.data, d)
	if err = errors.Join(append(bad, err)...); err != nil {
		return nil, fmt.Errorf("sampler.stages: %s: %w", s.Label, err)
	}
	return p, p.Observe(ctx, d, k.observed.noiseStd)
}

// stageInputs is what the key of sampling holds of start and stages; nothing where there are none.
func (k *cellRun) stageInputs(in map[string]any) error {
	start, err := startNumbers(k.c.Start)
	if err != nil {
		return err
	}
	if start != nil {
		in["start"] = start
	}
	var stages []any
	for _, s := range k.c.Stages {
		stages = append(stages, map[string]any{"adapt": s.Adapt, "sampler": k.identity(s.Sampler, s.Sampler.Numbers("train", "observe", "judge", "report"))})
	}
	if stages != nil {
		in["stages"] = stages
	}
	return nil
}

// startNumbers is what the identity of a run holds of [sampler.start], nil where there is none.
func startNumbers(s *experiment.Start) (any, error) {
	if s == nil {
		return nil, nil
	}
	in := map[string]any{"model": s.Model, "smooth_m": s.SmoothM, "keep_above_m": s.KeepAboveM}
	if s.File != nil {
		sum, err := experiment.FileSum(*s.File)
		if err != nil {
			return nil, fmt.Errorf("sampler.start.file: %w", err)
		}
		in["file"] = sum
	}
	return in, nil
}

// startModels returns the models of [sampler.start], (observations, model...) in the solver's model space.
func (k *cellRun) startModels() (*tensor.Tensor, error) {
	s, model := k.c.Start, k.solver.Configured.Model
	var m *tensor.Tensor
	var err error
	if s.File == nil {
		m, err = npy.Read(k.out.Observe.Path(TruthFile))
	} else if m, err = k.modelFile("sampler.start.file", *s.File); err == nil && m.Batch() == 1 && k.c.Observation.Count > 1 {
		one := m
		m = model.New(k.c.Observation.Count)
		for i := range m.Batch() {
			m.Item(i).CopyFrom(one.Item(0))
		}
	}
	if err != nil {
		return nil, err
	}
	if s.File != nil && m.Batch() != k.c.Observation.Count {
		return nil, fmt.Errorf("sampler.start.file %s holds %d models for %d observations (allowed: 1, or one each): %w", *s.File, m.Batch(), k.c.Observation.Count, contract.ErrInvalidOption)
	}
	if s.SmoothM == 0 {
		return m, nil
	}
	n := len(model.Axes)
	if n < 2 || model.Axes[n-2].Name != "z" || model.Axes[n-1].Name != "x" || !(model.Axes[n-2].Step > 0) || !(model.Axes[n-1].Step > 0) {
		return nil, fmt.Errorf("sampler.start.smooth_m is for models on a grid of z and x in m; the solver takes %v: %w", model, contract.ErrInvalidOption)
	}
	z, x := model.Axes[n-2], model.Axes[n-1]
	first := 0
	for first < z.Size && z.Origin+float64(first)*z.Step < s.KeepAboveM {
		first++
	}
	cells := z.Size * x.Size
	for i := range m.Batch() {
		v := m.Item(i).AppendReals(nil)
		for lo := 0; lo < len(v); lo += cells {
			field.Smooth(v[lo:lo+cells], z.Size, x.Size, s.SmoothM/z.Step, s.SmoothM/x.Step, first)
		}
		m.Item(i).SetReals(v)
	}
	return m, nil
}

// startLatents returns the latent vectors (chains, latent...) of [sampler.start]: each chain at that of its observation.
func (k *cellRun) startLatents(ctx context.Context) (*tensor.Tensor, error) {
	m, err := k.startModels()
	if err != nil {
		return nil, err
	}
	z := k.latent().New(m.Batch())
	if k.prior == nil {
		z.CopyFrom(m)
	} else {
		decoded, err := carry(m, *k.solver.Configured.Model, *k.prior.Configured.Model)
		if err != nil {
			return nil, fmt.Errorf("sampler.start: %w: %w", err, contract.ErrInvalidOption)
		}
		st, err := k.prior.Prior.Encode(ctx, decoded, nil, z)
		if err != nil {
			return nil, err
		}
		for i := range z.Batch() {
			if s := contract.StatusAt(st, i); s.Code != contract.OK {
				return nil, fmt.Errorf("sampler.start: model %d cannot be encoded: %v: %w", i, s, contract.ErrInvalidOption)
			}
		}
	}
	all := k.latent().New(k.chains())
	for c := range all.Batch() {
		all.Item(c).CopyFrom(z.Item(c / k.c.Chains.Chains))
	}
	return all, nil
}

// next are the chains of the next stage of sampling, started where these ended; what was recorded goes with them. Nil after
// the last stage. These are closed, unless there is an error: they are as they were then.
func (c *Chains) next(ctx context.Context) (*Chains, error) {
	stages := c.k.c.SamplerStages()
	if c.st.stage+1 >= len(stages) {
		return nil, nil
	}
	n, err := c.k.newChains(ctx, c.st.stage+1)
	if err != nil {
		return nil, err
	}
	was := *c.st
	state := n.st.state
	*n.st = was
	n.st.stage, n.st.first, n.st.state, n.st.done = was.stage+1, was.step, state, false
	n.st.dropped, n.st.began = slices.Clone(was.dropped), slices.Clone(was.began)
	n.st.history, n.st.steps, n.st.snapAt = maps.Clone(was.history), slices.Clone(was.steps), slices.Clone(was.snapAt)
	if err := n.start(ctx, was.state["latent"]); err != nil {
		n.Close()
		return nil, err
	}
	c.Close()
	return n, nil
}
