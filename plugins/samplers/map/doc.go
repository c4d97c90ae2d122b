// Package maximum finds the maximum a posteriori of each chain, the most probable latent vector: full-waveform inversion
// where the latent vector is a model on a grid. It is an optimisation, not a sampler: its chains differ by where they start,
// and their spread is no uncertainty.
//
// A chain minimises
//
//	J(z) = phi(z) - log p(z) + R(z)
//
// phi the solver's misfit, -log p the prior's latent law (option prior) and R a penalty on roughness where z is a grid. It
// goes by L-BFGS with a strong-Wolfe line search (package lbfgs), one evaluation a step, in variables v of
//
//	z = T(w v),   T(u) = (a + b)/2 + (b - a)/2 u/sqrt(1 + u^2) for bounds a < z < b, else T(u) = u
//
// w a weight per coordinate, 1 but for depth_power. So bounds need no projection; what lies above hold_above_m is a
// variable itself, has a derivative of 0 and stays, within bounds or not.
//
// Penalties, over neighbours k, l in z and x, of every field with its own scale:
//
//	Tikhonov:         1/2 sum ((z_k - z_l)/s)^2                          (tikhonov_std = s)
//	total variation:  sum_k sqrt(((Dz z)_k^2 + (Dx z)_k^2)/b^2 + e^2) - e  (tv_jump = b, tv_smoothing = e)
//
// with forward differences D that are 0 at the far edges (Rudin, Osher, Fatemi, Physica D 60 (1992) 259, smoothed).
//
// Main type: [Sampler], a contract.Sampler and contract.Starter. Options: [Options]. State: "latent" and "x0" are the point
// of lowest J so far, also when it is a trial of a line search that the limit of evaluations, or a stage's end, leaves
// unfinished; the others are the optimiser's memory. Numbers per chain: "misfit" phi and "objective" J at that point,
// "gradient_norm" the length of dJ/dv there, "iteration", and "ended": 0 while it runs, else why it ended (lbfgs.Reason).
//
// A chain that is over takes part in no further evaluation. One whose line search fails forgets its history and tries the
// steepest descent; where that lowers J no more it has ended as well as the rounding of phi allows. A trial at which the
// solver gives a status (unstable, out of bounds) is taken back; a chain without any trial that can be evaluated gets that
// status, and the others do not notice.
package maximum
