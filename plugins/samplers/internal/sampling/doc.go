// Package sampling is what this project's samplers share: the check that the services can do what a sampler needs, the
// traffic of a batch of chains with those services (one status for each chain, a failed chain is not asked about again),
// and the reverse diffusion through a prior, step by step.
//
// Main types: [Batch] is the chains of one call. [Reverse] is a configured reverse process: a prior, its schedule, the
// levels that are visited and the noise. [Jump] is one step of it in coefficients.
//
//	r, err := sampling.NewReverse("ddpm", c, options.Steps)
//	b := sampling.NewBatch(chains.Len())
//	x, err := r.Load("ddpm", chains, state)     // float64 rows, whatever the latent dtype
//	err = r.Denoise(ctx, b, x, level, x0)       // E[x0 | x] for the chains that are well
//	sampling.Ancestral(r.Schedule, t, s).Apply(next, x, x0, noise)
//
// Noise is Philox (package rng) by purpose, step, chain and element, so that a chain's numbers do not depend on the batch:
//
//	"sampler/initial"    step 0: x at the highest level, N(0, I)
//	"sampler/step"       step k: the noise that step k adds, one normal per coordinate
//	"sampler/component"  step 0: the uniform that picks a mixture component (gmm-posterior)
//
// What it is not: it holds no sampler, and no state between calls: all that a step needs is in its arguments.
package sampling
