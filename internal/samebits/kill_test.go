package samebits

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc"

	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// stop runs the host with a hook at a point and returns the process that stopped there, which lives and does nothing.
func (l *lab) stop(point string, n int) (host *proc, stopped running) {
	l.t.Helper()
	marker := filepath.Join(l.root, "stopped")
	l.env = append(l.env, fmt.Sprintf("WAVEPRIOR_HOOK=%s:%d", point, n), "WAVEPRIOR_HOOK_FILE="+marker)
	host = l.start()
	var pid int
	reached := host.until("the hook "+point, func() bool {
		b, err := os.ReadFile(marker)
		if err != nil || !strings.HasSuffix(string(b), "\n") {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		return err == nil
	})
	if !reached {
		l.t.Fatalf("%s did not happen %d times in any process:\n%s", point, n, host.text())
	}
	for _, p := range l.processes() {
		if p.pid == pid {
			return host, p
		}
	}
	l.t.Fatalf("process %d, which stopped at %s, is none of ours", pid, point)
	return nil, running{}
}

// kill is kill -9.
func (l *lab) kill(pid int) {
	l.t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		l.t.Fatal(err)
	}
}

// point is one place where a process is killed.
type point struct {
	cells string // of the small experiment; "wide", "adapted" and "ruled" are other experiments, "study full" is a cell of the study, "waves bands" one of the waves in time
	at    string
	n     int // the n-th time that a process comes there
	short bool
}

// owner is the binary in which a point lies.
func (p point) owner() string {
	switch kind, _, _ := strings.Cut(p.at, "."); kind {
	case "host", "service", "commit": // the host is the first to write a file
		return "waveprior"
	case "nn":
		return "waveprior-prior-"
	default:
		return "waveprior-" + kind + "-"
	}
}

