package badinput

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The folder of the built command, and that of the plugins that misbehave (links to this test binary: fixtures_test.go).
var binDir, fixtureDir string

func TestMain(m *testing.M) {
	if name := filepath.Base(os.Args[0]); strings.HasPrefix(name, "waveprior-") {
		serveFixture(name)
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "wb")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		if err := build(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build puts the command and the plugins into dir/bin, and the fixtures into dir/fixtures.
func build(dir string) error {
	binDir, fixtureDir = filepath.Join(dir, "bin"), filepath.Join(dir, "fixtures")
	mains, err := filepath.Glob("../../plugins/*/*/cmd/waveprior-*")
	mains = slices.DeleteFunc(mains, func(m string) bool { return strings.HasSuffix(m, "-cuda") })
	if err != nil || len(mains) == 0 {
		return fmt.Errorf("no plugins found: %w", err)
	}
	for _, d := range []string{binDir, fixtureDir} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	for _, args := range [][]string{{"-o", filepath.Join(binDir, "waveprior"), "../../host"}, append([]string{"-o", binDir + "/"}, mains...)} {
		if out, err := exec.Command("go", append([]string{"build"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, name := range fixtureNames() {
		if err := os.Symlink(self, filepath.Join(fixtureDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// bench is one test's folder, and how the command is run in it.
type bench struct {
	t   *testing.T
	dir string
	env []string
}

func newBench(t *testing.T, env ...string) *bench {
	t.Helper()
	// Short: sockets lie under it.
	dir, err := os.MkdirTemp("", "wb")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: dir, env: env}
	if err := os.Mkdir(b.path("tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.nothingLeft()
		os.RemoveAll(dir)
	})
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

// write puts a file into the test's folder.
func (b *bench) write(name, text string) string {
	b.t.Helper()
	if err := os.WriteFile(b.path(name), []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return name
}

// result is what a command did.
type result struct {
	args   []string
	code   int
	stdout string
	stderr string
	maxRSS int64 // bytes
}

func (r result) String() string {
	return fmt.Sprintf("waveprior %s: exit %d\n%s%s", strings.Join(r.args, " "), r.code, r.stdout, r.stderr)
}

// command prepares the command in the test's folder, with its own cache, temporary folder and a mark that all of its
// processes inherit.
func (b *bench) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(binDir, "waveprior"), args...)
	c.Dir = b.dir
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "WAVEPRIOR_") && !strings.HasPrefix(v, "TMPDIR=") {
			c.Env = append(c.Env, v)
		}
	}
	c.Env = append(c.Env, "WAVEPRIOR_CACHE="+b.path("cache"), "TMPDIR="+b.path("tmp"), "WAVEPRIOR_TEST_MARK="+b.dir)
	c.Env = append(c.Env, b.env...)
	c.WaitDelay = 10 * time.Second
	return c
}

// run runs the command to its end.
func (b *bench) run(args ...string) result {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 2*time.Minute)
	defer cancel()
	c := b.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("waveprior %v: %v", args, err)
	}
	r := result{args: args, code: c.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.maxRSS = u.Maxrss << 10
	}
	if ctx.Err() != nil {
		b.t.Fatalf("%v\nit did not end within two minutes", r)
	}
	for _, ugly := range []string{"goroutine ", "panic:", "rpc error", "runtime."} {
		if strings.Contains(r.stderr+r.stdout, ugly) {
			b.t.Errorf("%v\n%q is nothing for users", r, ugly)
		}
	}
	return r
}

// fails wants an exit code, and every text in what the command said.
func (r result) fails(t *testing.T, code int, texts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("%v\nwant exit %d", r, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("%v\nwant %q in it", r, text)
		}
	}
}

// one wants a single error, of one line.
func (r result) one(t *testing.T) {
	t.Helper()
	errs := 0
	for line := range strings.Lines(r.stderr) {
		if strings.HasPrefix(line, "waveprior: ") {
			errs++
		} else {
			t.Errorf("%v\nthe line %q besides the error", r, line)
		}
	}
	if errs != 1 || r.stdout != "" {
		t.Errorf("%v\nwant one error line, nothing else", r)
	}
}

// nothingStarted wants neither a run folder nor entries of the cache.
func (b *bench) nothingStarted() {
	b.t.Helper()
	for _, name := range []string{"cache", "run", "runs"} {
		if _, err := os.Lstat(b.path(name)); !errors.Is(err, os.ErrNotExist) {
			b.t.Errorf("%s is there (%v)", name, err)
		}
	}
	b.nothingLeft()
}

// nothingLeft wants no process of this test, and no socket folder.
func (b *bench) nothingLeft() {
	b.t.Helper()
	var left []string
	for range 100 {
		if left = b.processes(); len(left) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(left) > 0 {
		b.t.Errorf("processes are left: %v", left)
	}
	names, err := os.ReadDir(b.path("tmp"))
	if err != nil {
		b.t.Error(err)
	}
	for _, n := range names {
		b.t.Errorf("%s is left in the folder for temporary files", n.Name())
	}
}

// processes lists the running processes that carry this test's mark.
func (b *bench) processes() []string {
	mark := []byte("WAVEPRIOR_TEST_MARK=" + b.dir)
	envs, _ := filepath.Glob("/proc/[0-9]*/environ")
	var found []string
	for _, path := range envs {
		env, err := os.ReadFile(path)
		if err != nil || !slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool { return bytes.Equal(v, mark) }) {
			continue
		}
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		found = append(found, filepath.Base(filepath.Dir(path))+" "+string(bytes.ReplaceAll(args, []byte{0}, []byte{' '})))
	}
	return found
}

// fixtures puts the fixtures first in the search for plugins.
func fixtures(env ...string) []string { return append(env, "WAVEPRIOR_PLUGINS="+fixtureDir) }
