package samebits

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// flatSteps of TestMemoryIsFlat take a minute; 10^5, the promise, is also as long as a schedule may be.
var flatSteps = flag.Int("steps", 100000, "steps of the memory test")

// footprint is what a process holds.
type footprint struct {
	rss int // kB
	fds int
}

func footprintOf(pid int) (f footprint, ok bool) {
	dir := filepath.Join("/proc", strconv.Itoa(pid))
	b, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return f, false
	}
	for _, line := range strings.Split(string(b), "\n") {
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &f.rss); err == nil {
			break
		}
	}
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	f.fds = len(fds)
	return f, err == nil && f.rss > 0
}

// TestMemoryIsFlat: over 10^5 steps neither the host nor a plugin grows: the most that each holds in the second half of the
// run is at most 6 MB, 60 bytes a step, above the most in the first half; that much the Go heap's own breathing needs.
// Steps are made cheap: one chain, one call of the prior in each.
func TestMemoryIsFlat(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	t.Parallel()
	l := newLab(t, fmt.Sprintf(`name = "flat"
seed = 3
[solver]
plugin = "analytic"
map = "cubic"
[prior]
plugin = "gmm"
width = 0.3
[prior.schedule]
steps = %d
beta_first = 1e-6
beta_last = 1e-3
[prior.data]
kind = "points"
values = [[-1.5], [0.4], [2.5]]
[sampler]
plugin = "ddpm"
chains = 1
`, *flatSteps))
	l.bin = plain.get(t) // the race detector's own memory grows
	begin := time.Now()
	host := l.start()
	type sample struct {
		at time.Duration
		footprint
	}
	seen := map[string][]sample{}
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for running := true; running; {
		select {
		case <-host.done:
			running = false
		case <-tick.C:
			for _, p := range l.processes() {
				if f, ok := footprintOf(p.pid); ok {
					seen[p.name] = append(seen[p.name], sample{time.Since(begin), f})
				}
			}
			if time.Since(begin) > 3*patience {
				_ = host.cmd.Process.Kill()
			}
		}
	}
	host.must(0)
	length := time.Since(begin)
	if host.err != nil || *flatSteps < 1000 {
		t.Fatalf("%d steps: %v", *flatSteps, host.err)
	}
	t.Logf("%d steps in %v", *flatSteps, length.Round(time.Millisecond))
	for _, name := range []string{"waveprior", "waveprior-prior-gmm", "waveprior-sampler-ddpm", "waveprior-solver-analytic"} {
		var early, late footprint
		for _, s := range seen[name] {
			switch {
			case s.at > length*95/100: // the report's figures
			case s.at > length/2:
				late.rss, late.fds = max(late.rss, s.rss), max(late.fds, s.fds)
			default:
				early.rss, early.fds = max(early.rss, s.rss), max(early.fds, s.fds)
			}
		}
		t.Logf("%s: at most %d kB and %d files in the first half, %d kB and %d files in the second", name, early.rss, early.fds, late.rss, late.fds)
		if early.rss == 0 || late.rss == 0 {
			t.Fatalf("%s was not seen in both halves: %d samples", name, len(seen[name]))
		}
		if late.rss > early.rss+6<<10 || late.fds > early.fds+4 {
			t.Errorf("%s grows", name)
		}
	}
	l.nothingLeft()
}

// TestFirstLine: from the start to the first line that tells of work takes less than 2 s on a machine that is not busy. Under
// load, and the race detector, ten times that are let pass; the log has the time.
func TestFirstLine(t *testing.T) {
	l := newLab(t, small("full"))
	l.bin = plain.get(t)
	begin := time.Now()
	host := l.start()
	host.until("the first line of progress", func() bool { return strings.Contains(host.text(), "data: training") })
	d := time.Since(begin)
	t.Logf("first line of progress after %v", d.Round(time.Millisecond))
	if d > 20*time.Second {
		t.Errorf("the first line of progress came after %v", d)
	}
	host.must(0)
}