// points cover every kind of call, before and after it was carried out, and every stage in which a process has work: the
// solver has none in data and train, the sampler only in sample, and in report there is the host alone.
var points = []point{
	// Solver: its start, the observe stage, the sample stage, the judge stage.
	{"full", "solver.Live", 1, false},
	{"full", "solver.Describe", 1, false},
	{"full", "solver.Describe.reply", 1, false},
	{"full", "solver.Configure", 1, false},
	{"full", "solver.Configure.reply", 1, false},
	{"full", "solver.Forward", 1, true},
	{"full", "solver.Forward.reply", 1, false},
	{"full", "solver.Observe", 1, false},
	{"full", "solver.Observe.reply", 1, false},
	{"full", "solver.Misfit", 1, false},
	{"full", "solver.Misfit", 7, true},
	{"full", "solver.Misfit.reply", 4, false},
	{"full", "solver.Forward", 2, false},
	{"exact", "solver.JVP", 1, false},
	{"exact", "solver.JVP.reply", 1, false},
	{"wide", "solver.Misfit", 2, false},
	{"wide", "solver.Misfit.reply", 3, false},
	{"wide", "solver.Forward.reply", 1, false},
	{"adapted", "solver.VJP", 2, false},
	{"adapted", "solver.VJP.reply", 3, false},
	// Prior: train, sample, judge.
	{"full", "prior.Live", 1, false},
	{"full", "prior.Describe", 1, false},
	{"full", "prior.Describe.reply", 1, false},
	{"full", "prior.Configure", 1, false},
	{"full", "prior.Configure.reply", 1, false},
	{"full", "prior.Configure", 2, false},
	{"full", "prior.Train", 1, true},
	{"full", "prior.Train.progress", 1, false},
	{"full", "prior.Train.reply", 1, false},
	{"full", "prior.Denoise", 1, true},
	{"full", "prior.Denoise.reply", 6, false},
	{"full", "prior.DenoiseVJP", 3, false},
	{"full", "prior.DenoiseVJP.reply", 10, false},
	{"full", "prior.Decode", 1, false},
	{"full", "prior.Decode.reply", 2, false},
	{"full", "prior.DecodeVJP", 1, false},
	{"full", "prior.DecodeVJP.reply", 1, false},
	{"exact", "prior.DecodeJVP", 1, false},
	{"exact", "prior.DecodeJVP.reply", 1, false},
	{"exact", "prior.Mixture", 1, false},       // sample: the sampler's service
	{"exact", "prior.Mixture.reply", 1, false}, //
	{"full", "prior.Mixture", 1, false},        // judge
	{"full", "prior.Mixture.reply", 1, false},  //
	{"wide", "prior.Train.progress", 1, false},
	{"wide", "prior.DenoiseVJP.reply", 2, false},
	{"wide", "prior.Decode.reply", 1, false},
	// Sampler: sample.
	{"full", "sampler.Live", 1, false},
	{"full", "sampler.Describe", 1, false},
	{"full", "sampler.Describe.reply", 1, false},
	{"full", "sampler.Configure", 1, false},
	{"full", "sampler.Configure.reply", 1, false},
	{"full", "sampler.Start", 1, false},
	{"full", "sampler.Start.reply", 1, false},
	{"full", "sampler.Step", 1, true},
	{"full", "sampler.Step.reply", 5, false},
	{"full", "sampler.Step.reply", 10, false},
	{"ddpm", "sampler.Step", 4, false},
	{"exact", "sampler.Step.reply", 1, false},
	{"published", "sampler.Step", 7, false},
	{"wide", "sampler.Start.reply", 1, false},
	{"wide", "sampler.Step", 2, false},
	{"wide", "sampler.Step.reply", 2, false},
	// Host: every stage, within and around its commit, and the services.
	{"full", "host.data", 1, true},
	{"full", "host.data", 2, false},
	{"full", "host.data.commit", 1, false},
	{"full", "host.data.manifest", 1, false},
	{"full", "host.data.renamed", 1, false},
	{"full", "host.train", 1, false},
	{"full", "host.train.commit", 1, false},
	{"full", "host.train.manifest", 1, true},
	{"full", "host.train.renamed", 1, false},
	{"full", "host.observe", 1, false},
	{"full", "host.observe.commit", 1, false},
	{"full", "host.observe.manifest", 1, false},
	{"full", "host.observe.renamed", 1, false},
	{"full", "host.sample.start", 1, false},
	{"full", "host.sample", 1, false},
	{"full", "host.sample", 6, true},
	{"full", "host.checkpoint", 1, false},
	{"full", "host.checkpoint", 5, false},
	{"full", "host.sample.end", 1, false},
	{"full", "host.sample.commit", 1, false},
	{"full", "host.sample.manifest", 1, false},
	{"full", "host.sample.renamed", 1, false},
	{"full", "host.judge", 1, false},
	{"full", "host.judge.end", 1, false},
	{"full", "host.judge.commit", 1, false},
	{"full", "host.judge.manifest", 1, false},
	{"full", "host.judge.renamed", 1, false},
	{"full", "host.report", 1, true},
	{"full", "host.report.written", 1, false},
	{"full", "service.prior.Denoise", 3, false},
	{"full", "service.prior.Denoise.reply", 4, false},
	{"full", "service.prior.DenoiseVJP", 2, false},
	{"full", "service.physics.Misfit", 5, false},
	{"full", "service.physics.Misfit.reply", 5, false},
	{"exact", "service.prior.Mixture", 1, false},
	{"exact", "service.physics.JVP.reply", 1, false},
	{"full", "commit.rename", 1, true}, // the first file that a run writes, and others
	{"full", "commit.rename", 2, false},
	{"full", "commit.rename", 3, false},
	{"full", "commit.rename", 5, false},
	{"full", "commit.rename", 8, false},
	{"full", "commit.rename", 12, false},
	{"full", "commit.rename", 20, false},
	{"full", "commit.rename", 31, false},
	{"full", "commit.rename", 38, false},
	{"full", "commit.rename", 62, false}, // figures, in a folder of their own
	{"full", "commit.rename", 66, false},
	{"wide", "host.sample", 3, false},
	{"wide", "service.physics.Misfit", 2, false},
	// The run of a truth rule, between the training of the cell's prior and its observation.
	{"ruled", "host.data", 3, false},
	{"ruled", "host.train", 2, false},
	{"ruled", "host.train.renamed", 2, false},
	{"ruled", "host.sample.start", 1, false},
	{"ruled", "host.sample", 4, true},
	{"ruled", "host.sample.renamed", 1, false},
	{"ruled", "host.observe", 1, false},
	{"ruled", "host.observe.renamed", 1, false},
	{"ruled", "host.sample.start", 2, false},
	{"ruled", "prior.Train.progress", 2, false},
	{"ruled", "prior.Configure", 4, false},
	{"ruled", "prior.Configure", 5, false},
	{"ruled", "sampler.Step", 3, false},
	{"ruled", "sampler.Configure", 1, false},
	{"ruled", "solver.Forward", 1, false},
}

