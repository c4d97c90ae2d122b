// Package calls is what the calls of this project's solvers have in common: the checks of their tensors, the observations
// that Observe leaves and Misfit asks for, the configuration that calls go on with while another one takes its place, and
// results whose numbers are no numbers.
//
// Main types: [Spaces] checks tensors, [Observations] is what was observed, [State] is what Configure and Observe left.
// Example, a solver's Misfit:
//
//	c, obs, err := s.state.Take("acoustic", nil)
//	if err != nil {
//		return nil, err
//	}
//	if err := c.CheckMisfit(obs, m, which, phi, gradient); err != nil { // c embeds Spaces
//		return nil, err
//	}
//	... // phi and gradient
//
// It computes no physics and gives no item a status by itself: what a model must be is its solver's to say.
package calls
