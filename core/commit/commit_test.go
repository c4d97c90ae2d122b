package commit_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/commit"
)

func put(b string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, b); return err }
}

// wantOnly fails unless dir holds exactly these names (temporary files would show).
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "|") != strings.Join(names, "|") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func wantContent(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %.40q (%v), want %.40q", path, got, err, want)
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := commit.WriteFile(path, put("one")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "one")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := commit.WriteFileSize(path, 5, put("three")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, path, "three")
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, want that of the file replaced, 0640", info.Mode())
	}
	long := strings.Repeat("n", 255) // the longest name that a file system takes
	if err := commit.WriteFile(filepath.Join(dir, long), put("x")); err != nil {
		t.Error(err)
	}
	if err := commit.WriteFile(filepath.Join(dir, "none", "a"), put("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing folder: %v", err)
	}
	wantOnly(t, dir, "a", long)
}

func TestFailureKeepsTheOldFile(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name string
		size int64
		fn   func(io.Writer) error
		want string
	}{
		{"error", 0, func(w io.Writer) error { _, _ = w.Write(make([]byte, 1<<20)); return boom }, "boom"},
		{"short", 9, put("four"), "4 bytes written, 9 announced"},
		{"long", 3, put("four"), "4 bytes written, 3 announced"},
		{"panic", 0, func(w io.Writer) error { panic(boom) }, "boom"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := func() (err error) {
			defer func() {
				if r := recover(); r != nil {
					err = r.(error)
				}
			}()
			return commit.WriteFileSize(path, c.size, c.fn)
		}()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
		wantContent(t, path, "old")
		wantOnly(t, dir, "a")
	}
}

func TestDestinations(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.Mkdir(in("d"), 0o700), unix.Mkfifo(in("pipe"), 0o600), os.Symlink("nowhere", in("dangling")),
		os.WriteFile(in("d/file"), []byte("old"), 0o600), os.Symlink("d/file", in("link"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"d": "is a folder", "pipe": "is a pipe", "dangling": "leads nowhere"} {
		if err := commit.WriteFile(in(name), put("x")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	if err := commit.WriteFile("/dev/null", put("x")); err == nil || !strings.Contains(err.Error(), "is a device") {
		t.Errorf("/dev/null: %v", err)
	}
	if err := commit.WriteFile(in("link"), put("new")); err != nil {
		t.Fatal(err)
	}
	wantContent(t, in("d/file"), "new")
	if info, err := os.Lstat(in("link")); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	wantOnly(t, dir, "d", "dangling", "link", "pipe")
	wantOnly(t, in("d"), "file")
}

// A reader that opens the file again and again sees one whole content or the other, never a part or nothing.
func TestReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	contents := [2]string{strings.Repeat("a", 300_000), strings.Repeat("b", 200_000)}
	if err := commit.WriteFile(path, put(contents[0])); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for i := range 60 {
			if err == nil {
				err = commit.WriteFile(path, put(contents[(i+1)%2]))
			}
		}
		done <- err
	}()
	for reads := 0; ; reads++ {
		b, err := os.ReadFile(path)
		if err != nil || (string(b) != contents[0] && string(b) != contents[1]) {
			t.Fatalf("read %d: %d bytes, %v", reads, len(b), err)
		}
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			return
		default:
		}
	}
}

func TestFileReserveAndWriteAt(t *testing.T) {
	dir := t.TempDir()
	f, err := commit.Create(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Abort()
	if err := f.Reserve(1 << 20); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"head", " and ", "body"} {
		if n, err := f.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := f.WriteAt([]byte("HEAD"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there before Commit: %v", err)
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	f.Abort() // nothing
	wantContent(t, f.Path(), "HEAD and body")
	wantOnly(t, dir, "a")
	_, werr := f.Write([]byte("x"))
	for _, err := range []error{f.Commit(), f.Reserve(1), werr} {
		if !errors.Is(err, commit.ErrDone) {
			t.Errorf("after Commit: %v, want ErrDone", err)
		}
	}
}

func fill(t *testing.T, d *commit.Folder, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(d.Dir(), "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "sub/b"} {
		if err := os.WriteFile(filepath.Join(d.Dir(), name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFolder(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "stage")
	make := func(content string) *commit.Folder {
		d, err := commit.CreateFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, d, content)
		return d
	}
	want := func(content string) {
		t.Helper()
		wantOnly(t, parent, "stage")
		wantOnly(t, path, "a", "sub")
		wantContent(t, filepath.Join(path, "sub", "b"), content)
	}
	d := make("0")
	d.Abort()
	wantOnly(t, parent)

	d = make("1")
	if err := d.Replace(); err != nil { // nothing to replace yet
		t.Fatal(err)
	}
	want("1")
	if err := d.Commit(); !errors.Is(err, commit.ErrDone) {
		t.Errorf("second Commit: %v, want ErrDone", err)
	}
	if err := make("2").Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit over a folder: %v, want ErrExist", err)
	}
	want("1")
	if err := make("3").Replace(); err != nil {
		t.Fatal(err)
	}
	want("3")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := make("4").Commit(); err != nil {
		t.Fatal(err)
	}
	want("4")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := make("5").Commit(); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Commit over a file: %v, want ErrExist", err)
	}
	if err := make("6").Replace(); err == nil || !strings.Contains(err.Error(), "not a folder") {
		t.Errorf("Replace of a file: %v", err)
	}
	wantOnly(t, parent, "stage")
	for _, bad := range []string{".", "..", "/"} {
		if _, err := commit.CreateFolder(bad); err == nil {
			t.Errorf("CreateFolder(%q) accepted", bad)
		}
	}
}

func TestFailedRenameLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := commit.Create(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(f.Path(), 0o700); err != nil { // appears after Create: the rename fails
		t.Fatal(err)
	}
	err = f.Commit()
	if err == nil || !strings.Contains(err.Error(), f.Path()) {
		t.Errorf("error %v does not name %s", err, f.Path())
	}
	wantOnly(t, dir, "a")
}
