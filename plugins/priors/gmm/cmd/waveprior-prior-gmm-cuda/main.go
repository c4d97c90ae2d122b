//go:build cuda

// Command waveprior-prior-gmm-cuda serves the prior plugin "gmm" on a GPU: the host starts it for device = "cuda:N". Built
// by make cuda, with -tags cuda; see docs/cuda.md. Started by hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
)

func main() { plugin.ServeCUDA(gmm.New()) }
