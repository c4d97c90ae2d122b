// Package solvertest is what the solvers' tests share: how one is configured and called, and what is said to bad options, bad models
// and bad calls. Tests alone import it (internal/rules).
//
// A solver's tests have [Options] of a small set-up and change them:
//
//	s := New()
//	c := solvertest.Configure(t, s, tiny.With(solvertest.Options{"order": 2}), 1)
//	d := solvertest.Forward(t, s, &c, m)
//
// [RefusedOptions], [RefusedCalls], [ModelStatus] and [BoundsAreTaken] are tests of any solver; [CUDAAsCPU] compares the devices of one
// in time, [CUDAConformance] runs core/plugintest's suite on the second. The physics are each solver's own.
package solvertest
