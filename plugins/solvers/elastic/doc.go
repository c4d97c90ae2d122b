// Package elastic is the solver plugin "elastic": P-SV waves in time, two dimensions,
//
//	rho vx_t = sxx_x + sxz_z + fx,   sxx_t = (lam + 2 mu) vx_x + lam vz_z - m,   mu = rho vs^2,
//	rho vz_t = sxz_x + szz_z + fz,   szz_t = lam vx_x + (lam + 2 mu) vz_z - m,   lam = rho (vp^2 - 2 vs^2),
//	                                 sxz_t = mu (vx_z + vz_x),
//
// models (vp, vs, rho) on (nz, nx) nodes, of which vs and rho may be computed from vp; data d (component, shot, time, receiver) =
// vx and vz in m/s, row n at t = (n + 1) dt_s for forces q(t). Second order in time, order 2 or 4 in space on the staggered grid
// (package cuda/elastic has the scheme); C-PML around the grid, into which the model's edge nodes are continued, with a free
// surface at the top on request. Where the sampling interval dt_s is longer than a stable step, there are several steps to it.
//
// Sources are line forces in N/m of any direction, or explosions, of which q is the moment rate in N/s. Points lie anywhere, and
// act on each field at its own places by Kaiser-windowed sinc interpolation.
//
// Gradient, JVP and VJP are those of the discrete scheme, exactly, the layers' and the free surface's share included.
//
// Main type: [Solver], made with [New]. Example:
//
//	s := elastic.New()
//	c, err := s.Configure(ctx, contract.Config{Options: options, Threads: 2})
//	d := c.Data.New(m.Batch())
//	status, err := s.Forward(ctx, m, d)
//
// Everything is safe for concurrent use; calls are done one after the other, each on all threads. An item's result is the
// same for any threads and batch.
//
// It has no attenuation and no anisotropy; vs = 0 is a fluid, of which no gradient with respect to vs is left.
package elastic
