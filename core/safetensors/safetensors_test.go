package safetensors_test

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

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/safetensors"
	"github.com/waveprior/waveprior/core/tensor"
)

func reals(dt tensor.DType, v []float64, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	t.SetReals(v)
	return t
}

// mixed is what testdata/make.py puts into mixed.safetensors.
func mixed() (map[string]*tensor.Tensor, map[string]string) {
	i := tensor.New(tensor.Int32, 1, 3)
	copy(i.Int32s(), []int32{1, 2, -3})
	l := tensor.New(tensor.Int64, 1)
	l.Int64s()[0] = -1
	u := tensor.New(tensor.Uint8, 3)
	copy(u.Data, []byte{1, 2, 255})
	seven := tensor.New(tensor.Uint8, 1)
	seven.Data[0] = 7
	return map[string]*tensor.Tensor{
		"b":                   reals(tensor.Float32, []float64{1, 2}, 2),
		"a":                   reals(tensor.Float32, []float64{-1, 0.5}, 2, 1),
		"s":                   reals(tensor.Float64, []float64{3.5}),
		"i":                   i,
		"l":                   l,
		"u":                   u,
		"z":                   tensor.New(tensor.Float32, 0, 3),
		"c":                   reals(tensor.Complex64, []float64{1, 2, 3, -4}, 2),
		"é\"\\\n\x01</\u2028": seven,
	}, map[string]string{"format": "np \u2028 é"}
}

func wantSame(t *testing.T, f *safetensors.File, want map[string]*tensor.Tensor) {
	t.Helper()
	if len(f.Names()) != len(want) || !slices.IsSorted(f.Names()) {
		t.Errorf("names %q, want the %d of the rule, sorted", f.Names(), len(want))
	}
	for name, w := range want {
		got, err := f.Tensor(name)
		if err != nil || got.DType != w.DType || !slices.Equal(got.Shape, w.Shape) || !bytes.Equal(got.Data, w.Data) {
			t.Errorf("%q = %v, %v, want %v", name, got, err, w)
		}
	}
}

func TestGolden(t *testing.T) {
	want, meta := mixed()
	path := filepath.Join("testdata", "mixed.safetensors")
	for name, open := range map[string]func(string) (*safetensors.File, error){"Read": safetensors.Read, "Open": safetensors.Open} {
		f, err := open(path)
		if err != nil {
			t.Fatal(name, err)
		}
		wantSame(t, f, want)
		if v, ok := f.Metadata("format"); !ok || v != meta["format"] {
			t.Errorf("%s: metadata %q", name, v)
		}
		if _, ok := f.Metadata("none"); ok {
			t.Errorf("%s: metadata none is there", name)
		}
		if _, err := f.Tensor("w"); !errors.Is(err, safetensors.ErrNotFound) || !strings.Contains(err.Error(), `"a" "b"`) {
			t.Errorf("%s: unknown name: %v", name, err)
		}
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
	}
	dir := t.TempDir()
	for _, c := range []struct {
		file    string
		tensors map[string]*tensor.Tensor
		meta    map[string]string
	}{{"mixed", want, meta}, {"none", nil, nil}} {
		golden, err := os.ReadFile(filepath.Join("testdata", c.file+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, c.file)
		for range 5 { // map order differs from time to time
			if err := safetensors.Write(out, c.tensors, c.meta); err != nil {
				t.Fatal(err)
			}
			if b, _ := os.ReadFile(out); !bytes.Equal(b, golden) {
				t.Fatalf("%s: Write gives\n%q, the library\n%q", c.file, b, golden)
			}
		}
	}
	if f, err := safetensors.Read("testdata/none.safetensors"); err != nil || len(f.Names()) != 0 {
		t.Errorf("no tensors: %v, %v", f, err)
	}
}

func TestForeignDTypesAreNamed(t *testing.T) {
	for file, dtype := range map[string]string{"bad_half": `"F16"`, "bad_bool": `"BOOL"`} {
		path := filepath.Join("testdata", file+".safetensors")
		for _, open := range []func(string) (*safetensors.File, error){safetensors.Read, safetensors.Open} {
			_, err := open(path)
			if !errors.Is(err, safetensors.ErrFormat) {
				t.Errorf("%s: %v, want ErrFormat", file, err)
				continue
			}
			for _, w := range []string{dtype, `tensor "h"`, "allowed: F32", path, "bytes)"} {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%s: error %q lacks %q", file, err, w)
				}
			}
		}
	}
}

