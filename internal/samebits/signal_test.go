package samebits

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// manifest is what the tests read of manifest.json.
type manifest struct {
	Restarts int `json:"plugin_restarts"`
	Cells    []struct {
		Label  string
		Notes  []string
		Stages []struct {
			Stage    string
			Key      string
			Cached   bool `json:"from_cache"`
			Sessions int
			Cost     map[string]float64
		}
	}
}

func (l *lab) manifest() manifest {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(l.out, "manifest.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		l.t.Fatal(err)
	}
	return m
}

// denoised is how many items the prior denoised in the first cell's sample stage, over all sessions.
func (m manifest) denoised() (n float64, sessions int) {
	for _, s := range m.Cells[0].Stages {
		if s.Stage == "sample" {
			return s.Cost["denoise"], s.Sessions
		}
	}
	return 0, 0
}

// TestInterrupt: Ctrl-C, which reaches the host's process group, ends the host with 130 and its plugins in good order, even
// one that hangs; the same command goes on from the step it was in, to the same bits.
func TestInterrupt(t *testing.T) {
	const chains = 10
	want := map[string]sums{small("full"): first(t, small("full")), unruled(): first(t, unruled())}
	for _, c := range []struct {
		text   string
		steps  int
		at     string
		n      int
		signal syscall.Signal
		done   int // steps that the checkpoint holds, -1: not in the sample stage
	}{
		{small("full"), 10, "solver.Forward", 1, syscall.SIGINT, -1},
		{small("full"), 10, "prior.Train", 1, syscall.SIGINT, -1},
		{small("full"), 10, "sampler.Start", 1, syscall.SIGINT, -1},
		{small("full"), 10, "sampler.Step", 4, syscall.SIGINT, 3},
		{small("full"), 10, "solver.Misfit", 5, syscall.SIGINT, 4},
		{small("full"), 10, "prior.Denoise.reply", 6, syscall.SIGTERM, 5},
		{small("full"), 10, "prior.Mixture", 1, syscall.SIGINT, -1}, // judge
		{unruled(), 6, "nn.step", 5, syscall.SIGINT, -1},            // a training that hangs
		{unruled(), 6, "nn.checkpoint", 9, syscall.SIGTERM, -1},
		{unruled(), 6, "solver.Misfit.reply", 3, syscall.SIGINT, 2},
		{unruled(), 6, "prior.DenoiseVJP", 4, syscall.SIGINT, 3},
		{unruled(), 6, "prior.Encode", 1, syscall.SIGINT, -1}, // judge
	} {
		t.Run(c.at, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, c.text)
			l.args = []string{"--set", "run.checkpoint_s=1000.0"} // only what the interrupt saves
			host, _ := l.stop(c.at, c.n)
			if err := syscall.Kill(-host.cmd.Process.Pid, c.signal); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			host.must(130)
			if d := time.Since(begin); d > 30*time.Second {
				t.Errorf("it took %v to end", d)
			}
			l.nothingLeft()
			if parts, _ := filepath.Glob(filepath.Join(l.path, "sample", "*.part", "checkpoint.safetensors")); (len(parts) == 1) != (c.done >= 0) {
				t.Errorf("checkpoints: %v", parts)
			}
			l.start().must(0)
			l.nothingLeft()
			l.tidy()
			l.same(want[c.text])
			if n, sessions := l.manifest().denoised(); c.done >= 0 && (sessions != 2 || n > float64(chains*(c.steps+1))) {
				t.Errorf("%d sessions denoised %g items: the interrupted step of %d chains is repeated at most, and there are %d", sessions, n, chains, c.steps)
			}
		})
	}
}

// TestHang: a plugin that stops answering is killed after call_limit_s, and the run goes on; whoever waits for it is left alone.
func TestHang(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	want := first(t, small("full"))
	for _, at := range []string{
		"solver.Configure", "solver.Observe", "solver.Misfit", "prior.Configure", "prior.Train", "prior.Denoise", "prior.DenoiseVJP.reply",
		"sampler.Configure", "sampler.Start", "sampler.Step", "sampler.Step.reply",
	} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, small("full"))
			l.args = []string{"--set", "run.call_limit_s=3.0"}
			host, stopped := l.stop(at, 1)
			host.must(0)
			l.nothingLeft()
			l.same(want)
			parts := strings.Split(at, ".")
			if log := host.text(); !strings.Contains(log, "hangs in "+parts[1]) || strings.Contains(log, "sampler dps hangs") != (parts[0] == "sampler") {
				t.Errorf("%s stopped in %s; the host says\n%s", stopped.name, at, log)
			}
		})
	}
}

// TestSlowIsNotHung: a step in which prior and solver each need less than the limit, but more together, is no hang of the
// sampler's.
func TestSlowIsNotHung(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	const limit, pause = 5 * time.Second, 3 * time.Second
	want := first(t, small("full"))
	l := newLab(t, small("full"))
	l.args = []string{"--set", "run.call_limit_s=5.0", "--set", "prior.schedule.steps=10"}
	// The sampler stops first, so that prior and solver are stopped between two steps, not within a call.
	marker := filepath.Join(l.root, "none")
	l.env = []string{"WAVEPRIOR_HOOK_FILE=" + marker}
	host := l.start()
	var prior, solver, sampler int
	host.until("all plugins", func() bool {
		prior, solver, sampler = 0, 0, 0
		for _, p := range l.processes() {
			switch p.name {
			case "waveprior-prior-gmm":
				prior = p.pid
			case "waveprior-solver-analytic":
				solver = p.pid
			case "waveprior-sampler-dps":
				sampler = p.pid
			}
		}
		return prior != 0 && solver != 0 && sampler != 0
	})
	signal := func(pid int, s syscall.Signal) {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatalf("the run ended too early to be slowed: %v\n%s", err, host.text())
		}
	}
	signal(prior, syscall.SIGSTOP)
	signal(solver, syscall.SIGSTOP)
	time.Sleep(pause)
	signal(prior, syscall.SIGCONT)
	time.Sleep(pause)
	signal(solver, syscall.SIGCONT)
	host.must(0)
	l.same(want)
	if n := l.manifest().Restarts; n != 0 {
		t.Errorf("%d restarts though no call took %v:\n%s", n, limit, host.text())
	}
}
