// Command waveprior-solver-elastic serves the solver plugin "elastic": elastic P-SV waves in time. Started by hand it prints its
// options.
package main

import (
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/plugins/solvers/elastic"
)

func main() { plugin.Serve(elastic.New()) }
