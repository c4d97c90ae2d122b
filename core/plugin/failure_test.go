package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/tensor"
)

func forward(ctx context.Context, s contract.FullSolver, n int) error {
	_, err := s.Forward(ctx, tensor.New(tensor.Float64, 2, n), tensor.New(tensor.Complex64, 2, n))
	return err
}

// TestErrorsKeepTheirKind: every sentinel, and the text, cross the wire.
func TestErrorsKeepTheirKind(t *testing.T) {
	p := launch(t, "solver")
	for name, want := range sentinels {
		err := forward(t.Context(), solverOf(t, p, 4, name), 4)
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "layer 3 has 17 m/s") {
			t.Errorf("%s: %v", name, err)
		}
		for other, o := range sentinels {
			if o != want && errors.Is(err, o) {
				t.Errorf("%s is also %s", name, other)
			}
		}
	}
	for _, c := range []struct {
		fail string
		kind error
		text string
	}{
		{"plain", contract.ErrInternal, "a plain error"},
		{"tensor", contract.ErrShape, "model is float32 [2], want float64 [3]"},
		{"panic", contract.ErrInternal, "index out of range, say"},
		{"kept", contract.ErrInternal, "IllegalAddress"},
		{"long", contract.ErrInternal, "ä ... (cut)"},
	} {
		err := forward(t.Context(), solverOf(t, p, 4, c.fail), 4)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %.300v", c.fail, err)
		}
	}
	if log := p.LogTail(); !strings.Contains(log, "panic in solver.Forward") || !strings.Contains(log, "misbehave") {
		t.Errorf("the stack of the panic is not in the log:\n%s", log)
	}
	if err := forward(t.Context(), solverOf(t, p, 4, ""), 5); !errors.Is(err, contract.ErrShape) {
		t.Errorf("wrong shape: %v", err)
	}
	if err := forward(t.Context(), solverOf(t, p, 4, ""), 4); err != nil {
		t.Errorf("after all those errors: %v", err)
	}
}

