package npy_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// python returns an interpreter with NumPy; the golden files of testdata do without one.
func python(t *testing.T) string {
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(p, "-c", "import numpy").Run() == nil {
			return p
		}
	}
	t.Skip("needs python3 with numpy (Debian: python3-numpy); the golden files are tested all the same")
	return ""
}

// What this package writes NumPy reads, mapped too, with the same elements; what NumPy saves from that has the same
// bytes from the magic to the last element.
func TestAgainstNumPy(t *testing.T) {
	py := python(t)
	dir := t.TempDir()
	shapes := [][]int{{}, {1}, {7}, {0}, {3, 5}, {2, 0, 3}, {2, 3, 4, 5}, {1000, 3}}
	var names []string
	for dt := tensor.Float32; dt <= tensor.Uint8; dt++ {
		for _, shape := range shapes {
			name := fmt.Sprintf("%d-%v", len(names), dt)
			names = append(names, name)
			x := values(dt, shape...)
			if err := npy.Write(filepath.Join(dir, name+".npy"), x); err != nil {
				t.Fatal(err)
			}
			// The elements as text, by another way than npy: NumPy reads them with numpy.fromfile.
			meta := fmt.Sprintf("%v %s", dt, bytes.ReplaceAll(fmt.Append(nil, shape), []byte(" "), []byte(",")))
			if err := os.WriteFile(filepath.Join(dir, name+".meta"), []byte(meta), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name+".raw"), x.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	const script = `
import sys, glob, numpy as np
for f in sorted(glob.glob(sys.argv[1] + "/*.meta")):
    dt, shape = open(f).read().split(" ")
    want = np.frombuffer(open(f[:-5] + ".raw", "rb").read(), dtype=dt).reshape(eval(shape))
    for mode in (None, "r") if want.size else (None,):
        a = np.load(f[:-5] + ".npy", mmap_mode=mode)
        assert a.dtype == np.dtype(dt) and a.shape == want.shape and np.array_equal(a, want), (f, a, want)
        assert a.flags.c_contiguous and a.flags.aligned, f
    np.save(f[:-5] + ".numpy.npy", want)
`
	if out, err := exec.Command(py, "-c", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range names {
		ours, theirs := filepath.Join(dir, name+".npy"), filepath.Join(dir, name+".numpy.npy")
		a, err := npy.Read(ours)
		if err != nil {
			t.Fatal(err)
		}
		b, err := npy.Read(theirs)
		if err != nil || !same(a, b) {
			t.Errorf("%s: NumPy's file reads as %v, %v", name, b, err)
		}
		x, _ := os.ReadFile(ours)
		y, _ := os.ReadFile(theirs)
		if !bytes.Equal(x, y) {
			t.Logf("%s: NumPy pads otherwise (before 1.24 it left no room for growth): %d and %d bytes", name, len(x), len(y))
			if len(x) < len(y) {
				t.Errorf("%s: %d bytes, NumPy writes %d", name, len(x), len(y))
			}
		}
	}
}
