package npy_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
	"github.com/waveprior/waveprior/core/npy"
	"github.com/waveprior/waveprior/core/tensor"
)

// values is the rule of testdata/make.py.
func values(dt tensor.DType, shape ...int) *tensor.Tensor {
	t := tensor.New(dt, shape...)
	switch dt {
	case tensor.Uint8:
		for i := range t.Data {
			t.Data[i] = byte(7 * i)
		}
	case tensor.Int32:
		for i, v := 0, t.Int32s(); i < len(v); i++ {
			v[i] = int32(3*i - 2)
		}
	case tensor.Int64:
		for i, v := 0, t.Int64s(); i < len(v); i++ {
			v[i] = int64(3*i - 2)
		}
	default:
		r := make([]float64, t.Reals())
		for i := range r {
			r[i] = float64(i)*1.5 - 2
		}
		t.SetReals(r)
	}
	return t
}

// golden lists the files that NumPy wrote (testdata/make.py).
var golden = []struct {
	file string
	want *tensor.Tensor
	own  bool // Write gives these bytes too
}{
	{"f4", values(tensor.Float32, 2, 3), true},
	{"f8", values(tensor.Float64, 4), true},
	{"c8", values(tensor.Complex64, 2, 2), true},
	{"c16", values(tensor.Complex128, 1, 2, 1), true},
	{"i4", values(tensor.Int32, 3), true},
	{"i8", values(tensor.Int64, 2, 1), true},
	{"u1", values(tensor.Uint8, 5), true},
	{"scalar", values(tensor.Float64), true},
	{"empty", values(tensor.Float32, 0, 3), true},
	{"v2", values(tensor.Float32, 2, 3), false},
	{"v3", values(tensor.Float32, 2, 3), false},
}

func same(a, b *tensor.Tensor) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && bytes.Equal(a.Data, b.Data)
}

func TestGolden(t *testing.T) {
	dir := t.TempDir()
	for _, g := range golden {
		path := filepath.Join("testdata", g.file+".npy")
		got, err := npy.Read(path)
		if err != nil || !same(got, g.want) {
			t.Errorf("%s: Read = %v, %v", g.file, got, err)
			continue
		}
		v, err := npy.Open(path)
		if err != nil || !same(v.Tensor, g.want) {
			t.Errorf("%s: Open = %v, %v", g.file, v, err)
			continue
		}
		h, err := npy.ReadHeader(path)
		if err != nil || h.DType != g.want.DType || !slices.Equal(h.Shape, g.want.Shape) || h.Bytes != int64(len(g.want.Data)) || h.Offset%64 != 0 {
			t.Errorf("%s: ReadHeader = %+v, %v", g.file, h, err)
		}
		if err := errors.Join(v.Close(), v.Close()); err != nil {
			t.Errorf("%s: Close: %v", g.file, err)
		}
		if !g.own {
			continue
		}
		want, _ := os.ReadFile(path)
		out := filepath.Join(dir, g.file)
		if err := npy.Write(out, g.want); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(out); !bytes.Equal(b, want) {
			t.Errorf("%s: Write gives %q, NumPy %q", g.file, b, want)
		}
	}
}

func TestForeignDTypesAreNamed(t *testing.T) {
	for file, want := range map[string][]string{
		"fortran":   {"Fortran order", "[2 3]", "ascontiguousarray"},
		"bigendian": {`">f8"`, "big-endian float64", "'<f8'"},
		"bool":      {`"|b1"`, "allowed: <f4"},
		"struct":    {"structured dtype", "allowed: <f4"},
	} {
		path := filepath.Join("testdata", "bad_"+file+".npy")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = npy.Read(path)
		_, oerr := npy.Open(path)
		if !errors.Is(err, npy.ErrFormat) || !errors.Is(oerr, npy.ErrFormat) {
			t.Errorf("%s: Read %v, Open %v, want ErrFormat", file, err, oerr)
			continue
		}
		for _, w := range append(want, path, fmt.Sprintf("(%d bytes)", info.Size()), "'descr'") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: error %q lacks %q", file, err, w)
			}
		}
	}
}

func TestOpenIsTheFileItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := npy.Write(path, values(tensor.Float32, 2, 3)); err != nil {
		t.Fatal(err)
	}
	v, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	// A replaced file: the mapping keeps the old one.
	if err := npy.Write(path, tensor.New(tensor.Float32, 1)); err != nil {
		t.Fatal(err)
	}
	if !same(v.Tensor, values(tensor.Float32, 2, 3)) {
		t.Error("the mapping changed with the replaced file")
	}
	// In place, which only foreign programs do: the mapping shows it, so nothing was copied.
	v2, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v2.Close()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0, 0, 0x80, 0x3f}, v2.Header.Offset); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if got := v2.Tensor.Float32s()[0]; got != 1 {
		t.Errorf("mapped element = %v, the file has 1", got)
	}
}

// Elements at an odd offset (no padding: allowed by the format) are copied, since typed views need alignment.
func TestOpenUnaligned(t *testing.T) {
	head := "{'descr':'<f8','fortran_order':False,'shape':(2,)}"
	want := values(tensor.Float64, 2)
	b := fmt.Appendf(nil, "\x93NUMPY\x01\x00%c\x00%s%s", len(head), head, want.Data)
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if v.Header.Offset%8 == 0 || !same(v.Tensor, want) { // still there after Close: a copy
		t.Errorf("offset %d, %v", v.Header.Offset, v.Tensor.Float64s())
	}
}