// TestKill: kill -9 of each process inside each kind of call that happens. A plugin is started again and the run goes on; a
// host is started again by the same command. The bits are those of the run without a kill, and nothing is left of a killed host.
func TestKill(t *testing.T) {
	want := map[string]sums{"small": first(t, small()), "wide": first(t, wide), "adapted": first(t, adapted()), "ruled": first(t, ruled()), "study": first(t, study()), "waves": first(t, waves())}
	for _, p := range slices.Concat(points, studyPoints, wavesPoints) {
		t.Run(fmt.Sprintf("%s %s %d", p.cells, p.at, p.n), func(t *testing.T) {
			if testing.Short() && !p.short {
				t.Skip("-short")
			}
			t.Parallel()
			var text string
			row := want["small"]
			switch p.cells {
			case "wide":
				text, row = wide, want["wide"]
			case "adapted":
				text, row = adapted(), want["adapted"]
			case "ruled":
				text, row = ruled(), want["ruled"]
			default:
				text = small(p.cells)
				if cell, ok := strings.CutPrefix(p.cells, "study "); ok {
					text, row = study(cell), want["study"]
				} else if cell, ok := strings.CutPrefix(p.cells, "waves "); ok {
					text, row = waves(cell), want["waves"]
				}
			}
			l := newLab(t, text)
			l.args = []string{"--set", "solver.workers=2"}
			l.figures = strings.HasPrefix(p.at, "host.report") || strings.HasPrefix(p.at, "commit.")
			host, stopped := l.stop(p.at, p.n)
			if !strings.HasPrefix(stopped.name, p.owner()) {
				t.Fatalf("%s stopped in %s", p.at, stopped.name)
			}
			l.kill(stopped.pid)
			if p.owner() == "waveprior" {
				host.must(-1)
				l.nothingLeft()
				l.start().must(0)
			} else {
				host.must(0)
			}
			l.nothingLeft()
			l.tidy()
			l.same(row)
		})
	}
}

// TestPointsAreComplete: every call of the contract is among the points, before and after, but for those that nothing here
// makes.
func TestPointsAreComplete(t *testing.T) {
	have := map[string]bool{}
	for _, p := range slices.Concat(points, studyPoints, wavesPoints) {
		have[p.at] = true
	}
	never := []string{"solver.Train", "sampler.Train"} // only priors are trained
	for kind, service := range map[string]grpc.ServiceDesc{"solver": pb.Solver_ServiceDesc, "prior": pb.Prior_ServiceDesc, "sampler": pb.Sampler_ServiceDesc} {
		for _, d := range []grpc.ServiceDesc{service, pb.Plugin_ServiceDesc} {
			var calls []string
			for _, m := range d.Methods {
				calls = append(calls, m.MethodName)
			}
			for _, m := range d.Streams {
				calls = append(calls, m.StreamName)
			}
			for _, m := range calls {
				at := kind + "." + m
				if slices.Contains(never, at) {
					continue
				}
				if !have[at] || m != "Live" && !have[at+".reply"] { // Live is over when the host is
					t.Errorf("nothing is killed in %s and %s.reply", at, at)
				}
			}
		}
	}
	for _, stage := range append(stages, "report") {
		if !have["host."+stage] {
			t.Errorf("the host is not killed in stage %s", stage)
		}
	}
}

// TestGivesUp: a plugin that dies more often than run.restarts allows ends the run with an error that names it, and not who
// waited for it; the run can be resumed.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	want := first(t, small("full"))
	l := newLab(t, small("full"))
	l.args = []string{"--set", "run.restarts=0"}
	host, stopped := l.stop("prior.Denoise", 4)
	l.kill(stopped.pid)
	host.must(1)
	l.nothingLeft()
	if !host.says("prior gmm: Denoise failed 1 times, giving up") || strings.Contains(host.text(), "sampler dps died") || strings.Contains(host.text(), "Step failed") {
		t.Errorf("it is the prior that died in Denoise; the host says\n%s", host.text())
	}
	l.start().must(0)
	l.same(want)
	if n, sessions := l.manifest().denoised(); sessions != 2 || n > 110 {
		t.Errorf("%d sessions denoised %g items: it did not go on from a checkpoint", sessions, n)
	}
}

// TestKillHostWhilePluginIsBusy: the host is killed while a plugin is in a call that will not end. The plugin ends itself.
func TestKillHostWhilePluginIsBusy(t *testing.T) {
	want := first(t, small("full"))
	for _, at := range []string{"solver.Describe", "solver.Misfit", "prior.Train", "sampler.Configure", "sampler.Step"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, small("full"))
			host, _ := l.stop(at, 1)
			l.kill(host.cmd.Process.Pid)
			host.must(-1)
			l.nothingLeft()
			l.start().must(0)
			l.nothingLeft()
			l.tidy()
			l.same(want)
		})
	}
}
