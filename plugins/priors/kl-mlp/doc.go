// Package klmlp is the prior plugin "kl-mlp", the memorisation study's diffusion prior: a multilayer perceptron that
// predicts the noise of standardised KL coordinates of squared slowness (study, section 3; basis: field.KL).
//
// Main type: [Prior], made with [New]. The latent vector z has K^2 numbers in float32; the model is the KL basis at
// mean + std z on the cells of the solver, mean and std those of the training set. Example:
//
//	p := klmlp.New()
//	config := contract.Config{Options: options, Seed: 1, Threads: 2, Target: []space.Space{model, data}}
//	_, err := p.Configure(ctx, config)
//	err = p.Train(ctx, contract.TrainRequest{Dataset: "training/dataset.json", HeldOut: "held-out/dataset.json", Folder: "ckpt"}, report)
//	config.Checkpoint = "ckpt"
//	c, err := p.Configure(ctx, config)
//	status, err := p.Denoise(ctx, x, level, x0)
//
// Chains go through the network in tiles of 32 rows (nn.Evaluator), so that an item's bits depend on that item alone.
// Training has the same bits for every number of threads, and after every interruption.
//
// It is no likelihood, and no judge of its own memorisation: package metric measures that. Nor does it scale to images;
// its input is a vector.
package klmlp
