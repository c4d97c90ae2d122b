//go:build cuda

package cudarun

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestErrors: what stands in the way of a GPU is one clear error, before anything is computed.
func TestErrors(t *testing.T) {
	empty := t.TempDir()
	none := filepath.Join(empty, "none.fatbin")
	broken := filepath.Join(empty, "broken.fatbin")
	if err := os.WriteFile(broken, []byte("kernels, the first few"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env    []string
		device string
		code   int
		want   []string
	}{
		"no driver":      {[]string{"LD_LIBRARY_PATH"}, "cuda:0", 2, []string{": device: solver helmholtz", "there is no CUDA driver: libcuda.so.1", `device = "cpu" computes without a GPU`}},
		"no GPU":         {[]string{"CUDA_VISIBLE_DEVICES=-1"}, "cuda:0", 2, []string{": device: solver helmholtz", "the CUDA driver finds no GPU that it can use: NoDevice", "nvidia-smi"}},
		"no such GPU":    {nil, "cuda:99", 2, []string{"cuda:99", "GPUs, numbered from 0"}},
		"no kernels":     {[]string{"WAVEPRIOR_FATBIN=" + none}, "cuda:0", 2, []string{none, "make cuda builds them"}},
		"broken kernels": {[]string{"WAVEPRIOR_FATBIN=" + broken}, "cuda:0", 2, []string{broken, "22 bytes that do not begin as a fatbin does"}},
		"no such device": {nil, "cuda", 2, []string{`no such device: "cuda"`}},
		"sampler":        {nil, `cpu"` + "\nsampler.device = \"cuda:0", 2, []string{"sampler.device", `must be one of "cpu"`}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "no driver" && driverElsewhere() {
				t.Skip("this machine has a CUDA driver")
			}
			dir := filepath.Join(t.TempDir(), "run")
			r := waveprior(t, c.env, "run", "-q", "--cache", t.TempDir(), "-o", dir, "--set", `device = "`+c.device+`"`, tiny)
			if r.code != c.code {
				t.Errorf("exit %d, want %d", r.code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(r.text, want) {
					t.Errorf("%v\nwant %q in it", r, want)
				}
			}
			if strings.Contains(r.text, "goroutine ") || strings.Count(r.text, "waveprior: ") != 1 {
				t.Errorf("%v\nwant one error", r)
			}
		})
	}
	r := waveprior(t, []string{"CUDA_VISIBLE_DEVICES=-1"}, "plugin", "list")
	builds, err := filepath.Glob("../../plugins/*/*/cmd/waveprior-*-cuda")
	if err != nil || len(builds) < 5 {
		t.Fatal(builds, err)
	}
	if r.code != 0 || strings.Count(r.text, "cannot start here: ") != len(builds) || !strings.Contains(r.text, "analytic") {
		t.Errorf("%v\nwant %d builds that cannot start here, and the others", r, len(builds))
	}
}

// driverElsewhere reports whether the loader finds a driver without LD_LIBRARY_PATH.
func driverElsewhere() bool {
	for _, dir := range []string{"/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/lib/x86_64-linux-gnu", "/usr/local/cuda/compat"} {
		if _, err := os.Stat(filepath.Join(dir, "libcuda.so.1")); err == nil {
			return true
		}
	}
	return false
}

// TestConformance: the builds for GPUs keep the contract. That of the solver, whose suite takes ten minutes on an emulated GPU, is
// checked in its own package, on a smaller problem.
func TestConformance(t *testing.T) {
	for name, args := range map[string][]string{
		"kl-mlp-cuda": {"--from", tiny, "--set", "train.steps = 60"},
		"gmm-cuda":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := waveprior(t, nil, append([]string{"plugin", "check", "--limit", "2m", name}, args...)...)
			if r.code != 0 || !strings.Contains(r.text, " on cuda:0 (") || !strings.Contains(r.text, " 0 failed") {
				t.Error(r)
			}
		})
	}
}
