// Package sampling is what this project's samplers share: the check that the services can do what a sampler needs, the
// traffic of a batch of chains with those services (one status for each chain, a failed chain is not asked about again),
// and the reverse diffusion through a prior, step by step.
//
// Main types: [Batch] is the chains of one call. [Reverse] is a configured reverse process: a prior, the levels of its
// schedule that are visited and the noise.
//
//	r, err := sampling.NewReverse("ddpm", c, options.Steps)
//	b := sampling.NewBatch(chains.Len())
//	i, err := r.Index(step)                         // of the visited levels
//	x := r.Load(state)                              // float64 rows, whatever the latent dtype
//	err = r.Denoise(ctx, b, x, i, x0)               // E[x0 | x] for the chains that are well
//	r.Mix(b, r.Schedule.Ancestral(i), x, x0, noise) // the same step for all of them
//
// Noise is Philox (package rng) by purpose, step, chain and element, so that a chain's numbers do not depend on the batch:
//
//	"sampler/initial"    step 0: x at the highest level, N(0, I)
//	"sampler/step"       step k: the noise that step k adds, one normal per coordinate
//	"sampler/component"  step 0: the uniform that picks a mixture component (gmm-posterior)
//
// What it is not: it holds no sampler, and no state between calls: all that a step needs is in its arguments.
package sampling
