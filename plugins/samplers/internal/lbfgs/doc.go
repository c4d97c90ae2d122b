// Package lbfgs minimises smooth functions by limited-memory BFGS (Nocedal and Wright, Numerical Optimization, 2nd ed.,
// algorithm 7.4) with a line search for the strong Wolfe conditions (Moré and Thuente, ACM TOMS 20 (1994) 286), one
// evaluation at a time: the caller is asked for the function and its gradient at a point, and everything that the next
// question depends on lies in the caller's memory. So a minimisation can be stopped after any evaluation, written to disk,
// and gone on with by another process, to the same bits; and many of them can go on side by side, in one batch.
//
// Main types: [Chain] is one minimisation, slices of the caller's state. [Options] says how.
//
//	o := lbfgs.Options{Memory: 5, Iterations: 50}
//	c.Begin(x0)
//	for c.Ended() == lbfgs.Running {
//		c.Trial(x)                     // where
//		if c.Next(o, f(x), g(x)) {     // what is there; f = NaN: nothing
//			copy(best, x)              // the lowest point so far, at which f is c.Best()
//		}
//	}
//
// What it is not: it knows no bounds, no batch and no service; whoever calls it maps his variables and sends his batches.
package lbfgs
