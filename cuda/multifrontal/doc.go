// Package multifrontal factorises many complex symmetric Helmholtz matrices of one grid at a time on a [cuda.Device], and
// solves with them for many right-hand sides: the elimination tree of package cuda/helmholtz, a level of it for a whole
// batch of systems in one launch.
//
// An [Analysis] is a plan's tables on a device, made once. An [Engine] owns the buffers of a batch in float32 or float64. What
// it works on never leaves the device: models go in, data or gradients come out.
//
//	a, err := multifrontal.NewAnalysis(device, plan, operators, layout)
//	e, err := multifrontal.NewEngine[float32](a, systems, shots)
//	err = e.Assemble(models, which, systems)         // S of every system: diagonals on the device
//	err = e.Factorise(systems)
//	err = e.Source(u, systems)                       // right-hand sides, one point source a shot
//	err = e.Solve(u, systems, shots)
//
// A system is a model at a frequency. Systems never meet in a sum: a bad one, which [Engine.Judge] finds by its pivots and by
// the residual of its first shot, harms no other, and is solved again elsewhere. There is no pivoting but inside tiles of 16
// and no correction of bumped pivots as in cuda/helmholtz: what would need one is bad here.
//
// The kernels (names helm_...) have plain loops as CPU twins, made to be compared with, not to be fast: on the CPU the product
// runs cuda/helmholtz, a fused engine for one system (docs/adr/0012-helmholtz-device.md).
package multifrontal
