// Command waveprior-solver-acoustic serves the solver plugin "acoustic": acoustic waves in time. Started by hand it prints its
// options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

func main() { plugin.Serve(acoustic.New()) }
