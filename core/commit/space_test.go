package commit_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
)

const childEnv = "WAVEPRIOR_COMMIT_CHILD"

// child runs the test of that name in a process of its own, with the folder in the environment.
func child(t *testing.T, test, dir string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(exe, "-test.run=^"+test+"$", "-test.v", "-test.count=1")
	c.Env = append(os.Environ(), childEnv+"="+dir)
	return c
}

// checkFull writes more than fits over a file "old" in dir, in every way there is, and checks the error and what is left.
func checkFull(t *testing.T, dir string, size int, reason error, free int64) {
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	whole := func(w io.Writer) error { _, err := w.Write(data); return err }
	pieces := func(w io.Writer) error {
		for i := 0; i < size; i += 1000 {
			if _, err := w.Write(data[i:min(i+1000, size)]); err != nil {
				return fmt.Errorf("caller: %w", err)
			}
		}
		return nil
	}
	for name, write := range map[string]func() error{
		"reserved": func() error {
			return commit.WriteFileSize(path, int64(size), func(io.Writer) error { t.Error("fn called although there is no room"); return nil })
		},
		"whole":  func() error { return commit.WriteFile(path, whole) },
		"pieces": func() error { return commit.WriteFile(path, pieces) },
	} {
		err := write()
		var space *commit.SpaceError
		if !errors.Is(err, reason) || !errors.As(err, &space) {
			t.Errorf("%s: error %v, want a SpaceError of %v", name, err, reason)
			continue
		}
		if space.Path != path || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %q (path %s) does not name %s", name, err, space.Path, path)
		}
		if space.Free != free || !strings.Contains(err.Error(), fmt.Sprint(free, " bytes")) {
			t.Errorf("%s: error %q: free = %d, want %d", name, err, space.Free, free)
		}
		if name != "pieces" && (space.Need != int64(size) || !strings.Contains(err.Error(), fmt.Sprintf("needs %d bytes", size))) {
			t.Errorf("%s: error %q: need = %d, want %d", name, err, space.Need, size)
		}
		wantContent(t, path, "old")
		wantOnly(t, dir, "a")
	}
	// what fits is still written
	if err := commit.WriteFileSize(path, 3, put("new")); err != nil {
		t.Error(err)
	}
	wantContent(t, path, "new")
}

// A file larger than RLIMIT_FSIZE, in a child since the limit is the process's. Go ignores SIGXFSZ, so the write fails
// with EFBIG instead of ending the process; this test pins that too.
func TestFileSizeLimit(t *testing.T) {
	const limit = 64 << 10
	dir := os.Getenv(childEnv)
	if dir == "" {
		if out, err := child(t, "TestFileSizeLimit", t.TempDir()).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	checkFull(t, dir, 1<<20, unix.EFBIG, limit)
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("waveprior-test", dir, "tmpfs", 0, "size=256k,mode=700"); err != nil {
		t.Skipf("needs root and mounts: cannot mount a tmpfs: %v", err)
	}
	defer func() {
		if err := unix.Unmount(dir, 0); err != nil { // busy if a file were still open
			t.Errorf("unmount: %v", err)
		}
	}()
	checkFull(t, dir, 1<<20, unix.ENOSPC, 256<<10-4096) // "old" takes a page
}

// A killed writer leaves its temporary file and folder; RemoveStale takes these and leaves a living writer's alone.
func TestRemoveStale(t *testing.T) {
	if dir := os.Getenv(childEnv); dir != "" {
		f, err := commit.Create(filepath.Join(dir, "f"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := commit.CreateFolder(filepath.Join(dir, "d"))
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, "dead")
		_, _ = f.Write([]byte("dead"))
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, ".waveprior-mine.tmp"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := commit.Create(filepath.Join(dir, "live-f"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := commit.CreateFolder(filepath.Join(dir, "live-d"))
	if err != nil {
		t.Fatal(err)
	}
	fill(t, d, "live")
	if out, err := child(t, "TestRemoveStale", dir).CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("child ended with %v\n%s", err, out)
	}
	removed, err := commit.RemoveStale(dir)
	if err != nil || len(removed) != 2 {
		t.Fatalf("removed %q, %v; want the dead writer's file and folder", removed, err)
	}
	if removed, err := commit.RemoveStale(dir); err != nil || len(removed) != 0 {
		t.Fatalf("again: removed %q, %v", removed, err)
	}
	if err := errors.Join(f.Commit(), d.Commit()); err != nil {
		t.Error(err)
	}
	wantOnly(t, dir, ".waveprior-mine.tmp", "live-d", "live-f")

	// Two folders down, where a link leads elsewhere.
	below, other := filepath.Join(dir, "a", "b"), t.TempDir()
	if err := errors.Join(os.MkdirAll(below, 0o755), os.Symlink(other, filepath.Join(dir, "a", "link"))); err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{below, other} {
		if out, err := child(t, "TestRemoveStale", in).CombinedOutput(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("child ended with %v\n%s", err, out)
		}
	}
	removed, err = commit.RemoveStaleBelow(dir)
	if err != nil || len(removed) != 2 || filepath.Dir(removed[0]) != filepath.Join("a", "b") {
		t.Fatalf("below: removed %q, %v; want two of a/b", removed, err)
	}
	wantOnly(t, below)
	if names, err := os.ReadDir(other); err != nil || len(names) != 2 {
		t.Errorf("%d names are left behind the link, %v; want 2", len(names), err)
	}
	if _, err := commit.RemoveStaleBelow(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
