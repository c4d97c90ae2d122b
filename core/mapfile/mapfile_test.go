package mapfile_test

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/mapfile"
)

func TestMapAndRead(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"", "x", strings.Repeat("waves ", 10_000)} {
		path := filepath.Join(dir, "a")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := mapfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if f.Size() != int64(len(content)) || f.Name() != path {
			t.Errorf("size %d, name %s", f.Size(), f.Name())
		}
		for range 2 {
			if b, err := f.Map(); err != nil || string(b) != content {
				t.Errorf("Map gives %d bytes, %v, want %d", len(b), err, len(content))
			}
		}
		p := make([]byte, len(content))
		if err := f.ReadFull(p, 0); err != nil || string(p) != content {
			t.Errorf("ReadFull: %v", err)
		}
		if err := f.ReadFull(make([]byte, 2), max(0, f.Size()-1)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("ReadFull past the end: %v, want ErrUnexpectedEOF", err)
		}
		if err := errors.Join(f.Close(), f.Close()); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, pipe, "/dev/zero"} {
		if _, err := mapfile.Open(path); err == nil || !strings.Contains(err.Error(), path+" is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := mapfile.Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestCheckMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := mapfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for n, ok := range map[int64]bool{0: true, 1 << 20: true, math.MaxInt64: false, -1: false} {
		if err := f.CheckMemory(n); (err == nil) != ok {
			t.Errorf("CheckMemory(%d) = %v, want ok %v", n, err, ok)
		}
	}
}
