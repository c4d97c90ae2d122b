// Package examples holds the examples whose text the host takes as templates (package scaffold).
//
// It is not a library: nothing else is in it.
package examples

import "embed"

// Python is the Python solver, and what it has in common with others: python-solver/..., python/waveprior/plugin.py and v1/*_pb2.py.
//
//go:embed python-solver/waveprior-solver-pyanalytic python-solver/README.md python/waveprior/plugin.py python/waveprior/v1/*_pb2.py
var Python embed.FS