func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "pipe"), "/dev/zero"} {
		if _, err := npy.Read(path); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := npy.Read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
}

// A sparse file can be as large as it claims; the machine's memory is not.
func TestSparseGiant(t *testing.T) {
	const rows = 1 << 42
	path := filepath.Join(t.TempDir(), "a.npy")
	w, err := npy.Create(path, tensor.Uint8)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(path)
	b = bytes.Replace(b, []byte("(0,), }"+strings.Repeat(" ", 12)), fmt.Appendf(nil, "(%d,), }", rows), 1)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, int64(len(b))+rows); err != nil {
		t.Skipf("this file system has no sparse file of %d bytes: %v", int64(rows), err)
	}
	if _, err := npy.Read(path); err == nil || !strings.Contains(err.Error(), "bytes of memory") {
		t.Errorf("Read: %v", err)
	}
	v, err := npy.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if v.Tensor.Data[rows-1] != 0 {
		t.Error("last element")
	}
}

func TestWriteRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	for name, x := range map[string]*tensor.Tensor{
		"nil":      nil,
		"dtype":    {Shape: []int{1}, Data: []byte{0}},
		"short":    {DType: tensor.Float32, Shape: []int{2}, Data: make([]byte, 7)},
		"negative": {DType: tensor.Float32, Shape: []int{-2}},
		"axes":     {DType: tensor.Uint8, Shape: slices.Repeat([]int{1}, 33), Data: []byte{0}},
	} {
		if err := npy.Write(path, x); !errors.Is(err, tensor.ErrShape) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want ErrShape and the path", name, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file appeared: %v", err)
	}
}

func TestWriter(t *testing.T) {
	dir := t.TempDir()
	for _, rows := range [][]int{{}, {0}, {1}, {3, 0, 4}, {99, 2}} {
		whole := values(tensor.Complex64, sum(rows), 2, 3)
		path := filepath.Join(dir, "shard.npy")
		w, err := npy.Create(path, tensor.Complex64, 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Reserve(1000); err != nil { // more than comes: cut at Commit
			t.Fatal(err)
		}
		at := 0
		for _, n := range rows {
			if err := w.Append(whole.Slice(at, at+n)); err != nil {
				t.Fatal(err)
			}
			at += n
		}
		if err := w.Append(tensor.New(tensor.Complex64, 1, 3, 2)); !errors.Is(err, tensor.ErrShape) {
			t.Errorf("rows of another shape: %v", err)
		}
		if w.Rows() != at {
			t.Errorf("Rows = %d, want %d", w.Rows(), at)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		if err := w.Append(whole); !errors.Is(err, commit.ErrDone) {
			t.Errorf("Append after Commit: %v", err)
		}
		w.Abort()
		one := filepath.Join(dir, "whole.npy")
		if err := npy.Write(one, whole); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(path)
		b, _ := os.ReadFile(one)
		if !bytes.Equal(a, b) {
			t.Errorf("rows %v: Writer gives %.200q, Write %.200q", rows, a, b)
		}
	}
	w, err := npy.Create(filepath.Join(dir, "aborted.npy"), tensor.Float32, 2)
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if err := w.Commit(); !errors.Is(err, commit.ErrDone) {
		t.Errorf("Commit after Abort: %v", err)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) != 2 {
		t.Errorf("left: %q", names)
	}
	if _, err := npy.Create(filepath.Join(dir, "x"), tensor.Float64, math.MaxInt, 2); !errors.Is(err, tensor.ErrShape) {
		t.Errorf("absurd row: %v", err)
	}
}

func sum(v []int) (s int) {
	for _, n := range v {
		s += n
	}
	return s
}

// The disk is full (here: the limit on a file's size, in a child): Write and Writer leave the old file and nothing else.
func TestDiskFull(t *testing.T) {
	const env = "WAVEPRIOR_NPY_CHILD"
	dir := os.Getenv(env)
	if dir == "" {
		c := exec.Command(os.Args[0], "-test.run=^TestDiskFull$", "-test.count=1")
		c.Env = append(os.Environ(), env+"="+t.TempDir())
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	path := filepath.Join(dir, "a.npy")
	old := values(tensor.Float32, 2, 3)
	if err := npy.Write(path, old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 16, Max: 1 << 16}); err != nil {
		t.Fatal(err)
	}
	var space *commit.SpaceError
	if err := npy.Write(path, tensor.New(tensor.Float32, 1<<18)); !errors.As(err, &space) || space.Need != 1<<20+128 {
		t.Errorf("Write: %v, want a SpaceError that needs %d", err, 1<<20+128)
	}
	w, err := npy.Create(path, tensor.Float32, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err = w.Append(tensor.New(tensor.Float32, 1, 1000)); err != nil {
			break
		}
	}
	if !errors.Is(err, unix.EFBIG) || w.Rows() != 16 {
		t.Errorf("Append: %v after %d rows, want EFBIG after 16", err, w.Rows())
	}
	if err := w.Commit(); !errors.Is(err, unix.EFBIG) {
		t.Errorf("Commit after a failed Append: %v, want EFBIG", err)
	}
	if got, err := npy.Read(path); err != nil || !same(got, old) {
		t.Errorf("old file: %v", err)
	}
	if e, _ := os.ReadDir(dir); len(e) != 1 {
		t.Errorf("left: %v", e)
	}
}
