//go:build cuda

// Command waveprior-solver-elastic-cuda serves the solver plugin "elastic" on a GPU: the host starts it for device = "cuda:N". Built
// by make cuda, with -tags cuda; see docs/cuda.md. Started by hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/elastic"
)

func main() { plugin.ServeCUDA(elastic.New()) }
