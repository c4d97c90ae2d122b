package run

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
)

// TestDeviceInKeys: a stage that a GPU computed is not taken for the CPU's, nor the other way round; which GPU it was does
// not matter.
func TestDeviceInKeys(t *testing.T) {
	key := func(device string) string {
		p := &experiment.Plugin{Ref: session.Ref{Kind: contract.KindPrior, Name: "kl-mlp", Device: device}, Description: contract.Description{Numerics: "1"}}
		k, err := stage.Key("train", map[string]any{"prior": numbersOf(p, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	if key("") == key("cuda:0") {
		t.Error("one key for the CPU and a GPU")
	}
	if key("cuda:0") != key("cuda:1") {
		t.Error("two keys for two GPUs")
	}
}

// TestChecksumOfKernels: the checksum of a CUDA build is that of its binary and of the kernels that it loads.
func TestChecksumOfKernels(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cpu, gpu := write("waveprior-solver-x", "binary", 0o755), write("waveprior-solver-x-cuda", "binary", 0o755)
	sum := func(device, path string) string {
		r := &runner{Options: Options{Session: &session.Session{}}, sums: map[session.Ref]string{}}
		return r.checksum(session.Ref{Kind: contract.KindSolver, Name: "x", Path: path, Device: device})
	}
	of := func(text string) string {
		s := sha256.Sum256([]byte(text))
		return hex.EncodeToString(s[:])
	}
	t.Setenv("WAVEPRIOR_FATBIN", "")
	for _, c := range []struct{ what, got, want string }{
		{"CPU", sum("", cpu), of("binary")},
		{"no kernels", sum("cuda:0", gpu), of("binary")},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.what, c.got, c.want)
		}
	}
	write("waveprior.fatbin", "kernels", 0o644)
	if got := sum("cuda:0", gpu); got != of("binarykernels") {
		t.Errorf("kernels beside the binary: %s", got)
	}
	if got := sum("", cpu); got != of("binary") {
		t.Errorf("kernels beside a build for the CPU: %s", got)
	}
	t.Setenv("WAVEPRIOR_FATBIN", write("other", "more", 0o644))
	if got := sum("cuda:0", gpu); got != of("binarymore") {
		t.Errorf("kernels by $WAVEPRIOR_FATBIN: %s", got)
	}
}
