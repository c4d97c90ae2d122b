//go:build cuda

package cudarun

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const tiny = "testdata/tiny.toml"

// seeds of the runs on the CPU; the first onGPU of them run on the GPU too.
var seeds = []int{1, 2, 3, 4, 5}

const onGPU = 2

// manifest is what the tests read of a run's manifest.json.
type manifest struct {
	DevicePeak map[string]uint64 `json:"device_peak_bytes"`
	Plugins    map[string]struct {
		Device string `json:"device"`
		SHA256 string `json:"sha256"`
	} `json:"plugins"`
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// runTiny runs the experiment, in a cache of its own, and returns its folder, what it wrote, and its metrics as CELL/NAME.
func runTiny(t *testing.T, device string, seed int, cache string) (dir, text string, metrics map[string]float64) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "run")
	r := waveprior(t, nil, "run", "--cache", cache, "-o", dir, "--set", fmt.Sprintf("device = %q", device), "--set", fmt.Sprintf("seed = %d", seed), tiny)
	if r.code != 0 {
		t.Fatal(r)
	}
	readJSON(t, filepath.Join(dir, "metrics.json"), &metrics)
	maps.DeleteFunc(metrics, func(name string, _ float64) bool { return strings.Contains(name, "/cost.") })
	return dir, r.text, metrics
}

// TestQuickstart: training, sampling and gradients of waves on the GPU. What comes out lies within what other seeds of the CPU
// give, and by far nearer to the CPU's result of the same seed than seeds are to one another: the noise is the same, and
// float32 rounds by other sums. Nothing of one device is taken from the cache for the other.
func TestQuickstart(t *testing.T) {
	cache := t.TempDir()
	cpu := make([]map[string]float64, len(seeds))
	for i, s := range seeds {
		_, _, cpu[i] = runTiny(t, "cpu", s, cache)
	}
	for i, s := range seeds[:onGPU] {
		dir, text, gpu := runTiny(t, "cuda:0", s, cache)
		for _, stage := range []string{"train", "observe", "sample", "judge"} {
			if strings.Contains(text, stage+" [prior]: from the cache") {
				t.Errorf("seed %d: stage %s of the CPU was taken for the GPU's:\n%s", s, stage, text)
			}
		}
		var m manifest
		readJSON(t, filepath.Join(dir, "manifest.json"), &m)
		for _, name := range []string{"solver-helmholtz-cuda", "prior-kl-mlp-cuda"} {
			if p := m.Plugins[name]; p.Device != "cuda:0" || len(p.SHA256) != 64 {
				t.Errorf("seed %d: %s in the manifest: %+v", s, name, p)
			}
		}
		report, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil {
			t.Fatal(err)
		}
		for _, process := range []string{"prior kl-mlp", "solver helmholtz #1"} {
			if m.DevicePeak[process] == 0 || !strings.Contains(string(report), "peak GPU memory of "+process) || !strings.Contains(text, "GPU memory: at most") {
				t.Errorf("seed %d: memory of %s: %d bytes in the manifest; the report or the log do not tell it", s, process, m.DevicePeak[process])
			}
		}
		compare(t, s, cpu, i, gpu)
	}
}

// compare holds the metrics of a GPU against those of the CPU, of which number i has its seed.
func compare(t *testing.T, seed int, cpu []map[string]float64, i int, gpu map[string]float64) {
	t.Helper()
	varied := 0
	for name, want := range cpu[i] {
		got, ok := gpu[name]
		if !ok {
			t.Errorf("seed %d: the GPU has no %s", seed, name)
			continue
		}
		var all []float64
		mean, spread := 0.0, 0.0
		for _, m := range cpu {
			all = append(all, m[name])
			mean += m[name] / float64(len(cpu))
		}
		for _, v := range all {
			spread += (v - mean) * (v - mean) / float64(len(cpu)-1)
		}
		spread = math.Sqrt(spread)
		// Of its own seed: a hundredth of what seeds differ by. A rate counts samples: one of 8 may fall on the other side.
		near := 0.01*spread + 1e-5*math.Abs(want)
		if strings.Contains(name, "rate") || strings.Contains(name, "coverage") || strings.Contains(name, "neighbours") {
			near = max(near, spread)
		}
		if math.Abs(got-want) > near {
			t.Errorf("seed %d: %s is %g on the GPU, %g on the CPU; seeds differ by %g", seed, name, got, want, spread)
		}
		if lo, hi := slices.Min(all), slices.Max(all); got < lo-near || got > hi+near {
			t.Errorf("seed %d: %s is %g on the GPU, outside of %g to %g of the CPU's seeds", seed, name, got, lo, hi)
		}
		if spread > 0 {
			varied++
		}
	}
	if varied < 50 {
		t.Errorf("seed %d: only %d metrics depend on the seed", seed, varied)
	}
}
