//go:build cuda

// Command waveprior-prior-kl-mlp-cuda serves the prior plugin "kl-mlp" on a GPU: the host starts it for device = "cuda:N". Built
// by make cuda, with -tags cuda; see docs/cuda.md. Started by hand it prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	klmlp "github.com/waveprior/waveprior/plugins/priors/kl-mlp"
)

func main() { plugin.ServeCUDA(klmlp.New()) }
