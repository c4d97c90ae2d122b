//go:build cuda

// Command waveprior-solver-acoustic-cuda serves the solver plugin "acoustic" on a GPU: the host starts it for device = "cuda:N". Built
// by make cuda, with -tags cuda; see docs/cuda.md. Started by hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

func main() { plugin.ServeCUDA(acoustic.New()) }
