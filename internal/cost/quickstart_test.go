package cost

import (
	"bytes"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/host/experiment"
	"github.com/waveprior/waveprior/host/run"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/host/stage"
	klmlp "github.com/waveprior/waveprior/plugins/priors/kl-mlp"
	"github.com/waveprior/waveprior/plugins/samplers/ddpm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/solvers/helmholtz"
)

// The cell of experiments/quickstart.toml whose sampling is measured, and what is set otherwise there: what the weights are
// is nothing to the cost of a step, and two held-out models are as many as are observed.
const (
	quickstart = "../../experiments/quickstart.toml"
	posterior  = "posterior, examples=20"
)

var shortened = []string{"prior.train.steps=4", "prior.data.held_out=2"}

// side is the chains of the quickstart in one of the two ways.
type side struct {
	tb      testing.TB
	session *session.Session
	options run.Options
	cell    *experiment.Cell
	chains  *run.Chains
	count   int // chains

	wall  []time.Duration          // of a step, the mean of each block
	taken int                      // steps
	cpu   map[string]time.Duration // of all steps: this process ("host") and the plugins
}

// newSide carries the experiment out as far as the chains' start, by the host's own code, over processes or in this one. Both
// ways share a cache: the second one takes the trained prior of the first.
func newSide(tb testing.TB, cache string, processes bool) *side {
	tb.Helper()
	plugin.EaseCollector() // as a host does
	o := session.Options{Log: tb.Logf}
	if processes {
		tb.Setenv("WAVEPRIOR_PLUGINS", pluginFolder(tb))
	} else {
		o.InProcess = map[string]func() contract.Plugin{
			"solver/helmholtz": func() contract.Plugin { return helmholtz.New() },
			"prior/kl-mlp":     func() contract.Plugin { return klmlp.New() },
			"sampler/ddpm":     func() contract.Plugin { return ddpm.New() }, // of other cells
			"sampler/dps":      func() contract.Plugin { return dps.New() },
		}
	}
	s, err := session.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	e, err := experiment.Load(tb.Context(), quickstart, shortened, s)
	if err != nil {
		tb.Fatal(err)
	}
	at := slices.IndexFunc(e.Cells, func(c experiment.Cell) bool { return c.Label == posterior })
	if at < 0 {
		tb.Fatalf("%s has no cell %q", quickstart, posterior)
	}
	c := &e.Cells[at]
	d := &side{tb: tb, session: s, cell: c, cpu: map[string]time.Duration{}, count: c.Chains.Chains * c.Observation.Count,
		options: run.Options{Experiment: e, Dir: filepath.Join(tb.TempDir(), "run"), Cache: &stage.Cache{Dir: cache, Log: tb.Logf}, Session: s}}
	d.start()
	if n := len(s.PIDs()); (n > 0) != processes {
		tb.Fatalf("%d plugin processes", n)
	}
	return d
}

func (d *side) start() {
	d.tb.Helper()
	if d.chains != nil {
		d.chains.Close()
	}
	var err error
	if d.chains, err = run.StartChains(d.tb.Context(), d.options, d.cell); err != nil {
		d.tb.Fatal(err)
	}
}

// steps takes the chains n steps on, and measures them. Chains that are at their end begin again.
func (d *side) steps(n int) {
	d.tb.Helper()
	if d.chains.Done() {
		d.start()
	}
	before, start, i := d.cpuTime(), time.Now(), 0
	for ; i < n && !d.chains.Done(); i++ {
		if _, err := d.chains.Step(d.tb.Context()); err != nil {
			d.tb.Fatal(err)
		}
	}
	d.chains.Settle() // as far ahead as it was at the beginning: what was computed is i steps
	d.wall = append(d.wall, time.Since(start)/time.Duration(i))
	d.taken += i
	for what, t := range d.cpuTime() {
		d.cpu[what] += t - before[what]
	}
	if bad := d.chains.Dropped(); len(bad) > 0 {
		d.tb.Fatalf("%d chains dropped, which makes steps cheaper; the first: %+v", len(bad), bad[0])
	}
}

// cpuTime is the time that this process ("host") and the side's plugins have spent on processors.
func (d *side) cpuTime() map[string]time.Duration {
	d.tb.Helper()
	times := map[string]time.Duration{"host": cpuTime()}
	for what, pid := range d.session.PIDs() {
		var t unix.Timespec
		// The kernel's number of another process's clock: clock_getcpuclockid(3).
		if err := unix.ClockGettime(int32(^pid<<3|2), &t); err != nil {
			d.tb.Fatalf("clock of %s: %v", what, err)
		}
		times[what] = time.Duration(t.Nano())
	}
	return times
}

// forget drops what was measured so far.
func (d *side) forget() {
	d.wall, d.taken, d.cpu = nil, 0, map[string]time.Duration{}
	d.session.Counts()
}

