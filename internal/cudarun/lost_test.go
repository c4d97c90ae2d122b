//go:build cuda

package cudarun

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const lost = "testdata/lost.toml"

// runLost runs the experiment on the GPU.
func runLost(t *testing.T, cache, dir string, env ...string) result {
	t.Helper()
	return waveprior(t, env, "run", "--cache", cache, "-o", dir, "--set", `device = "cuda:0"`, lost)
}

// arrays are the .npy files below a folder.
func arrays(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".npy") {
			name, _ := filepath.Rel(dir, path)
			all[name], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// same fails where two runs left other samples.
func same(t *testing.T, what, dir, want string) {
	t.Helper()
	a, b := arrays(t, dir), arrays(t, want)
	if len(b) == 0 || !maps.EqualFunc(a, b, bytes.Equal) {
		t.Errorf("%s: other arrays than in a run without faults: %d and %d of them", what, len(a), len(b))
	}
}

// TestLostGPU: a plugin whose GPU is lost to it, in training or in a gradient, ends, and the run goes on with another process to
// the same bits; where every process loses it, the run ends with the reason, and can be resumed.
func TestLostGPU(t *testing.T) {
	onEmulated(t)
	top := t.TempDir()
	at := func(name string) string { return filepath.Join(top, name) }
	if r := runLost(t, at("cache"), at("whole")); r.code != 0 {
		t.Fatal(r)
	}

	fault := "WAVEPRIOR_EMULATED_FAULT=nn_adam_f32:30:" + at("first") + ",helm_residual_f32:5:" + at("second")
	r := runLost(t, at("cache once"), at("once"), fault)
	if r.code != 0 {
		t.Fatal(r)
	}
	for _, want := range []string{
		"prior kl-mlp died in Train", "kernel nn_adam_f32, launch 30", "solver helmholtz #1 died in Misfit", "kernel helm_residual_f32, launch 5",
		"the GPU is lost to this process", "restarting it, attempt 1 of 5",
	} {
		if !strings.Contains(r.text, want) {
			t.Errorf("%v\nwant %q in it", r, want)
		}
	}
	for _, file := range []string{"first", "second"} {
		if _, err := os.Stat(at(file)); err != nil {
			t.Errorf("no GPU was lost: %v", err)
		}
	}
	same(t, "after two faults", at("once"), at("whole"))

	always := []string{"run", "--cache", at("cache always"), "-o", at("always"), "--set", `device = "cuda:0"`, "--set", "run.restarts = 1", lost}
	r = waveprior(t, []string{"WAVEPRIOR_EMULATED_FAULT=helm_residual_f32:1"}, always...)
	if r.code == 0 || strings.Count(r.text, "waveprior: ") != 1 || strings.Contains(r.text, "goroutine ") {
		t.Errorf("%v\nwant one error", r)
	}
	for _, want := range []string{
		"failed 2 times, giving up (the run can be resumed)", "this process ends, so that another one can take its place",
		"the GPU is lost to this process", "kernel helm_residual_f32, launch 1",
	} {
		if !strings.Contains(r.text, want) {
			t.Errorf("%v\nwant %q in it", r, want)
		}
	}
	if r = waveprior(t, nil, always...); r.code != 0 || !strings.Contains(r.text, "train: from the cache") {
		t.Errorf("%v\nwant it resumed", r)
	}
	same(t, "resumed", at("always"), at("whole"))
}

// TestGPUMemoryEnds: too little memory is one error that says how much was asked for and was there, and no crash.
func TestGPUMemoryEnds(t *testing.T) {
	onEmulated(t)
	cache, dir := t.TempDir(), filepath.Join(t.TempDir(), "run")
	r := waveprior(t, []string{"WAVEPRIOR_EMULATED_MEMORY=1"}, "run", "--cache", cache, "-o", dir, "--set", `device = "cuda:0"`,
		"--set", "prior.width = 512", lost)
	if r.code == 0 || strings.Count(r.text, "waveprior: ") != 1 || strings.Contains(r.text, "goroutine ") || strings.Contains(r.text, "died") {
		t.Errorf("%v\nwant one error of a plugin that lives", r)
	}
	for _, want := range []string{"prior kl-mlp: Train: ", "no memory for a buffer of ", "bytes are in use", "of 1048576 are in use"} {
		if !strings.Contains(r.text, want) {
			t.Errorf("%v\nwant %q in it", r, want)
		}
	}
}
