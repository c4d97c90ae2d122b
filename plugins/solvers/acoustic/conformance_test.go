package acoustic

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
)

func TestConformance(t *testing.T) {
	for name, o := range map[string]options{
		"cpml float64": tiny.With(options{"precision": "float64"}),
		"cpml float32": tiny,
		"velocity":     tiny.With(options{"precision": "float64", "record": map[string]any{"quantity": "vz", "density_kg_m3": 2000, "source_velocity_m_s": 2000}}),
		"openfwi":      tiny.With(options{"precision": "float64", "boundary": map[string]any{"kind": "openfwi", "cells": 6}}),
	} {
		t.Run(name, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return New() }, plugintest.Options{Options: o.JSON(t), Scale: 1})
		})
	}
}
