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
// Where right-hand sides are a few point sources, and solutions are read at a few nodes or multiplied with others, Fields
// spare the way to the grid's order and back:
//
//	u, err := factor.NewFields(shots)
//	err = factor.SolveSources(u, sources, nil)      // or only what receivers need: a list of nodes
//	d := u.At(shot, node)
//	err = helmholtz.Products(sum, u, mu)            // sum over shots of u mu, node by node
//
// There are no pivots but inside tiles, so a rectangle of the grid that is nearly resonant would spoil single precision:
// such pivots are made larger, and solutions corrected for it (Bumps).
//
// One call is one thread: callers give each goroutine its own Factor. A Factor may move between goroutines, but not
// serve two at a time. The bits of a solution depend on the matrix and on its own right-hand side only, not on the
// number of right-hand sides, on their order, nor on threads.
//
// The package knows no physics: scaling, absorbing layers, sources and receivers are the solver's. It is no general
// sparse solver either: the matrix has the shape of the grid's stencil, and the order of elimination is fixed by the grid.
package helmholtz
