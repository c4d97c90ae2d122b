// Package intime is what the solvers of waves in time have in common: their calls, from batches of models to a propagator's plan
// and back, item by item with a status each. A plugin adds its options, its limits and its plan.
//
//	type Solver struct{ intime.Solver }
//
//	func (s *Solver) Configure(...) {
//		...
//		s.Use(&intime.Setup{Spaces: spaces, Judge: judge, Shots: 5, Threads: 2, Device: device, Single: plan})
//	}
//
// Main types: [Solver], [Setup], [Plan]. Calls are safe for concurrent use; the plan does one after the other, each on all threads.
// It knows no physics.
package intime
