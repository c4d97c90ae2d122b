// Command waveprior-sampler-dps is the sampler plugin dps as a process: see package dps.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
)

func main() { plugin.Serve(dps.New()) }
