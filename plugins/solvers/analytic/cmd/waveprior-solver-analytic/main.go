// Command waveprior-solver-analytic serves the solver plugin "analytic": closed-form maps with exact Jacobians. Started by
// hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

func main() { plugin.Serve(analytic.New()) }
