// Command waveprior-prior-gmm serves the prior plugin "gmm": Gaussian mixtures with the exact denoiser. Started by hand it
// prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
)

func main() { plugin.Serve(gmm.New()) }
