package scaffold_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
	"github.com/waveprior/waveprior/host/scaffold"
)

// TestGo: every Go project builds outside waveprior's tree, passes its own tests, and its binary the suite.
func TestGo(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []contract.Kind{contract.KindSolver, contract.KindPrior, contract.KindSampler} {
		t.Run(string(kind), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			if err := scaffold.New(kind, scaffold.Go, "my-first", dir); err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) {
				t.Helper()
				cmd := exec.Command("go", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("go %v: %v\n%s", args, err, out)
				}
			}
			// The modules of this build, so that nothing is fetched.
			if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644); err != nil {
				t.Fatal(err)
			}
			run("mod", "edit", "-require=github.com/waveprior/waveprior@v0.0.0", "-replace=github.com/waveprior/waveprior="+root)
			run("build", "-o", "bin/", "./cmd/...")
			run("test", "./...")
			binary := filepath.Join(dir, "bin", "waveprior-"+string(kind)+"-my-first")
			plugintest.Binary(t, kind, binary, plugintest.Options{Name: "my-first"})
		})
	}
}

// TestInside: in waveprior's own module a project has no go.mod, and imports itself by its place there.
func TestInside(t *testing.T) {
	dir := filepath.Join("testdata", "inside")
	t.Cleanup(func() { os.RemoveAll("testdata") })
	if err := scaffold.New(contract.KindSolver, scaffold.Go, "my-first", dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("go.mod: %v, want none", err)
	}
	if out, err := exec.Command("go", "vet", "./testdata/inside/...").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPython(t *testing.T) {
	if out, err := exec.Command("/usr/bin/python3", "-c", "import grpc, numpy, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("apt install python3-grpcio python3-numpy python3-protobuf: %v\n%s", err, out)
	}
	dir := t.TempDir()
	if err := scaffold.New(contract.KindSolver, scaffold.Python, "my-first", dir); err != nil {
		t.Fatal(err)
	}
	plugintest.Binary(t, contract.KindSolver, filepath.Join(dir, "waveprior-solver-my-first"), plugintest.Options{Name: "my-first"})
	for _, name := range []string{"README.md", "waveprior-solver-my-first"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || strings.Contains(string(text), "pyanalytic") {
			t.Errorf("%s (%v) names the example", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		kind            contract.Kind
		lang, name, dir string
		want            string
	}{
		{"metric", scaffold.Go, "x", "", "allowed: solver, prior, sampler"},
		{contract.KindSolver, "rust", "x", "", "allowed: go, python"},
		{contract.KindSolver, scaffold.Go, "My Physics", "", "lower-case words"},
		{contract.KindSolver, scaffold.Go, "func", "", "lower-case words"},
		{contract.KindSolver, scaffold.Go, "../x", "", "lower-case words"},
		{contract.KindSolver, scaffold.Go, "x", full, "not empty"},
		{contract.KindPrior, scaffold.Python, "x", "", "only of a solver"},
		{contract.KindSampler, scaffold.Python, "x", "", "only of a solver"},
	} {
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "new")
		}
		err := scaffold.New(c.kind, c.lang, c.name, dir)
		if !errors.Is(err, scaffold.ErrRefused) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("New(%q, %q, %q): %v, want %q", c.kind, c.lang, c.name, err, c.want)
		}
		if _, err := os.Stat(dir); c.dir == "" && err == nil {
			t.Errorf("New(%q, %q, %q) was refused and left %s", c.kind, c.lang, c.name, dir)
		}
	}
}
