// Command waveprior-prior-kl-mlp serves the prior plugin "kl-mlp": a diffusion model of KL coordinates. Started by hand it
// prints its options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	klmlp "github.com/waveprior/waveprior/plugins/priors/kl-mlp"
)

func main() { plugin.Serve(klmlp.New()) }
