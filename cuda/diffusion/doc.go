// Package diffusion holds the kernels of diffusion models that are no network: the noisy examples that one is trained on.
//
//	err := diffusion.Noised(d, x, eps, batch, diffusion.Set{Z: z, Examples: 200, Width: 100, Alpha: alpha, Sigma: sigma, Levels: 200}, key, step)
//
// Noise is drawn where it is needed, on the device, with the bits of core/rng.
package diffusion
