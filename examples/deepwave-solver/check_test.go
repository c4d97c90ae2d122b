// Package deepwavesolver_test checks the Deepwave solver of this folder as any plugin is checked, and its waves against solver
// acoustic's, where the environment has Deepwave.
package deepwavesolver_test

import (
	"context"
	"encoding/json"
	"math"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/gradcheck"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
)

const script = "waveprior-solver-deepwave"

const options = `{"preset": "none", "grid": {"nz": 20, "nx": 24, "spacing_m": 10}, "dt_s": 1e-3, "nt": 150,
	"boundary": {"cells": 10, "velocity_m_s": 2500}, "wavelet": {"peak_hz": 15}, "sources": {"positions_m": [[10, 20], [10, 140]]},
	"receivers": {"z_m": 150, "x_first_m": 0, "x_last_m": 230, "count": 24}}`

// deepwave skips where it is missing; nothing is installed here.
func deepwave(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("python3", "-c", "import deepwave, torch, numpy, grpc, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("the first python3 on PATH has no Deepwave, see README.md: %v\n%s", err, out)
	}
}

func TestConformance(t *testing.T) {
	deepwave(t)
	plugintest.Binary(t, contract.KindSolver, script, plugintest.Options{Name: "deepwave", Options: []byte(options)})
}

// TestSaysWhatIsMissing: a Python without Deepwave ends at once and names it.
func TestSaysWhatIsMissing(t *testing.T) {
	cmd := exec.Command("/usr/bin/python3", "-I", script)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Skip("Debian's python3 has all that is needed")
	}
	if text := string(out); !strings.Contains(text, "lacks") || !strings.Contains(text, "deepwave") || strings.Contains(text, "Traceback") {
		t.Errorf("%v: %s", err, out)
	}
}

// Both propagators have one equation, order 4 and C-PML: data and gradients agree but for the layers' details.
func TestAgreesWithAcoustic(t *testing.T) {
	deepwave(t)
	ctx := context.Background()
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := session.FileRef(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := session.New(session.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pool, err := s.Solver(ctx, ref, 1)
	if err != nil {
		t.Fatal(err)
	}
	var data, gradients [2][]float64
	var at [2][]space.Axis
	for i, solver := range []contract.FullSolver{contract.LocalSolver(acoustic.New()), pool} {
		c, err := solver.Configure(ctx, contract.Config{Options: json.RawMessage(options), Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		at[i] = c.Data.Axes
		m, d, g := c.Model.New(1), c.Data.New(1), c.Model.New(1)
		v := make([]float64, m.Len())
		for k := range v {
			v[k] = 1800 + 300*math.Sin(float64(k%24)/5)*math.Cos(float64(k/24)/6)
		}
		m.SetReals(v)
		if st, err := solver.Forward(ctx, m, d); err != nil || contract.StatusAt(st, 0).Code != contract.OK {
			t.Fatal(st, err)
		}
		zero := c.Data.New(1)
		if err := solver.Observe(ctx, zero, []float64{1}); err != nil {
			t.Fatal(err)
		}
		if st, err := solver.Misfit(ctx, m, []int{0}, make([]float64, 1), g); err != nil || contract.StatusAt(st, 0).Code != contract.OK {
			t.Fatal(st, err)
		}
		data[i], gradients[i] = d.AppendReals(nil), g.AppendReals(nil)
	}
	if !reflect.DeepEqual(at[0], at[1]) { // offsets and depths of shots and receivers among them
		t.Errorf("axes of the data:\n%+v, solver acoustic's are\n%+v", at[1], at[0])
	}
	for what, pair := range map[string][2][]float64{"data": data, "gradient": gradients} {
		diff := make([]float64, len(pair[0]))
		for k := range diff {
			diff[k] = pair[1][k] - pair[0][k]
		}
		off := gradcheck.Norm(diff) / gradcheck.Norm(pair[0])
		t.Logf("%s: %.2e apart", what, off)
		if !(off < 0.01) {
			t.Errorf("%s: %.3g of their norm apart, allowed 0.01", what, off)
		}
	}
}
