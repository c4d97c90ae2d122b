// Command waveprior-solver-helmholtz serves the solver plugin "helmholtz": acoustic waves in the frequency domain. Started
// by hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/helmholtz"
)

func main() { plugin.Serve(helmholtz.New()) }
