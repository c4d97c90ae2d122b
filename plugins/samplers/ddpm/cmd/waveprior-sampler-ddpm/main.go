// Command waveprior-sampler-ddpm is the sampler plugin ddpm as a process: see package ddpm.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
)

func main() { plugin.Serve(ddpm.New()) }
