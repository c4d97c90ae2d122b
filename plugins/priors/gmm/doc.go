// Package gmm is the prior plugin "gmm": Gaussian mixtures as diffusion priors in closed form, with the exact denoiser at
// every noise level. With components = "training" it is the perfectly memorised diffusion model, one component of width s
// at each training example; with components = "gaussian" the generalised one, mean and covariance of the training set
// (memorization study, section 1).
//
// Main type: [Prior], made with [New]. The latent vector is the model itself, in float64. Example:
//
//	p := gmm.New()
//	target := contract.Config{Options: []byte(`{"components": "training", "width": 0.05}`), Target: []space.Space{model}}
//	_, err := p.Configure(ctx, target)
//	err = p.Train(ctx, contract.TrainRequest{Dataset: "train/dataset.json", Folder: "ckpt"}, report)
//	target.Checkpoint = "ckpt"
//	c, err := p.Configure(ctx, target)
//	status, err := p.Denoise(ctx, x, level, x0)
//
// The formulas are those of core/mixture, worked out in float64 by the kernels of cuda/mixture on any device: an item's
// result does not depend on its batch, nor on the number of threads.
//
// It is not a density estimator: the width is given, not fitted, and no component moves away from its example.
package gmm
