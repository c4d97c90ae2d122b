package plugin_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/tensor"
)

// hostRole is a host that starts a solver (in a call that hangs) and a prior, says so, and waits to be killed.
func hostRole() {
	fatal := func(err error) {
		if err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	exe, err := os.Executable()
	fatal(err)
	a, err := arena.New(arena.DefaultSize)
	fatal(err)
	dir := os.Getenv(envDir)
	start := func(role string) *plugin.Process {
		p, err := plugin.Launch(context.Background(), plugin.LaunchSpec{Path: exe, SocketDir: dir, Arena: a,
			Env: []string{envRole + "=" + role, envChatty + "=1", "GORACE=atexit_sleep_ms=0"}})
		fatal(err)
		return p
	}
	sp, pp := start("solver"), start("prior")
	prior, err := pp.Prior()
	fatal(err)
	_, _, err = plugin.ServePrior(dir, contract.PriorService{Prior: prior}, a)
	fatal(err)
	s, err := sp.Solver()
	fatal(err)
	_, err = s.Configure(context.Background(), contract.Config{Options: options(10_000, "hang")})
	fatal(err)
	go func() {
		m, err := a.Alloc(tensor.Float64, 1, 10_000)
		fatal(err)
		_, err = s.Forward(context.Background(), m, tensor.New(tensor.Complex64, 1, 10_000))
		fatal(err)
	}()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready", sp.PID(), pp.PID())
	select {}
}

// exists tells whether a process is there and no zombie.
func exists(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := string(b[strings.LastIndexByte(string(b), ')')+1:])
	return !strings.HasPrefix(strings.TrimSpace(rest), "Z")
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for i := 0; i < 500; i++ {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("not within 5 s: %s", what)
}

// TestHostKilled: after kill -9 of the host, in the middle of a call, no process, no socket and no folder is left. Shared
// memory cannot be: a memfd has no name and ends with the processes. The plugins write to
// a stderr that nobody reads any more.
func TestHostKilled(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := socketDir(t)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), envRole+"=host", envDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) != 3 || words[0] != "ready" {
		cmd.Process.Kill()
		t.Fatalf("host said %q, %v", line, err)
	}
	var pids []int
	for _, w := range words[1:] {
		pid, err := strconv.Atoi(w)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
		if !exists(pid) {
			t.Fatalf("plugin %d does not run", pid)
		}
		if pgid, err := syscall.Getpgid(pid); err != nil || pgid != pid {
			t.Errorf("plugin %d is in process group %d (%v), want its own", pid, pgid, err)
		}
	}
	if e, err := os.ReadDir(dir); err != nil || len(e) != 3 {
		t.Errorf("sockets before: %v, %v", e, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed" is what we did
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("plugin %d ends", pid), func() bool { return !exists(pid) })
	}
	eventually(t, "the folder is removed", func() bool { _, err := os.Stat(dir); return errors.Is(err, os.ErrNotExist) })
}

// TestPluginWithoutHost: a plugin whose host is gone before it said a word ends by itself, and a SIGINT does not end it.
func TestPluginWithoutHost(t *testing.T) {
	p := launch(t, "solver")
	s := solverOf(t, p, 4, "")
	if err := syscall.Kill(p.PID(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if _, err := s.Forward(t.Context(), tensor.New(tensor.Float64, 1, 4), tensor.New(tensor.Complex64, 1, 4)); err != nil {
		t.Errorf("after SIGINT: %v", err)
	}

	// Started by hand as if by a host that is not its parent: it must not stay.
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), envRole+"=solver", "WAVEPRIOR_PLUGIN=2f1c4f0e-waveprior-v1", "WAVEPRIOR_HOST_PID=1", "PLUGIN_UNIX_SOCKET_DIR="+socketDir(t))
	done := make(chan error, 1)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		cmd.Process.Kill()
		t.Error("a plugin with another parent than its host stayed")
	}
}