// Tensors of a mapped file are the file's bytes where they are aligned to 8, and copies elsewhere.
func TestOpenMapsWhatIsAligned(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	want := map[string]*tensor.Tensor{
		"a": reals(tensor.Float32, []float64{1, 2, 3}, 3),
		"b": reals(tensor.Float32, []float64{4, 5, 6}, 3), // starts 12 bytes after a
		"d": reals(tensor.Float64, []float64{7}, 1),
	}
	if err := safetensors.Write(path, want, nil); err != nil {
		t.Fatal(err)
	}
	f, err := safetensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	wantSame(t, f, want)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := int(f.Header.Offset); i < len(b); i++ {
		b[i] = 0
	}
	if err := os.WriteFile(path, b, 0o600); err != nil { // in place, as only a foreign program does
		t.Fatal(err)
	}
	for name, mapped := range map[string]bool{"a": true, "b": false, "d": true} {
		x, _ := f.Tensor(name)
		if got := x.AppendReals(nil)[0] == 0; got != mapped {
			t.Errorf("%q mapped: %v, want %v", name, got, mapped)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	ok := tensor.New(tensor.Float32, 2)
	for name, c := range map[string]struct {
		tensors map[string]*tensor.Tensor
		meta    map[string]string
		want    string
	}{
		"complex128": {map[string]*tensor.Tensor{"w": tensor.New(tensor.Complex128, 2)}, nil, `tensor "w" is complex128, which the format does not have`},
		"dtype":      {map[string]*tensor.Tensor{"w": {Shape: []int{1}}}, nil, "dtype(0)"},
		"nil":        {map[string]*tensor.Tensor{"w": nil}, nil, "is nil"},
		"short":      {map[string]*tensor.Tensor{"w": {DType: tensor.Float32, Shape: []int{2}, Data: make([]byte, 7)}}, nil, "7 bytes"},
		"axes":       {map[string]*tensor.Tensor{"w": tensor.New(tensor.Uint8, slices.Repeat([]int{1}, 33)...)}, nil, "33 axes"},
		"name":       {map[string]*tensor.Tensor{"__metadata__": ok}, nil, "cannot be called"},
		"utf8 name":  {map[string]*tensor.Tensor{"\xff": ok}, nil, "not UTF-8"},
		"utf8 key":   {map[string]*tensor.Tensor{"w": ok}, map[string]string{"\xff": ""}, "not UTF-8"},
		"utf8 value": {map[string]*tensor.Tensor{"w": ok}, map[string]string{"": "\xff"}, "not UTF-8"},
	} {
		err := safetensors.Write(path, c.tensors, c.meta)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q and the path", name, err, c.want)
		}
	}
	if e, _ := os.ReadDir(dir); len(e) != 0 {
		t.Errorf("left: %v", e)
	}
}

// The disk is full (here: the limit on a file's size, in a child): the old file stays and nothing else.
func TestDiskFull(t *testing.T) {
	const env = "WAVEPRIOR_SAFETENSORS_CHILD"
	dir := os.Getenv(env)
	if dir == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.count=1")
		c.Env = append(os.Environ(), env+"="+t.TempDir())
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	path := filepath.Join(dir, "a")
	want, meta := mixed()
	if err := safetensors.Write(path, want, meta); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 16, Max: 1 << 16}); err != nil {
		t.Fatal(err)
	}
	err := safetensors.Write(path, map[string]*tensor.Tensor{"w": tensor.New(tensor.Float32, 1<<18)}, nil)
	var space *commit.SpaceError
	if !errors.Is(err, unix.EFBIG) || !errors.As(err, &space) || space.Need <= 1<<20 || space.Free != 1<<16 {
		t.Errorf("%v (%+v), want a SpaceError of EFBIG", err, space)
	}
	f, err := safetensors.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, f, want)
	if e, _ := os.ReadDir(dir); len(e) != 1 {
		t.Errorf("left: %v", e)
	}
}

// The reference library reads what Write writes; skipped where it is not installed (the golden files do without).
func TestAgainstLibrary(t *testing.T) {
	py := ""
	for _, p := range []string{"/usr/bin/python3", "python3"} {
		if py == "" && exec.Command(p, "-c", "import numpy, safetensors.numpy").Run() == nil {
			py = p
		}
	}
	if py == "" {
		t.Skip("needs python3 with numpy and safetensors; the golden files are tested all the same")
	}
	path := filepath.Join(t.TempDir(), "a")
	want, meta := mixed()
	meta["\x7f\b\f\r\t"] = "\\u0041"
	if err := safetensors.Write(path, want, meta); err != nil {
		t.Fatal(err)
	}
	const script = `
import sys, numpy as np
from safetensors import safe_open
with safe_open(sys.argv[1], framework="np") as f:
    assert f.metadata() == {"format": "np \u2028 \u00e9", "\x7f\b\f\r\t": "\\u0041"}, f.metadata()
    for k in sorted(f.keys()):
        a = f.get_tensor(k)
        print(k.encode().hex(), a.dtype, list(a.shape), a.tobytes().hex())
`
	out, err := exec.Command(py, "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, x := range want {
		shape := strings.ReplaceAll(fmt.Sprint(x.Shape), " ", ", ")
		line := fmt.Sprintf("%x %v %s %x\n", name, x.DType, shape, x.Data)
		if !strings.Contains("\n"+string(out), "\n"+line) {
			t.Errorf("the library does not print %q but\n%s", line, out)
		}
	}
}
