// Package acoustic is the solver plugin "acoustic": waves of constant density in time, two dimensions,
//
//	p_tt = v^2 (p_zz + p_xx) + v^2 q(t) delta(x - x_s),
//
// model v = vp in m/s on (1, nz, nx) nodes, data d (component 1, shot, time, receiver) = p at the receivers or a component of the
// particle velocity, row n at t = (n + 1) dt for q[n] = q(n dt). Second order in time, order 2, 4, 6 or 8 in space (package cuda/wave has the scheme);
// C-PML around the grid, into which the model's edge nodes are continued, with a free surface at the top on request; or the
// OpenFWI data sets' scheme, whose files it reproduces with preset = "openfwi".
//
// Points lie on nodes or between them, by Kaiser-windowed sinc interpolation; the discrete delta is its weights over h^2, so
// that amplitudes do not depend on the grid. The data sets' scheme alone injects (v dt)^2 q at the node.
//
// Gradient, JVP and VJP are those of the discrete scheme, exactly, the layers' share included.
//
// Main type: [Solver], made with [New]; its zero value is ready for Configure too. Example:
//
//	s := acoustic.New()
//	c, err := s.Configure(ctx, contract.Config{Options: options, Threads: 2})
//	d := c.Data.New(m.Batch())
//	status, err := s.Forward(ctx, m, d)
//
// Everything is safe for concurrent use; calls are done one after the other, each on all threads. An item's result is the
// same for any threads and batch.
//
// It has no density, no attenuation and no anisotropy; the bounds of its model space are where the time step is stable and
// the grid carries the wavelet.
package acoustic
