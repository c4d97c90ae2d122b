package run_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

const filesExperiment = `
name = "files"
[solver]
plugin = "cosines"
[prior]
plugin = "gmm"
components = "training"
width = 0.004
[prior.schedule]
kind = "linear"
steps = 20
beta_first = 1e-3
beta_last = 0.5
[prior.data]
kind = "files"
path = "maps/model1.npy"
examples = 6
held_out = 3
[observation]
truth = "held-out"
noise = 0.05
[sampler]
plugin = "ddpm"
chains = 4
`

// TestTrainingOnFiles: a training set comes from files whose path starts at the experiment's folder, and its stage depends
// on their content, not on when they were written.
func TestTrainingOnFiles(t *testing.T) {
	b := newBench(t)
	b.plugins["solver/cosines"] = func() contract.Plugin { return &cosines{} }
	if err := os.Mkdir(filepath.Join(b.root, "maps"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(b.root, "maps", "model1.npy")
	write := func(add float64) {
		t.Helper()
		m := tensor.New(tensor.Float32, 9, 1, fieldNZ, fieldNX)
		for i := range m.Batch() {
			v := make([]float64, fieldNZ*fieldNX)
			for k := range v {
				v[k] = 2000 + 50*float64(i) + float64(k%fieldNX) + add
			}
			m.Item(i).SetReals(v)
		}
		if err := npy.Write(path, m); err != nil {
			t.Fatal(err)
		}
	}
	write(0)
	res := b.run(filesExperiment)
	seen := map[int]bool{}
	for set, n := range map[string]int{"training": 6, "held-out": 3} {
		m := read(t, filepath.Join(b.stageOf(t, res.Cells[0], "data"), set, "00000.npy"))
		if m.Batch() != n {
			t.Fatalf("%s: %d examples, want %d", set, m.Batch(), n)
		}
		for i := range n {
			v := m.Item(i).AppendReals(nil)
			number := -1
			for k := range 9 { // the solver takes squared slowness
				if w := 1e6 / ((2000 + 50*float64(k)) * (2000 + 50*float64(k))); v[0] > w*0.9999 && v[0] < w*1.0001 {
					number = k
				}
			}
			if number < 0 || seen[number] {
				t.Errorf("%s: example %d is sample %d of the file", set, i, number)
			}
			seen[number] = true
		}
	}
	write(0)
	b.run(filesExperiment)
	if n := b.entries("data"); n != 1 {
		t.Errorf("%d data stages for the same content", n)
	}
	write(10)
	b.run(filesExperiment)
	if n := b.entries("data"); n != 2 {
		t.Errorf("%d data stages after the files changed, want 2", n)
	}
	if err := os.Truncate(path, 500); err != nil {
		t.Fatal(err)
	}
	if _, err := b.try(t.Context(), filesExperiment); err == nil || !strings.Contains(err.Error(), "model1.npy (500 bytes): cut") {
		t.Errorf("a file that was cut: %v", err)
	}
	if _, err := b.try(t.Context(), filesExperiment, `prior.data.path = "nowhere"`); err == nil || !strings.Contains(err.Error(), filepath.Join(b.root, "nowhere")) {
		t.Errorf("no file: %v", err)
	}
}
