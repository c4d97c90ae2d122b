// Package helmholtz is the solver plugin "helmholtz": acoustic waves of constant density in the frequency domain, two
// dimensions,
//
//	omega^2 m u + (1/s_x) d_x((1/s_x) d_x u) + (1/s_z) d_z((1/s_z) d_z u) = delta(x - x_s),   s = 1 + i sigma/omega,
//
// model m the squared slowness in s2/km2 on (nz, nx) nodes, lengths in km inside, u dimensionless, data d (frequency, shot,
// receiver) = u at the receivers. The time convention is exp(-i omega t), which is what s damps: in free space u is
// -(i/4) H0^(1)(omega r/v).
//
// Second-order 5-point stencil; a perfectly matched layer of `cells` nodes on every side into which the model's edge nodes
// are continued, with zero flux at the outer edge; point sources b = 1/h^2 at their node. Scaled by D = diag(s_x s_z) the
// matrix is complex symmetric, S = D A, and S = L Delta L^T by nested dissection (package cuda/helmholtz) once per model
// and frequency serves the wavefields, u = S^-1 D b, the adjoint, A^-H w = conj(D S^-1 conj(w)), and every direction of JVP
// and VJP. The gradient is exact: the layer's share comes back to the edge nodes that were continued into it, unless
// edge_gradient says otherwise.
//
// Main type: [Solver], made with [New]; its zero value is ready for Configure too. Example:
//
//	s := helmholtz.New()
//	c, err := s.Configure(ctx, contract.Config{Options: options, Threads: 2})
//	d := c.Data.New(m.Batch())
//	status, err := s.Forward(ctx, m, d)
//
// Everything is safe for concurrent use. Work is split over threads by model and frequency; each of the Threads workers
// keeps the memory of one factorisation. Sums over shots run in float64 in their order, sums over frequencies in theirs,
// and a field's bits do not depend on what is solved beside it: an item's result is the same for any threads and batch.
//
// With device = "cuda:N" a call's items and frequencies go to the GPU in batches as large as its memory (package
// cuda/multifrontal), models in, data or gradients out. Results are those of the CPU within rounding: 1e-4 of the norm in
// float32, as single precision has it on the CPU too. There items that single precision does not solve, and all where
// refinement_steps is above 0, are solved in float64 (docs/adr/0012-helmholtz-device.md).
//
// It is not a time-domain solver, has no density and no free surface, and its stencil wants some 13 nodes per wavelength
// for 1 % of phase velocity; models with fewer than 4 are refused.
package helmholtz
