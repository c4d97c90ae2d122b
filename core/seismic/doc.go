// Package seismic is what solvers in space and time share: where sources and receivers lie ([Positions], options of a table),
// wavelets ([Ricker]), how a point between nodes acts on them ([Sinc], [At]), and what a scheme in time can carry ([Stability],
// [PointsPerWavelength]).
//
//	list, err := o.Receivers.List("receivers")             // [z, x] in m
//	nodes, err := seismic.At(z, x, seismic.Sinc{HalfWidth: 4, ...})
//
// It knows no wave equation and moves no data.
package seismic
