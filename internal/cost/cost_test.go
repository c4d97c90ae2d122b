package cost

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/compose"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/dataset"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/host/session"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

// problem is what a step works on.
type problem struct {
	name      string
	dimension int
	chains    int
}

// problems: one where only the calls cost, and one whose tensors (1 MiB) lie in shared memory.
var problems = []problem{{"2 coordinates, 32 chains", 2, 32}, {"4096 coordinates, 32 chains", 4096, 32}}

// binaries builds the plugins once; the last test's end removes them.
var binaries struct {
	once sync.Once
	dir  string
	err  error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if binaries.dir != "" {
		os.RemoveAll(binaries.dir)
	}
	os.Exit(code)
}

func pluginFolder(tb testing.TB) string {
	tb.Helper()
	binaries.once.Do(func() {
		if binaries.dir, binaries.err = os.MkdirTemp("", "wc"); binaries.err != nil {
			return
		}
		args := []string{"build", "-o", binaries.dir + "/"}
		for _, p := range []string{"solvers/analytic/cmd/waveprior-solver-analytic", "solvers/helmholtz/cmd/waveprior-solver-helmholtz",
			"priors/gmm/cmd/waveprior-prior-gmm", "priors/kl-mlp/cmd/waveprior-prior-kl-mlp",
			"samplers/ddpm/cmd/waveprior-sampler-ddpm", "samplers/dps/cmd/waveprior-sampler-dps"} {
			args = append(args, "../../plugins/"+p)
		}
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil {
			binaries.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if binaries.err != nil {
		tb.Fatal(binaries.err)
	}
	return binaries.dir
}

// stepper is a sampler in the middle of its chains.
type stepper struct {
	tb          testing.TB
	session     *session.Session
	sampler     contract.Sampler
	chains      contract.Chains
	state, next contract.State
	at          int
}

// newStepper configures solver, prior and sampler as a run does, over processes or in this one, and starts the chains.
func newStepper(tb testing.TB, p problem, processes bool) *stepper {
	tb.Helper()
	ctx := tb.Context()
	check := func(err error) {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
	}
	o := session.Options{Log: tb.Logf}
	path := func(string) string { return "" }
	if processes {
		dir := pluginFolder(tb)
		path = func(name string) string { return filepath.Join(dir, name) }
	} else {
		o.InProcess = map[string]func() contract.Plugin{
			"solver/analytic": func() contract.Plugin { return analytic.New() },
			"prior/gmm":       func() contract.Plugin { return gmm.New() },
			"sampler/dps":     func() contract.Plugin { return dps.New() },
		}
	}
	s, err := session.New(o)
	check(err)
	tb.Cleanup(s.Close)

	pool, err := s.Solver(ctx, session.Ref{Name: "analytic", Path: path("waveprior-solver-analytic")}, 1)
	check(err)
	conf, err := pool.Configure(ctx, contract.Config{Options: fmt.Appendf(nil, `{"map":"identity","coefficients":[],"dimension":%d,"matrix":[],"bounds":[]}`, p.dimension)})
	check(err)
	solver := &contract.SolverService{Solver: pool, Description: pool.Describe(), Configured: conf}

	prior, err := s.Prior(ctx, session.Ref{Name: "gmm", Path: path("waveprior-prior-gmm")})
	check(err)
	cfg := contract.Config{Target: []space.Space{*conf.Model, *conf.Data},
		Options: []byte(`{"components":"training","width":0.05,"schedule":{"kind":"linear","steps":1000,"beta_first":1e-4,"beta_last":0.02}}`)}
	_, err = prior.Configure(ctx, cfg)
	check(err)
	cfg.Checkpoint = filepath.Join(tb.TempDir(), "checkpoint")
	check(prior.Train(ctx, contract.TrainRequest{Dataset: trainingSet(tb, conf.Model), Folder: cfg.Checkpoint}, func(contract.TrainProgress) error { return nil }))
	conf, err = prior.Configure(ctx, cfg)
	check(err)
	service := &contract.PriorService{Prior: prior, Description: prior.Describe(), Configured: conf}
	model, err := space.Between(*conf.Model, *solver.Configured.Model)
	check(err)
	physics, err := compose.Physics(compose.Parts{Solver: solver, Prior: service, Model: model, Alloc: s.Alloc})
	check(err)
	check(physics.Observe(ctx, physics.Data().New(1), []float64{0.3}))

	sampler, err := s.Sampler(ctx, session.Ref{Name: "dps", Path: path("waveprior-sampler-dps")})
	check(err)
	conf, err = sampler.Configure(ctx, contract.Config{Options: []byte(`{"variant":"full","steps":0,"zeta":0.1,"step":"ancestral"}`), Seed: 7,
		Prior: service, Solvers: map[string]*contract.SolverService{"physics": physics.Service()}})
	check(err)
	st := &stepper{tb: tb, session: s, sampler: sampler, chains: contract.Chains{Observation: make([]int, p.chains)}, state: contract.State{}, next: contract.State{}}
	for i := range p.chains {
		st.chains.ID, st.chains.NoiseStd = append(st.chains.ID, i), append(st.chains.NoiseStd, 0.3)
	}
	for _, state := range []contract.State{st.state, st.next} {
		for _, t := range conf.State {
			x, free, err := s.Alloc(t.DType, append([]int{p.chains}, t.Shape...)...)
			check(err)
			tb.Cleanup(free)
			x.Zero()
			state[t.Name] = x
		}
	}
	_, _, err = sampler.Start(ctx, st.chains, st.state)
	check(err)
	return st
}

// trainingSet writes twenty examples of a model space.
func trainingSet(tb testing.TB, s *space.Space) string {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), "set")
	w, err := dataset.Create(dir, dataset.Plan{Space: *s, Count: 20, Origin: []byte(`"cost"`)})
	if err != nil {
		tb.Fatal(err)
	}
	for k := range w.Shards() {
		first, count := w.Range(k)
		x := s.New(count)
		v := make([]float64, x.Reals())
		for j := range v {
			v[j] = float64((7*(first+j/s.Reals())+3*(j%s.Reals()))%11)/5 - 1
		}
		x.SetReals(v)
		if err := w.Write(k, x); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, dataset.ManifestName)
}

// step takes the chains one step on. After half of the levels it begins again, where the steps are alike.
func (s *stepper) step() {
	r, err := s.sampler.Step(s.tb.Context(), s.at, s.chains, s.state, s.next)
	if err != nil {
		s.tb.Fatal(err)
	}
	for i := range s.chains.ID {
		if st := contract.StatusAt(r.Status, i); st.Code != contract.OK {
			s.tb.Fatalf("chain %d: %v", i, st)
		}
	}
	s.state, s.next = s.next, s.state
	if s.at++; s.at == 500 {
		s.at = 0
	}
}

// cpuTime is the time that this process has spent on processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestStepsAgree: the benchmarks compare the same work: both ways end with the same bits.
func TestStepsAgree(t *testing.T) {
	for _, p := range problems {
		t.Run(p.name, func(t *testing.T) {
			here, there := newStepper(t, p, false), newStepper(t, p, true)
			here.session.Counts()
			there.session.Counts()
			for range 20 {
				here.step()
				there.step()
			}
			// Every chain once a step in each: no call is made twice, none is left out.
			n := float64(20 * p.chains)
			want := map[string]float64{"denoise": n, "denoise_vjp": n, "decode": n, "decode_vjp": n, "forward": n, "adjoint": n}
			if a, b := here.session.Counts(), there.session.Counts(); !maps.Equal(a, want) || !maps.Equal(b, want) {
				t.Errorf("counted in-process %v, over processes %v, want %v", a, b, want)
			}
			for name, x := range here.state {
				if !bytes.Equal(x.Data, there.state[name].Data) {
					t.Errorf("%s differs after 20 steps", name)
				}
			}
		})
	}
}

// BenchmarkStep is one step of dps full: Denoise, DenoiseVJP, and the gradient through Decode, the solver and DecodeVJP.
func BenchmarkStep(b *testing.B) {
	for _, p := range problems {
		var inProcess float64 // µs
		for _, processes := range []bool{false, true} {
			name := p.name + "/in-process"
			if processes {
				name = p.name + "/processes"
			}
			b.Run(name, func(b *testing.B) {
				s := newStepper(b, p, processes)
				s.step() // windows of shared memory grow in the first
				b.ResetTimer()
				start, cpu := time.Now(), cpuTime()
				for b.Loop() {
					s.step()
				}
				us := float64(time.Since(start).Nanoseconds()) / 1e3 / float64(b.N)
				b.ReportMetric(us, "µs/step")
				// Of this process: what a step costs where others use the machine too.
				b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1e3/float64(b.N), "host-CPU-µs/step")
				if !processes {
					inProcess = us
				} else if inProcess > 0 {
					b.ReportMetric(us/inProcess, "×in-process")
					b.ReportMetric(us-inProcess, "µs-added/step")
				}
			})
		}
	}
}
