// Package pythonsolver_test checks the Python solver of this folder as any plugin is checked, through real processes.
package pythonsolver_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugintest"
)

const script = "waveprior-solver-pyanalytic"

// python skips where Debian's packages are not installed; CI installs them.
func python(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("/usr/bin/python3", "-c", "import grpc, numpy, google.protobuf").CombinedOutput(); err != nil {
		t.Skipf("apt install python3-grpcio python3-numpy python3-protobuf: %v\n%s", err, out)
	}
}

func TestConformance(t *testing.T) {
	python(t)
	plugintest.Binary(t, contract.KindSolver, script, plugintest.Options{Name: "pyanalytic"})
}

// TestPrinting: a print to stdout in a call is found. It shows that the property looks at calls, which Go plugins, whose
// stdout leads elsewhere after the handshake, cannot show.
func TestPrinting(t *testing.T) {
	python(t)
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "python"), os.DirFS("../python")); err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(text, []byte("def F(x, a, b): return"), []byte(`def F(x, a, b): print("F!", flush=True); return`), 1)
	if bytes.Equal(bad, text) {
		t.Fatal("the script has another F")
	}
	path := filepath.Join(dir, "solver", script)
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bad, 0o755); err != nil {
		t.Fatal(err)
	}
	list := plugintest.Check(t.Context(), contract.KindSolver, plugintest.Process(path, plugintest.ProcessOptions{}), plugintest.Options{})
	failed := plugintest.Failed(list)
	if len(failed) != 1 || failed[0].Name != "stdout-clean" || !strings.Contains(failed[0].Text, "F!") {
		var b strings.Builder
		_ = plugintest.Write(&b, list, false)
		t.Fatalf("want stdout-clean to fail alone:\n%s", b.String())
	}
}

// TestGenerated: the message classes are what protoc makes of core/proto.
func TestGenerated(t *testing.T) {
	version, err := exec.Command("protoc", "--version").Output()
	if err != nil || !strings.HasPrefix(string(version), "libprotoc 3.21.") {
		t.Skipf("apt install protobuf-compiler (3.21, Debian's): %s %v", version, err)
	}
	dir := t.TempDir()
	protos, err := filepath.Glob("../../core/proto/waveprior/v1/*.proto")
	if err != nil || len(protos) == 0 {
		t.Fatalf("no protos: %v", err)
	}
	if out, err := exec.Command("protoc", append([]string{"-I", "../../core/proto", "--python_out", dir}, protos...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := filepath.Glob(filepath.Join(dir, "waveprior/v1/*_pb2.py"))
	if err != nil || len(made) != len(protos) {
		t.Fatalf("protoc made %v: %v", made, err)
	}
	for _, path := range made {
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../python/waveprior/v1", filepath.Base(path)))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("examples/python/waveprior/v1/%s is not what protoc makes of core/proto (%v): protoc -I core/proto --python_out=examples/python core/proto/waveprior/v1/*.proto",
				filepath.Base(path), err)
		}
	}
}

// TestLength: the example stays a page.
func TestLength(t *testing.T) {
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(text, []byte("\n")); n > 60 {
		t.Errorf("%s has %d lines, at most 60", script, n)
	}
}
