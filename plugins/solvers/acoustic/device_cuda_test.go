//go:build cuda

package acoustic

import (
	"math"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/plugins/solvers/internal/solvertest"
)

// What the GPU gives is what the CPU gives, for both schemes.
func TestCUDAAsCPU(t *testing.T) {
	models := func(c *contract.Configured, batch int) [][]float64 {
		list := make([][]float64, batch)
		for i := range list {
			list[i] = make([]float64, c.Model.Len())
			for k := range list[i] {
				list[i][k] = 2000 + 100*float64(i) + 300*math.Sin(float64(k))
			}
		}
		return list
	}
	for name, o := range map[string]options{
		"cpml":    tiny.With(options{"nt": 40}),
		"openfwi": tiny.With(options{"nt": 40, "boundary": section{"kind": "openfwi", "cells": 6}}),
	} {
		t.Run(name, func(t *testing.T) {
			solvertest.CUDAAsCPU(t, func() solvertest.InTime { return New() }, o, 0.5, models)
		})
	}
}

func TestCUDAConformance(t *testing.T) {
	solvertest.CUDAConformance(t, func() contract.FullSolver { return New() }, tiny.With(options{"precision": "float64", "nt": 30}))
}
