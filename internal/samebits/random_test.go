package samebits

import (
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"
)

// TestRandomKills: of the small experiment and of the study, ten kills of whatever process of the run, the host among them, at any time of it, change nothing. The seed
// is printed; -seed repeats the choice of times and victims, as far as processes keep to them.
func TestRandomKills(t *testing.T) {
	if testing.Short() {
		t.Skip("-short")
	}
	binaries(t)
	t.Logf("-seed %d", *seed)
	for i, text := range []string{small("full", "exact"), study("full")} {
		t.Run([]string{"small", "study"}[i], func(t *testing.T) { randomKills(t, text, uint64(i)) })
	}
}

func randomKills(t *testing.T, text string, stream uint64) {
	begin := time.Now()
	want := alone(t, text)
	length := time.Since(begin)
	r := rand.New(rand.NewPCG(uint64(*seed), stream))
	kills, hosts, runs := 0, 0, 0
	for kills < 10 {
		l := newLab(t, text) // a run that ended before its ten kills is followed by another
		l.args, l.figures = []string{"--set", "solver.workers=2"}, true
		host := l.start()
		for ended := false; !ended; {
			wait := time.NewTimer(time.Duration(r.Float64() * float64(length) / 2))
			if kills == 10 {
				wait.Reset(patience)
			}
			select {
			case <-host.done:
				if code := host.wait(); code == 0 {
					ended = true
					break
				} else if code != -1 {
					t.Fatalf("-seed %d: the host ended with %d after %d kills:\n%s", *seed, code, kills, host.text())
				}
				l.nothingBut(emptyFolder)
				host = l.start()
			case <-wait.C:
				victims := l.processes()
				wantHost := kills%3 == 2 // the others are plugins, as soon as there are any
				victims = slices.DeleteFunc(victims, func(p running) bool { return (p.pid == host.cmd.Process.Pid) != wantHost })
				if len(victims) == 0 {
					continue
				}
				victim := victims[r.IntN(len(victims))]
				if syscall.Kill(victim.pid, syscall.SIGKILL) != nil {
					continue // it ended just now
				}
				kills++
				if victim.pid == host.cmd.Process.Pid {
					hosts++
					<-host.done
				}
				t.Logf("kill %d: %s", kills, victim.name)
			}
			wait.Stop()
		}
		runs++
		l.nothingLeft()
		l.tidy()
		l.same(want)
	}
	t.Logf("%d kills, %d of them of the host, in %d runs", kills, hosts, runs)
}
