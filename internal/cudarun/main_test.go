//go:build cuda

package cudarun

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// binDir has the command, the plugins, and their builds for GPUs.
var binDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "wg")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binDir = dir
		return m.Run()
	}())
}

// build builds the command and the plugins as make build does, and the others as make cuda.
func build(dir string) error {
	mains, err := filepath.Glob("../../plugins/*/*/cmd/waveprior-*")
	if err != nil {
		return err
	}
	var cpu, gpu []string
	for _, m := range mains {
		if strings.HasSuffix(m, "-cuda") {
			gpu = append(gpu, m)
		} else {
			cpu = append(cpu, m)
		}
	}
	if len(cpu) == 0 || len(gpu) == 0 {
		return fmt.Errorf("no plugins found: %q and %q", cpu, gpu)
	}
	for _, args := range [][]string{
		{"-o", filepath.Join(dir, "waveprior"), "../../host"}, append([]string{"-o", dir + "/"}, cpu...),
		append([]string{"-tags", "cuda", "-o", dir + "/"}, gpu...),
	} {
		if out, err := exec.Command("go", append([]string{"build", "-trimpath", "-buildvcs=false"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("go build %q: %w\n%s", args, err, out)
		}
	}
	return nil
}

// result is what a command did.
type result struct {
	args []string
	code int
	text string // stdout and stderr
}

func (r result) String() string {
	return fmt.Sprintf("waveprior %s: exit %d\n%s", strings.Join(r.args, " "), r.code, r.text)
}

// waveprior runs the command. env has variables to set (NAME=VALUE) and to take away (NAME).
func waveprior(t *testing.T, env []string, args ...string) result {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binDir, "waveprior"), args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return name == "WAVEPRIOR_PLUGINS" || slices.Contains(env, name)
	})
	for _, e := range env {
		if strings.Contains(e, "=") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{args, cmd.ProcessState.ExitCode(), out.String()}
}

// onEmulated skips a test whose faults only the emulated driver makes.
func onEmulated(t *testing.T) {
	t.Helper()
	r := exec.Command(filepath.Join(binDir, "waveprior-prior-gmm-cuda"), "--describe")
	r.Env = append(os.Environ(), "CUDA_VISIBLE_DEVICES=-1")
	if out, _ := r.CombinedOutput(); !bytes.Contains(out, []byte("emulated CUDA: ")) {
		t.Skip("needs the emulated driver: make cuda-test-emulated")
	}
}
