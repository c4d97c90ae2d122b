// Command waveprior-sampler-gmm-posterior is the sampler plugin gmm-posterior as a process: see package gmmposterior.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
)

func main() { plugin.Serve(gmmposterior.New()) }
