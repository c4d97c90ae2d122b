// Package helmholtz factorises the complex symmetric matrix S of a Helmholtz equation on a rectangular grid and solves
// S x = b for many right-hand sides.
//
// S couples a node with its eight neighbours at most (Matrix). A Plan is the analysis of one grid: nested dissection,
// with separators one node wide; it is made once and shared. A Factor owns the memory of one factorisation
// S = L Delta L^T, without pivoting but inside the small diagonal tiles of Delta, in single or in double precision, and
// uses it again for every further matrix of the grid:
//
//	plan, err := helmholtz.NewPlan(84, 84, helmholtz.FivePoint)
//	factor, err := helmholtz.NewFactor(plan, helmholtz.Single)
//	err = factor.Factorise(&matrix)
//	err = factor.Solve(x, shots)                    // x: shots right-hand sides in, shots solutions out
//	err = factor.Refine(&matrix, b, x, shots, 1)    // optional: residuals in float64
//
// One call is one thread: callers give each goroutine its own Factor. A Factor may move between goroutines, but not
// serve two at a time. The bits of a solution depend on the matrix and on its own right-hand side only, not on the
// number of right-hand sides, on their order, nor on threads.
//
// The package knows no physics: scaling, absorbing layers, sources and receivers are the solver's. It is no general
// sparse solver either: the matrix has the shape of the grid's stencil, and the order of elimination is fixed by the grid.
package helmholtz
