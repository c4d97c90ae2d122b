package acoustic

import (
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
)

func TestConformance(t *testing.T) {
	for name, o := range map[string]options{
		"cpml float64": tiny.with(options{"precision": "float64"}),
		"cpml float32": tiny,
		"openfwi":      tiny.with(options{"precision": "float64", "boundary": map[string]any{"kind": "openfwi", "cells": 6}}),
	} {
		t.Run(name, func(t *testing.T) {
			plugintest.Solver(t, func() contract.Solver { return New() }, plugintest.Options{Options: o.json(t), Scale: 1})
		})
	}
}
