package samebits

import (
	"bytes"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/progress"
	hostrun "github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	klmlp "github.com/waveprior/waveprior/plugins/priors/kl-mlp"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	gmmposterior "github.com/waveprior/waveprior/plugins/samplers/gmm-posterior"
	maximum "github.com/waveprior/waveprior/plugins/samplers/map"
	"github.com/waveprior/waveprior/plugins/solvers/acoustic"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
	elasticsolver "github.com/waveprior/waveprior/plugins/solvers/elastic"
	"github.com/waveprior/waveprior/plugins/solvers/helmholtz"
)

// everything and the samplers are what rows of the table have in-process.
var (
	samplers   = []string{"sampler/dps", "sampler/ddpm", "sampler/gmm-posterior", "sampler/map"}
	everything = slices.Collect(maps.Keys(constructors))
)

var constructors = map[string]func() contract.Plugin{
	"solver/analytic":       func() contract.Plugin { return analytic.New() },
	"solver/helmholtz":      func() contract.Plugin { return helmholtz.New() },
	"prior/gmm":             func() contract.Plugin { return gmm.New() },
	"prior/kl-mlp":          func() contract.Plugin { return klmlp.New() },
	"sampler/dps":           func() contract.Plugin { return dps.New() },
	"sampler/ddpm":          func() contract.Plugin { return ddpm.New() },
	"sampler/gmm-posterior": func() contract.Plugin { return gmmposterior.New() },
	"solver/acoustic":       func() contract.Plugin { return acoustic.New() },
	"solver/elastic":        func() contract.Plugin { return elasticsolver.New() },
	"sampler/map":           func() contract.Plugin { return maximum.New() },
}

// TestTable: workers, threads, groups, processes or none change no bit of samples, weights and metrics.
func TestTable(t *testing.T) {
	for _, e := range []struct {
		name, text string
	}{{"small", small()}, {"wide", wide}, {"dropping", dropping}, {"ruled", ruled()}, {"study", study()}, {"waves", waves()}} {
		t.Run(e.name, func(t *testing.T) {
			want := first(t, e.text)
			if dropped := want["metric samples.dropped"]; e.name == "dropping" && (dropped == "0" || dropped == "") {
				t.Fatalf("%q chains were dropped: the row shows nothing", dropped)
			}
			if e.name == "waves" && (want["metric latent/samples.dropped"] != "1" || want["metric bands/samples.dropped"] != "0") {
				t.Fatalf("%q of map's chains were dropped in the prior's coordinates, want 1; %q on the grid, want 0", want["metric latent/samples.dropped"], want["metric bands/samples.dropped"])
			}
			rows := []struct {
				name      string
				set       []string
				inProcess []string // nil: none
				long      bool
				figures   bool // are compared, too
			}{
				{name: "again", figures: true},
				{name: "2 workers", set: []string{"solver.workers=2"}},
				{name: "4 workers", set: []string{"solver.workers=4"}},
				{name: "1 thread", set: []string{"solver.threads=1", "prior.threads=1", "sampler.threads=1"}, long: true},
				{name: "3 threads", set: []string{"solver.threads=3", "prior.threads=3", "sampler.threads=3"}, long: true},
				{name: "4 threads, 2 workers", set: []string{"solver.threads=4", "solver.workers=2", "prior.threads=4", "sampler.threads=4"}, long: true},
				{name: "group 1", set: []string{"sampler.group=1"}, long: true},
				{name: "group 3", set: []string{"sampler.group=3"}},
				{name: "group 5", set: []string{"sampler.group=5"}, long: true},
				{name: "4 workers, 2 threads, group 4", set: []string{"solver.workers=4", "solver.threads=2", "sampler.group=4"}, long: true},
				{name: "in-process", inProcess: everything, figures: true},
				{name: "in-process, group 3, 2 threads", set: []string{"sampler.group=3", "solver.threads=2"}, inProcess: everything, long: true},
				{name: "sampler in-process, 2 workers", set: []string{"solver.workers=2"}, inProcess: samplers, long: true},
				{name: "prior in-process", inProcess: []string{"prior/gmm", "prior/kl-mlp"}, long: true},
			}
			for _, r := range rows {
				t.Run(r.name, func(t *testing.T) {
					if r.long && testing.Short() {
						t.Skip("-short")
					}
					t.Parallel()
					l := newLab(t, e.text)
					l.figures = r.figures
					if !strings.Contains(e.text, "\n[prior]\n") { // not all cells have one
						r.set = slices.DeleteFunc(r.set, func(set string) bool { return strings.HasPrefix(set, "prior.") })
					}
					r.set = append(r.set, "run.checkpoint_s=10.0")
					if r.inProcess != nil {
						l.here(r.inProcess, r.set)
					} else {
						for _, s := range r.set {
							l.args = append(l.args, "--set", s)
						}
						l.start().must(0)
						l.nothingLeft()
					}
					l.tidy()
					l.same(want)
				})
			}
		})
	}
}

// here runs the experiment in this process; plugins named by inProcess too, the others as processes.
func (l *lab) here(inProcess, set []string) {
	l.t.Helper()
	var log bytes.Buffer
	r := progress.Plain(&log, time.Hour)
	o := session.Options{Log: r.Logf, InProcess: map[string]func() contract.Plugin{}, CallLimit: patience}
	for _, name := range inProcess {
		o.InProcess[name] = constructors[name]
	}
	s, err := session.New(o)
	if err != nil {
		l.t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	withPlugins(l.t, l.bin)
	e, err := experiment.Load(ctx, l.file, set, s)
	if err != nil {
		l.t.Fatal(err)
	}
	res, err := hostrun.Run(ctx, hostrun.Options{Experiment: e, Dir: l.out, Cache: &stage.Cache{Dir: filepath.Clean(l.path), Log: r.Logf}, Session: s, Progress: r, NoFigures: !l.figures})
	if err != nil {
		l.t.Fatalf("%v\n%s", err, log.String())
	}
	if n := len(s.PIDs()); (n == 0) != (len(inProcess) == len(constructors)) {
		l.t.Errorf("%d plugin processes with %v in-process", n, inProcess)
	}
	if len(res.Cells) != len(e.Cells) {
		l.t.Errorf("%d of %d cells", len(res.Cells), len(e.Cells))
	}
}
