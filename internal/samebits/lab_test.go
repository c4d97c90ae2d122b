package samebits

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a process; the machine may be busy.
const patience = 3 * time.Minute

// lab is one place to run an experiment in: private folders for the run, the cache, and temporary files.
type lab struct {
	t    testing.TB
	root string
	file string // the experiment
	out  string
	path string // where the cache is
	tmp  string // TMPDIR of the host: sockets
	bin  string
	env  []string
	args []string
	// figures is set where they matter: drawing them is half of what a run costs here, and they follow from arrays that are
	// compared everywhere.
	figures bool
}

// newLab writes the experiment. The folder's name is short: sockets' addresses are.
func newLab(t testing.TB, text string) *lab {
	t.Helper()
	root, err := os.MkdirTemp("", "sb")
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, root: root, file: filepath.Join(root, "x.toml"), out: filepath.Join(root, "run"), path: filepath.Join(root, "cache"), tmp: filepath.Join(root, "t"), bin: binaries(t)}
	if err := os.Mkdir(l.tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	l.write(text)
	t.Cleanup(func() {
		for _, p := range l.processes() { // of a test that failed half-way
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
		if reports, _ := filepath.Glob(filepath.Join(root, "race.*")); len(reports) > 0 {
			b, _ := os.ReadFile(reports[0])
			t.Errorf("%d processes had data races; the first:\n%s", len(reports), b)
		}
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *lab) write(text string) {
	l.t.Helper()
	if err := os.WriteFile(l.file, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// proc is a host that was started.
type proc struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it was waited for
	err  error

	mu  sync.Mutex
	log bytes.Buffer // stderr and stdout
}

func (p *proc) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *proc) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// start runs the command in a process group of its own, as a shell does.
func (l *lab) start(env ...string) *proc {
	l.t.Helper()
	args := append([]string{"run", "--cache", l.path, "-o", l.out, l.file}, l.args...)
	if !l.figures {
		args = append(args, "--no-figures")
	}
	return l.command(env, args...)
}

func (l *lab) command(env []string, args ...string) *proc {
	l.t.Helper()
	p := &proc{t: l.t, cmd: exec.Command(filepath.Join(l.bin, "waveprior"), args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+l.tmp, "WAVEPRIOR_PLUGINS="+l.bin, "WAVEPRIOR_HOOK=", "GORACE=atexit_sleep_ms=0 log_path="+filepath.Join(l.root, "race"))
	p.cmd.Env = append(append(p.cmd.Env, l.env...), env...)
	p.cmd.Dir = l.root
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A pipe of our own: Wait must not wait for plugins that hold stderr open.
	r, w, err := os.Pipe()
	if err != nil {
		l.t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	w.Close()
	go func() {
		_, _ = io.Copy(p, r)
		r.Close()
	}()
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p
}

// says waits a moment for a text in the output: it comes through a pipe.
func (p *proc) says(text string) bool {
	for range 100 {
		if strings.Contains(p.text(), text) {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

// wait returns the exit code, -1 for a process that was killed.
func (p *proc) wait() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // shows where it hangs
		time.Sleep(time.Second)
		_ = p.cmd.Process.Kill()
		<-p.done
		p.t.Fatalf("the host did not end within %v:\n%s", patience, p.text())
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		p.t.Fatal(p.err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// must is wait for a run that must end well.
func (p *proc) must(code int) {
	p.t.Helper()
	if got := p.wait(); got != code {
		time.Sleep(100 * time.Millisecond) // the rest of its output
		p.t.Fatalf("the host ended with %d, want %d:\n%s", got, code, p.text())
	}
}

// until waits for something, or for the end of the host.
func (p *proc) until(what string, ok func() bool) bool {
	p.t.Helper()
	for start := time.Now(); time.Since(start) < patience; time.Sleep(2 * time.Millisecond) {
		if ok() {
			return true
		}
		select {
		case <-p.done:
			return ok()
		default:
		}
	}
	p.t.Fatalf("%s did not come within %v:\n%s", what, patience, p.text())
	return false
}

// running is a process of this lab.
type running struct {
	pid  int
	name string // of its binary
}

// processes looks through /proc for what this lab started: by the binaries' folder and TMPDIR.
func (l *lab) processes() []running {
	var found []running
	entries, err := os.ReadDir("/proc")
	if err != nil {
		l.t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		exe, err := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil || filepath.Dir(strings.TrimSuffix(exe, " (deleted)")) != l.bin {
			continue
		}
		env, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		if err != nil || !bytes.Contains(env, []byte("TMPDIR="+l.tmp+"\x00")) {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if i := bytes.LastIndexByte(stat, ')'); err != nil || i < 0 || bytes.HasPrefix(stat[i:], []byte(") Z")) {
			continue // dead, not yet waited for
		}
		found = append(found, running{pid, filepath.Base(exe)})
	}
	return found
}

// emptyFolder is the one thing that a kill -9 may leave, between the folder for sockets and the first plugin in it; the next
// run removes it.
const emptyFolder = "in TMPDIR: an empty folder"

// leftovers lists what a run must not leave: processes, sockets and their folders, shared memory.
func (l *lab) leftovers() []string {
	var left []string
	for _, p := range l.processes() {
		left = append(left, fmt.Sprintf("process %d (%s)", p.pid, p.name))
		maps, _ := os.ReadFile(fmt.Sprintf("/proc/%d/maps", p.pid))
		if bytes.Contains(maps, []byte("memfd:waveprior")) {
			left = append(left, fmt.Sprintf("shared memory mapped by process %d", p.pid))
		}
	}
	names, err := os.ReadDir(l.tmp)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, n := range names {
		text := "in TMPDIR: " + n.Name()
		if inside, err := os.ReadDir(filepath.Join(l.tmp, n.Name())); err == nil && len(inside) == 0 {
			text = emptyFolder
		}
		left = append(left, text)
	}
	shm, _ := filepath.Glob("/dev/shm/*waveprior*")
	return append(left, shm...)
}

// nothingLeft waits a few seconds for the plugins to notice, and fails if anything is there then.
func (l *lab) nothingLeft() {
	l.t.Helper()
	l.nothingBut("")
}

// nothingBut is nothingLeft where one thing may be.
func (l *lab) nothingBut(but string) {
	l.t.Helper()
	var left []string
	for range 1000 {
		if left = l.leftovers(); len(left) == 0 || but != "" && len(left) == 1 && left[0] == but {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Errorf("10 s after the end of the host there is still:\n  %s", strings.Join(left, "\n  "))
}

// tidy checks that the cache holds stages and locks only.
func (l *lab) tidy() {
	l.t.Helper()
	err := filepath.WalkDir(l.path, func(path string, d os.DirEntry, err error) error {
		if err == nil && (strings.HasSuffix(path, ".part") || strings.HasSuffix(path, ".tmp") || strings.Contains(path, ".damaged-")) {
			l.t.Errorf("left in the cache: %s", path)
		}
		return err
	})
	if err != nil {
		l.t.Error(err)
	}
}
