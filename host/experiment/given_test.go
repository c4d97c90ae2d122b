package experiment_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
)

// recorded is an experiment with observed data from a file beside it.
var recorded = strings.NewReplacer("truth = \"model\"\nmodel = [[1, 2]]\nnoise = 0.1", "truth = \"data\"\nfile = \"d.npy\"\nnoise_std = 0.1\nindex = [4, 1]", `"free"`, `"climb"`).Replace(base)

// TestGivenData: the file's path starts at the experiment's folder, the observations are as many as the items that are asked for, no
// noise is added to them, and the lock has the same experiment, whatever folder it lies in; another content is another sum.
func TestGivenData(t *testing.T) {
	path := write(t, recorded)
	file := filepath.Join(filepath.Dir(path), "d.npy")
	load := func(path string) *experiment.Experiment {
		t.Helper()
		e, err := experiment.Load(t.Context(), path, nil, known())
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	save := func(first float32) {
		t.Helper()
		x := tensor.New(tensor.Float32, 6, 3)
		x.Float32s()[0] = first
		if err := npy.Write(file, x); err != nil {
			t.Fatal(err)
		}
	}
	save(1)
	e := load(path)
	o := e.Cells[0].Observation
	if *o.File != file || o.Count != 2 || o.AddNoise || !reflect.DeepEqual(o.Index, []int{4, 1}) || len(o.DataSum) != 64 {
		t.Errorf("%+v", o)
	}
	lock, err := config.Encode(e.LockTree(func(session.Ref) string { return "" }), "lock")
	if err != nil {
		t.Fatal(err)
	}
	if again := load(write(t, string(lock))); !reflect.DeepEqual(again.Cells, e.Cells) {
		t.Errorf("%+v\nfrom the lock %+v\n%s", e.Cells, again.Cells, lock)
	}
	save(2)
	if now := load(path).Cells[0].Observation.DataSum; now == o.DataSum {
		t.Error("another content has the same sum")
	}
}

// TestGivenDataErrors: what does not go together is said where it stands.
func TestGivenDataErrors(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"index = [4, 1]", "data = [[1.0]]", "x.toml:14: observation.file: data and file are both given, allowed is one of them"},
		{`truth = "data"`, `truth = "held-out"`, `x.toml:14: observation.file: goes with truth = "file" (true models) or "data" (observed data), and truth is "held-out", whose data are simulated`},
		{`truth = "data"`, `truth = { rule = "drawn", data = { kind = "gaussian", mean = [0, 1] } }`, `x.toml:14: observation.file: goes with truth = "file"`},
		{`truth = "data"` + "\n" + `file = "d.npy"`, `data = [[1.0]]`, `observation.data: goes with truth = "data", and truth is "held-out", whose data are simulated`},
		{`truth = "data"`, `truth = "model"`, `observation.model: goes with truth = "model"`},
		{`file = "d.npy"`, "", `observation.data: truth = "data" needs the observed data: data = [[...]], or file = "gathers.npy"`},
		{`file = "d.npy"`, `data = [[1.0], [2.0]]`, `observation.index: says which items of a file are the observations, and there is no file`},
		{`file = "d.npy"`, `file = "gone.npy"`, "x.toml:14: observation.file: "},
		{`index = [4, 1]`, `index = [4, -1]`, "x.toml:16: observation.index"},
		{`index = [4, 1]`, "index = [4, 1]\ncount = 3", "x.toml:17: observation.count: is 3, but 2 are given"},
		{`index = [4, 1]`, `add_noise = true`, "x.toml:16: observation.add_noise: given data have their own noise: none is added"},
		{`index = [4, 1]`, "[observation.solver]\nplugin = \"plain\"", "observation.solver: makes the data of a truth, and truth is \"data\": nothing is simulated"},
		{`noise_std = 0.1`, `noise = 0.1`, "x.toml:15: observation.noise: observed data come with a noise_std of their own"},
		{`index = [4, 1]`, `add_noise = false`, ""},
	} {
		if !strings.Contains(recorded, tc.from) {
			t.Fatalf("no %q in the experiment", tc.from)
		}
		path := write(t, strings.Replace(recorded, tc.from, tc.to, 1))
		if err := npy.Write(filepath.Join(filepath.Dir(path), "d.npy"), tensor.New(tensor.Float32, 6, 3)); err != nil {
			t.Fatal(err)
		}
		_, err := experiment.Load(t.Context(), path, nil, known())
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s\n got %v\nwant %s", tc.to, err, tc.want)
		}
	}
	path := write(t, recorded)
	if err := os.WriteFile(filepath.Join(filepath.Dir(path), "d.npy"), []byte("0.5 0.3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := experiment.Load(t.Context(), path, nil, known()); err == nil || !strings.Contains(err.Error(), "x.toml:14: observation.file: ") || !strings.Contains(err.Error(), "d.npy (8 bytes)") {
		t.Errorf("text: %v", err)
	}
}
