// Package analytic is the solver plugin "analytic": maps from model to data that are written down in one line, in
// float64, with their exact Jacobians. They are the problems on which everything else is checked against closed answers
// (memorization study, section 2), and the quickest solver there is to try a sampler on.
//
//	map           d    F(x)                                   coefficients (default)
//	cubic         1    x + a x^3                              [a] = [0.3]
//	quadratic     2    (x1 + a x1 x2, x2 + b x1^2)            [a, b] = [0.3, 0.2]
//	sine-square   1    sin(a x^2)                             [a] = [1]
//	identity      any  x                                      none
//	linear        any  A x                                    none; A in matrix, by rows
//
// Main type: [Solver], made with [New]; its zero value is ready for Configure too. Example:
//
//	s := analytic.New()
//	c, err := s.Configure(ctx, contract.Config{Options: []byte(`{"map": "cubic"}`)})
//	d := c.Data.New(m.Batch())
//	status, err := s.Forward(ctx, m, d)
//
// Everything is safe for concurrent use; Threads and Device change nothing (a call is bound by memory). Sums run in index
// order, item by item, so an item's result is the same in every batch.
//
// It is not a physical model: coordinates and data have no unit.
package analytic
