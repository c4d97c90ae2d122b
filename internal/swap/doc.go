// Package swap holds the tests of experiments/swap, cut down to seconds, and of priors that drive solvers which know nothing of
// them: one prior, physics swapped. It has no code to import.
package swap
