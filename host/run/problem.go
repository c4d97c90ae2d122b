package run

import (
	"context"
	"path/filepath"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// Problem carries a cell out as far as its composed problem, from latent vector to data, training included: stages that
// are in the cache are taken from there. latents are a few points to look at it from: what the cell's sampler drew where
// that is in the cache, else nil.
func Problem(ctx context.Context, o Options, c *experiment.Cell) (problem *compose.Problem, latents *tensor.Tensor, err error) {
	r := &runner{Options: o, sums: map[session.Ref]string{}}
	k := &cellRun{runner: r, c: c, out: newResult(c)}
	if err := k.begin(ctx); err != nil {
		return nil, nil, err
	}
	for _, step := range []func(context.Context) error{k.data, k.train, k.truthKeys, k.configurePrior} {
		if err := step(ctx); err != nil {
			return nil, nil, err
		}
	}
	if c.Observation != nil {
		if err := k.observe(ctx); err != nil {
			return nil, nil, err
		}
	}
	if c.Sampler != nil {
		if key, _, err := k.samplePlan(); err == nil {
			if e, err := o.Cache.Lookup("sample", key); err == nil && e != nil {
				if t, err := npy.Read(e.Path(LatentFile)); err == nil {
					latents = t.Slice(0, min(8, t.Batch()))
				}
			}
		}
	}
	return k.physics, latents, nil
}

// PriorData carries a cell out as far as its prior's training set. It returns the spaces of the solver, which the prior is
// told, and the manifest of the set, "" where the cell has none.
func PriorData(ctx context.Context, o Options, c *experiment.Cell) (target []space.Space, manifest string, err error) {
	k := &cellRun{runner: &runner{Options: o, sums: map[session.Ref]string{}}, c: c, out: newResult(c)}
	if err := k.configureSolver(ctx); err != nil {
		return nil, "", err
	}
	if err := k.data(ctx); err != nil {
		return nil, "", err
	}
	if k.out.Data != nil {
		manifest = filepath.Join(k.out.Data.Path(TrainingSet), dataset.ManifestName)
	}
	return []space.Space{*k.solver.Configured.Model, *k.solver.Configured.Data}, manifest, nil
}