func TestBeforeConfigureAndCapabilities(t *testing.T) {
	p := launch(t, "plain-solver")
	s, err := p.Solver()
	if err != nil {
		t.Fatal(err)
	}
	if err := forward(t.Context(), s, 4); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("before Configure: %v", err)
	}
	if _, err := s.Configure(t.Context(), contract.Config{Options: json.RawMessage(`{"N":"x"}`)}); !errors.Is(err, contract.ErrInvalidOption) {
		t.Errorf("bad option: %v", err)
	}
	if _, err := s.Configure(t.Context(), contract.Config{Options: options(4, "configure")}); !errors.Is(err, contract.ErrCheckpoint) {
		t.Errorf("failing Configure: %v", err)
	}
	if err := forward(t.Context(), s, 4); !errors.Is(err, contract.ErrNotConfigured) {
		t.Errorf("after a failed Configure: %v", err)
	}
	m, g := tensor.New(tensor.Float64, 1, 4), tensor.New(tensor.Float64, 1, 4)
	for name, f := range map[string]func() error{
		"misfit": func() error { _, err := s.Misfit(t.Context(), m, []int{0}, []float64{0}, g); return err },
		"jvp":    func() error { _, err := s.JVP(t.Context(), m, m, m); return err },
		"vjp":    func() error { _, err := s.VJP(t.Context(), m, m, m); return err },
	} {
		if err := f(); !errors.Is(err, contract.ErrUnsupported) || !strings.Contains(err.Error(), "solver echo has no capability "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Prior(); err == nil {
		t.Error("a solver was taken for a prior")
	}
	if _, err := p.Sampler(); err == nil {
		t.Error("a solver was taken for a sampler")
	}
	full := solverOf(t, launch(t, "solver"), 4, "")
	if _, err := full.Misfit(t.Context(), m, []int{0}, []float64{0}, g); !errors.Is(err, contract.ErrNoObservation) {
		t.Errorf("before Observe: %v", err)
	}
	for name, f := range map[string]func() error{
		"no model": func() error { _, err := full.Forward(t.Context(), nil, tensor.New(tensor.Complex64, 1, 4)); return err },
		"no place": func() error { _, err := full.Forward(t.Context(), m, nil); return err },
		"short bytes": func() error {
			_, err := full.Forward(t.Context(), &tensor.Tensor{DType: tensor.Float64, Shape: []int{1, 4}, Data: m.Data[:8]}, nil)
			return err
		},
		"negative index": func() error { _, err := full.Misfit(t.Context(), m, []int{-1}, []float64{0}, g); return err },
		"two of one":     func() error { _, err := full.Misfit(t.Context(), m, []int{0, 1}, []float64{0}, g); return err },
	} {
		if err := f(); !errors.Is(err, contract.ErrShape) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDiesInCall: a plugin that ends inside a call gives ErrPluginDied with its last words, after it was waited for.
func TestDiesInCall(t *testing.T) {
	for fail, words := range map[string]string{
		"kill": "about to die", "exit": "cannot open device 7",
		"lost": "solver.Forward: this process ends, so that another one can take its place: layer 3: internal error: kernels up to gelu: IllegalAddress",
	} {
		a, dir := newArena(t), socketDir(t)
		p := launch(t, "solver", withArena(a), withDir(dir))
		err := forward(t.Context(), solverOf(t, p, 100_000, fail), 100_000)
		if !errors.Is(err, contract.ErrPluginDied) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", fail, err)
		}
		select {
		case <-p.Done():
		default:
			t.Errorf("%s: the error came before the process was waited for", fail)
		}
		if exists(p.PID()) {
			t.Errorf("%s: process %d is still there", fail, p.PID())
		}
		if in := a.Stats().InUse; in != 0 {
			t.Errorf("%s: %d bytes of the arena are still in use", fail, in)
		}
		if e, err := os.ReadDir(dir); err != nil || len(e) != 0 {
			t.Errorf("%s: sockets left: %v, %v", fail, e, err)
		}
		if err := forward(t.Context(), solverOf2(p), 4); !errors.Is(err, contract.ErrPluginDied) {
			t.Errorf("%s: the next call: %v", fail, err)
		}
	}
}

func solverOf2(p *plugin.Process) contract.FullSolver {
	s, err := p.Solver()
	if err != nil {
		panic(err)
	}
	return s
}

// TestHang: a call that never comes back ends with its context; its ranges are not used again until the process is gone.
func TestHang(t *testing.T) {
	a := newArena(t)
	p := launch(t, "solver", withArena(a))
	s := solverOf(t, p, 100_000, "hang")
	m, err := a.Alloc(tensor.Float64, 2, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = s.Forward(ctx, m, tensor.New(tensor.Complex64, 2, 100_000)) // the output is a temporary range
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, contract.ErrPluginDied) {
		t.Errorf("hang: %v", err)
	}
	if err := a.Free(m); err != nil {
		t.Error(err)
	}
	if err := a.Free(m); !errors.Is(err, contract.ErrInternal) {
		t.Errorf("freed twice while held: %v", err)
	}
	if in, want := a.Stats().InUse, uint64(2*2*100_000*8); in != want {
		t.Errorf("%d bytes in use while the callee may be at work, want %d", in, want)
	}
	next, err := a.Alloc(tensor.Float64, 2, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	if &next.Data[0] == &m.Data[0] {
		t.Error("the range of a call in progress was used again")
	}
	start := time.Now()
	p.Kill()
	if d := time.Since(start); d > time.Second {
		t.Errorf("Kill took %v", d)
	}
	eventually(t, "the ranges are free", func() bool { return a.Stats().InUse == 2*100_000*8 })

	q := launch(t, "solver")
	w := solverOf(t, q, 4, "wait")
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if err := forward(ctx, w, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := forward(ctx, w, 4); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before: %v", err)
	}
}

// TestServiceDies: when the prior behind a sampler's service dies, the sampler's Step says so and the sampler lives.
func TestServiceDies(t *testing.T) {
	a, dir := newArena(t), socketDir(t)
	pp := launch(t, "prior", withArena(a), withDir(dir))
	prior, err := pp.Prior()
	if err != nil {
		t.Fatal(err)
	}
	pc, err := prior.Configure(t.Context(), contract.Config{Options: options(4, "kill")})
	if err != nil {
		t.Fatal(err)
	}
	sp := launch(t, "sampler", withArena(a), withDir(dir))
	s, err := sp.Sampler()
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Configure(t.Context(), contract.Config{Prior: &contract.PriorService{Prior: prior, Description: prior.Describe(), Configured: pc}})
	if err != nil {
		t.Fatal(err)
	}
	ch := contract.Chains{ID: []int{0}}
	_, err = s.Step(t.Context(), 0, ch, contract.NewState(c.State, 1), contract.NewState(c.State, 1))
	if !errors.Is(err, contract.ErrPluginDied) {
		t.Errorf("step: %v", err)
	}
	select {
	case <-pp.Done():
	default:
		t.Error("the prior is not gone")
	}
	if _, _, err := s.Start(t.Context(), ch, contract.NewState(c.State, 1)); err != nil {
		t.Errorf("the sampler does not live: %v", err)
	}
	sp.Close()
	if e, err := os.ReadDir(dir); err != nil || len(e) != 0 {
		t.Errorf("sockets left: %v, %v", e, err)
	}
}

// TestLaunchErrors: what is wrong, where it looked, what to type.
func TestLaunchErrors(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("no program"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("\x7fELF no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := func(p string) func(*plugin.LaunchSpec) { return func(s *plugin.LaunchSpec) { s.Path = p } }
	for _, c := range []struct {
		name   string
		role   string
		change func(*plugin.LaunchSpec)
		want   []string
	}{
		{"missing", "solver", path("/nowhere/waveprior-solver-x"), []string{"/nowhere/waveprior-solver-x", "no such file", "make build"}},
		{"nothing found", "solver", path(""), []string{"no file"}},
		{"folder", "solver", path("/"), []string{"folder"}},
		{"not executable", "solver", path(plain), []string{"chmod +x " + plain}},
		{"no program", "solver", path(script), []string{script, "exec format error"}},
		{"wrong kind", "prior", func(s *plugin.LaunchSpec) { s.Kind = contract.KindSolver }, []string{"it is a prior (toy), wanted is a solver"}},
		{"wrong name", "solver", func(s *plugin.LaunchSpec) { s.Name = "acoustic" }, []string{"echo", "wanted is acoustic"}},
		{"garbage", "garbage", func(*plugin.LaunchSpec) {}, []string{`"loading weights ..."`, "stdout", "--help"}},
		{"flood", "flood", func(s *plugin.LaunchSpec) { s.StartTimeout = 5 * time.Second }, []string{"stdout"}},
		{"exits", "exits", func(*plugin.LaunchSpec) {}, []string{"exit status 3", "cannot find libphysics.so"}},
		{"silent", "silent", func(s *plugin.LaunchSpec) { s.StartTimeout = 200 * time.Millisecond }, []string{"no handshake", "200ms"}},
		{"no folder", "solver", func(s *plugin.LaunchSpec) { s.SocketDir = "/nowhere" }, []string{"/nowhere"}},
		{"long folder", "solver", func(s *plugin.LaunchSpec) {
			s.SocketDir = filepath.Join(s.SocketDir, strings.Repeat("d", 100))
			if err := os.Mkdir(s.SocketDir, 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"at most"}},
		{"attach to nothing", "solver", func(s *plugin.LaunchSpec) { s.Attach = "unix:/nowhere/x" }, []string{"/nowhere/x", "WAVEPRIOR_ATTACH=1"}},
		{"attach address", "solver", func(s *plugin.LaunchSpec) { s.Attach = "localhost:1" }, []string{"unix:/path"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := tryLaunch(t, c.role, c.change)
			if !errors.Is(err, plugin.ErrLaunch) {
				t.Fatalf("error %v", err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in: %v", w, err)
				}
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("it took %v", d)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	_, err = plugin.Launch(ctx, plugin.LaunchSpec{Path: exe, SocketDir: socketDir(t), Env: []string{envRole + "=silent"}})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("start under a context: %v", err)
	}
}

// TestClose: quick, and nothing is left.
func TestClose(t *testing.T) {
	dir := socketDir(t)
	p := launch(t, "solver", withDir(dir))
	start := time.Now()
	p.Close()
	if d := time.Since(start); d > time.Second { // 10 ms on an idle machine; a 2 s wait of go-plugin is what must not be
		t.Errorf("Close took %v", d)
	}
	p.Close()
	if e, err := os.ReadDir(dir); err != nil || len(e) != 0 {
		t.Errorf("left in the folder: %v, %v", e, err)
	}
}

// TestKilledFromOutside: Done is closed although no call was in progress.
func TestKilledFromOutside(t *testing.T) {
	p := launch(t, "solver")
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(5 * time.Second):
		t.Error("not noticed")
	}
}

func TestByHand(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"-h"}} {
		out, code := run(t, "solver", args...)
		if code != 0 {
			t.Errorf("%v: exit %d", args, code)
		}
		for _, w := range []string{"waveprior-solver-echo 1.2", "A solver for tests.", "misfit", "  N = 4", "Numbers of a model.", "[solver]", `plugin = "echo"`, "--describe"} {
			if !strings.Contains(out, w) {
				t.Errorf("%v: %q is not in\n%s", args, w, out)
			}
		}
	}
	if _, code := run(t, "solver", "--nonsense"); code != 2 {
		t.Errorf("--nonsense: exit %d", code)
	}
	out, code := run(t, "sampler", "--describe")
	var d contract.Description
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != 0 || d.Name != "walk" || d.Contract != contract.Version || len(d.Needs) != 2 {
		t.Errorf("--describe: %v, exit %d, %+v", err, code, d)
	}
}

// TestAttach: a plugin started by hand is joined, left running by Close, and joined again.
func TestAttach(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	dir := socketDir(t)
	cmd.Env = append(os.Environ(), envRole+"=solver", "WAVEPRIOR_ATTACH=1", "PLUGIN_UNIX_SOCKET_DIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait := sync.OnceFunc(func() { cmd.Wait() })
	t.Cleanup(func() { cmd.Process.Kill(); wait() })
	buf := make([]byte, 4096)
	n, err := io.ReadAtLeast(out, buf, 20)
	if err != nil {
		t.Fatal(err)
	}
	text := string(buf[:n])
	_, address, ok := strings.Cut(text, "serves at\n  ")
	if !ok {
		t.Fatalf("it said %q", text)
	}
	address, _, _ = strings.Cut(address, "\n")
	a := newArena(t)
	for range 2 {
		p, err := plugin.Launch(t.Context(), plugin.LaunchSpec{Attach: address, Kind: contract.KindSolver, Arena: a})
		if err != nil {
			t.Fatal(err)
		}
		if p.PID() != cmd.Process.Pid {
			t.Errorf("pid %d, want %d", p.PID(), cmd.Process.Pid)
		}
		if err := forward(t.Context(), solverOf(t, p, 50_000, ""), 50_000); err != nil {
			t.Error(err)
		}
		p.Close()
		if !exists(cmd.Process.Pid) {
			t.Fatal("Close ended an attached plugin")
		}
	}
	p, err := plugin.Launch(t.Context(), plugin.LaunchSpec{Attach: address, Arena: a})
	if err != nil {
		t.Fatal(err)
	}
	go wait()
	p.Kill()
	if exists(cmd.Process.Pid) {
		t.Error("Kill did not end it")
	}
}
