// Command waveprior-sampler-map is the sampler plugin map as a process: see package maximum.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
)

func main() { plugin.Serve(maximum.New()) }
