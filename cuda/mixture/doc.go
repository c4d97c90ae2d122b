// Package mixture holds the kernels of Gaussian mixtures with one covariance, seen through x_t = alpha x0 + sigma eps: the
// posterior mean E[x0 | x_t] (the denoiser), its Jacobian, log density and responsibilities for a batch of points, each at
// a noise level of its own. mixture.h has the equations; core/mixture is the same in plain Go, without a device, and what
// these kernels are held to.
//
// Main type: [Mixture], whose means stay on the device. Example:
//
//	m, err := mixture.New[float64](d, mixture.Components{Dim: 100, Means: means, Weights: weights, Variances: []float64{s * s}})
//	...
//	defer m.Free()
//	err = m.Denoise(x0, x, alpha, sigma) // x0, x (k, 100), alpha, sigma (k)
//
// It exists for float32 and float64. An item's result has the same bits whatever else is in the batch, for any number of
// threads, for both instruction sets of the CPU, and on the GPU where nothing underflows.
//
// It fits no mixture to data and draws nothing.
package mixture
