package badinput

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// large is an experiment whose samples take some hundred KiB, and that writes a checkpoint at every step.
var large = strings.NewReplacer("chains = 3", "chains = 1500", "[solver]\n", "[run]\ncheckpoint_s = 0\n[solver]\n").Replace(sound)

var largeReference reference

// smallDisk mounts a tmpfs of so many KiB and returns how to make it larger.
func smallDisk(t *testing.T, dir string, kib int) (grow func(kib int)) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk; TestFileSizeLimit is for all")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk", kib)); err != nil {
		t.Skipf("this machine does not let root mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return func(kib int) {
		t.Helper()
		if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%dk", kib)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDiskFull: the disk of the cache, or of the run folder, is full at one point or another. What was committed stays;
// when there is room the run goes on to the same bits.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder string
		kib    int
		kept   string // a stage that is there already
	}{
		{"cache", 8, ""}, {"cache", 40, "data"}, {"cache", 150, "observe"}, {"cache", 300, "observe"}, {"run", 8, ""}, {"run", 100, "sample"},
	} {
		t.Run(fmt.Sprintf("%s of %d KiB", c.folder, c.kib), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.write("x.toml", large)
			grow := smallDisk(t, b.path(c.folder), c.kib)
			r := b.run("run", "-q", "-o", "run", "x.toml")
			r.fails(t, 1, "no space left on device", "bytes are free")
			if !strings.Contains(r.stderr, b.path(c.folder)) && !strings.Contains(r.stderr, " "+c.folder+"/") {
				t.Errorf("%v\nwhich file it was is not said", r)
			}
			b.nothingLeft()
			temps := b.temporary(c.folder)
			if len(temps) > 0 {
				t.Errorf("%v are left", temps)
			}
			if c.kept != "" {
				if entries, _ := filepath.Glob(b.path("cache/" + c.kept + "/*/stage.json")); len(entries) != 1 {
					t.Errorf("stage %s: %v are committed, want one", c.kept, entries)
				}
			}
			grow(8 << 10)
			r = b.run("run", "-o", "run", "x.toml")
			if r.code != 0 {
				t.Fatal(r)
			}
			if c.kept != "" && !strings.Contains(r.stderr, c.kept+": from the cache") {
				t.Errorf("%v\nstage %s was computed again", r, c.kept)
			}
			if !bytes.Equal(b.samples(), largeReference.of(t, large)) {
				t.Error("the run that went on has other samples")
			}
		})
	}
}

// temporary lists the files of package commit that a folder holds.
func (b *bench) temporary(folder string) []string {
	var found []string
	_ = filepath.WalkDir(b.path(folder), func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".tmp") {
			found = append(found, path)
		}
		return nil
	})
	return found
}

// TestFileSizeLimit: the limit on file sizes strikes while the run is on its way, in the middle of its chains.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", large)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := b.command(ctx, "run", "-q", "-o", "run", "x.toml")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for { // until there is a checkpoint
		if found, _ := filepath.Glob(b.path("cache/sample/*.part/checkpoint.safetensors")); len(found) > 0 {
			break
		}
		if ctx.Err() != nil {
			t.Fatalf("no checkpoint within a minute\n%s", &stderr)
		}
		time.Sleep(time.Millisecond)
	}
	if err := unix.Prlimit(c.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 10000, Max: 10000}, nil); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	r := result{args: c.Args, code: c.ProcessState.ExitCode(), stderr: stderr.String()}
	r.fails(t, 1, "checkpoint.safetensors", "file too large", "a file may have 10000 bytes (ulimit -f)")
	b.nothingLeft()
	if temps := b.temporary("cache"); len(temps) > 0 {
		t.Errorf("%v are left", temps)
	}
	if r := b.run("run", "-q", "-o", "run", "x.toml"); r.code != 0 {
		t.Fatal(r)
	}
	if !bytes.Equal(b.samples(), largeReference.of(t, large)) {
		t.Error("the run that went on has other samples")
	}
}

// TestFileSizeLimitFromTheStart: too small a limit for the run's shared memory is said at once.
func TestFileSizeLimitFromTheStart(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.write("x.toml", sound)
	c := b.command(t.Context(), "run", "-q", "x.toml")
	sh := exec.Command("sh", append([]string{"-c", `ulimit -f 8 && exec "$@"`, "sh"}, c.Args...)...)
	sh.Dir, sh.Env = c.Dir, c.Env
	out, err := sh.CombinedOutput()
	if err == nil || sh.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "the limit on file sizes (ulimit -f) is ") {
		t.Errorf("%v: %s", err, out)
	}
	b.nothingStarted()
}