func (d *side) median() time.Duration {
	w := slices.Sorted(slices.Values(d.wall))
	return (w[(len(w)-1)/2] + w[len(w)/2]) / 2
}

// cpuStep is CPU time per step, of all processes.
func (d *side) cpuStep() time.Duration {
	var sum time.Duration
	for _, t := range d.cpu {
		sum += t
	}
	return sum / time.Duration(d.taken)
}

// roundTrips is how many calls a step has made over sockets since forget: the host's of the sampler, the sampler's of the
// host's services, the host's of prior and solver. Each call is of one group of chains.
func (d *side) roundTrips() float64 {
	n, c := float64(d.taken*d.count), d.session.Counts()
	services := c["denoise"] + c["denoise_vjp"] + c["forward"]
	parts := services + c["decode"] + c["decode_vjp"]
	return float64(d.chains.Groups()) * (1 + (services+parts)/n)
}

// TestQuickstartStepsAgree: both ways of BenchmarkQuickstartStep do the same work and end with the same bits.
func TestQuickstartStepsAgree(t *testing.T) {
	cache, n := t.TempDir(), 3
	here, there := newSide(t, cache, false), newSide(t, cache, true)
	here.forget()
	there.forget()
	before := here.chains.State()["latent"].Clone()
	here.steps(n)
	there.steps(n)
	a, b := here.session.Counts(), there.session.Counts()
	// dps published: two estimates, one gradient.
	each := float64((n + 1) * here.count) // a step ahead
	want := map[string]float64{"denoise": 2 * each, "decode": each, "decode_vjp": each, "forward": each, "adjoint": each}
	if !maps.Equal(a, want) || !maps.Equal(b, want) {
		t.Errorf("counted in-process %v, over processes %v, want %v", a, b, want)
	}
	if rows := here.chains.State()["latent"].Batch(); rows != here.count || rows < 2 {
		t.Errorf("%d chains in the state, %d are counted", rows, here.count)
	}
	if bytes.Equal(before.Data, here.chains.State()["latent"].Data) {
		t.Errorf("%d steps changed nothing", n)
	}
	if len(here.chains.State()) != len(there.chains.State()) {
		t.Errorf("%d tensors in-process, %d over processes", len(here.chains.State()), len(there.chains.State()))
	}
	for name, x := range here.chains.State() {
		if !bytes.Equal(x.Data, there.chains.State()[name].Data) {
			t.Errorf("%s differs after %d steps", name, n)
		}
	}
}

// block is how many steps are made in one way before the other has its turn.
const block = 10

// BenchmarkQuickstartStep is one step of the sampling stage of experiments/quickstart.toml: dps published, all chains of a cell, prior
// kl-mlp, solver helmholtz. Both ways take turns in blocks of 10 steps, in-process, processes, processes, in-process, so that
// what else the machine does falls on both alike.
//
//	× is the median over the rounds of the ratio of a round's wall times, so that what disturbs single rounds does not count;
//	CPU-× is the ratio of all processes' CPU time: for a machine that is not quiet
func BenchmarkQuickstartStep(b *testing.B) {
	cache := b.TempDir()
	here, there := newSide(b, cache, false), newSide(b, cache, true)
	for _, d := range []*side{here, there} {
		d.steps(2) // windows of shared memory and heaps grow
		d.forget()
	}
	b.ResetTimer()
	var ratios []float64
	for b.Loop() {
		took := map[*side]time.Duration{}
		for _, d := range []*side{here, there, there, here} {
			begin := time.Now()
			d.steps(block)
			took[d] += time.Since(begin)
		}
		ratios = append(ratios, float64(took[there])/float64(took[here]))
	}
	b.StopTimer()
	slices.Sort(ratios)
	ms := func(t time.Duration) float64 { return float64(t.Nanoseconds()) / 1e6 }
	x, y := here.median(), there.median()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(x), "ms/step-in-process")
	b.ReportMetric(ms(y), "ms/step-processes")
	b.ReportMetric((ratios[(len(ratios)-1)/2]+ratios[len(ratios)/2])/2, "×in-process")
	b.ReportMetric(ms(here.cpuStep()), "CPU-ms/step-in-process")
	b.ReportMetric(ms(there.cpuStep()), "CPU-ms/step-processes")
	b.ReportMetric(float64(there.cpuStep())/float64(here.cpuStep()), "CPU-×in-process")
	b.ReportMetric(there.roundTrips(), "round-trips/step")
	for _, what := range slices.Sorted(maps.Keys(there.cpu)) {
		b.Logf("%s: %.2f ms of CPU a step", what, ms(there.cpu[what])/float64(there.taken))
	}
	b.Logf("%d steps each way; ratios of the rounds, in order: %.3f", there.taken, ratios)
}
