package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/diffusion"
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// The test binary is also every test plugin, and the host that is killed: the environment says which.
const (
	envRole = "WAVEPRIOR_TEST_ROLE"
	envDir  = "WAVEPRIOR_TEST_DIR"
)

func TestMain(m *testing.M) {
	switch role := os.Getenv(envRole); role {
	case "":
		os.Exit(m.Run())
	case "solver":
		plugin.Serve(&testSolver{})
	case "plain-solver":
		plugin.Serve(plainSolver{&testSolver{}})
	case "prior":
		plugin.Serve(&testPrior{})
	case "sampler":
		plugin.Serve(&testSampler{})
	case "garbage":
		fmt.Println("loading weights ...")
		plugin.Serve(&testSolver{})
	case "flood":
		fmt.Print(strings.Repeat("x", 1<<20))
		time.Sleep(time.Minute)
	case "exits":
		fmt.Fprintln(os.Stderr, "cannot find libphysics.so")
		os.Exit(3)
	case "silent":
		time.Sleep(time.Minute)
	case "host":
		hostRole()
	default:
		fmt.Fprintln(os.Stderr, "no such role", role)
		os.Exit(2)
	}
}

type testOptions struct {
	N    int    // numbers of a model
	Fail string // what calls do instead of working
}

func spaces(n int) (*space.Space, *space.Space) {
	lower := -1e6
	return &space.Space{Name: "model", DType: tensor.Float64, Axes: []space.Axis{{Name: "coordinate", Size: n, Values: make([]float64, n)}},
			Quantities: []space.Quantity{{Name: "vp", Unit: "m/s", Lower: &lower}}},
		&space.Space{Name: "data", DType: tensor.Complex64, Axes: []space.Axis{{Name: "receiver", Unit: "m", Size: n, Origin: 1, Step: 0.5}},
			Quantities: []space.Quantity{{Name: "pressure", Unit: "Pa"}}}
}

// misbehave does what the option says. Errors are by name, other names are ways to end.
func misbehave(ctx context.Context, what string) error {
	for name, err := range sentinels {
		if name == what {
			return fmt.Errorf("layer 3 has 17 m/s: %w", err)
		}
	}
	switch what {
	case "":
		return nil
	case "plain":
		return errors.New("a plain error")
	case "tensor":
		return tensor.New(tensor.Float32, 2).Check("model", tensor.Float64, 3)
	case "panic":
		panic("index out of range, say")
	case "long":
		return errors.New(strings.Repeat("ä", 100_000))
	case "kill":
		fmt.Fprintln(os.Stderr, "about to die")
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "exit":
		fmt.Fprintln(os.Stderr, "cannot open device 7")
		os.Exit(1)
	case "hang":
		select {}
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	}
	return fmt.Errorf("misbehave %q", what)
}

var sentinels = map[string]error{
	"invalid-option": contract.ErrInvalidOption, "shape": contract.ErrShape, "unsupported": contract.ErrUnsupported,
	"not-configured": contract.ErrNotConfigured, "no-observation": contract.ErrNoObservation, "out-of-memory": contract.ErrOutOfMemory,
	"checkpoint": contract.ErrCheckpoint, "internal": contract.ErrInternal,
	"canceled": context.Canceled, "deadline": context.DeadlineExceeded,
}

// testSolver: d = (a m, m + index), every output a simple function of every input, so that a mix-up shows.
type testSolver struct {
	o   testOptions
	obs *tensor.Tensor
	tau []float64
}

func (s *testSolver) Describe() contract.Description {
	lo, hi, n := 1.0, 1e9, 3
	return contract.Description{Kind: contract.KindSolver, Name: "echo", Version: "1.2", Numerics: "7", Doc: "A solver for tests.",
		Options: []config.Option{
			{Name: "N", Type: config.Int, Unit: "1", Doc: "Numbers of a model.", Default: json.RawMessage("4"), Min: &lo, Max: &hi, MaxExclusive: true, Stage: "use"},
			{Name: "list", Type: config.Floats, Doc: "A list.", Optional: true, AllowInf: true, AllowNaN: true, MinLen: 1, MaxLen: &n},
			{Name: "table", Type: config.TableType, Doc: "A table.", Options: []config.Option{{Name: "inner", Type: config.String, Doc: "In it.", Allowed: []string{"a", "b"}}}},
		}}
}

func (s *testSolver) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	s.o, s.obs = testOptions{N: 4}, nil
	if err := json.Unmarshal(c.Options, &s.o); c.Options != nil && err != nil {
		return contract.Configured{}, fmt.Errorf("%w: %w", err, contract.ErrInvalidOption)
	}
	if s.o.Fail == "configure" {
		return contract.Configured{}, fmt.Errorf("no: %w", contract.ErrCheckpoint)
	}
	m, d := spaces(s.o.N)
	return contract.Configured{Options: json.RawMessage(fmt.Sprintf(`{"N":%d,"seed":%d}`, s.o.N, c.Seed)), Model: m, Data: d}, nil
}

// bad marks items whose first number is negative.
func bad(m *tensor.Tensor) (st []contract.Status) {
	for i := range m.Batch() {
		if m.Item(i).Float64s()[0] < 0 {
			st = contract.SetStatus(st, m.Batch(), i, contract.Status{Code: contract.Unstable, Text: fmt.Sprintf("item %d: dt = 0.1", i)})
		}
	}
	return st
}

func (s *testSolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	if err := misbehave(ctx, s.o.Fail); err != nil {
		return nil, err
	}
	if err := d.Check("d", tensor.Complex64, m.Batch(), s.o.N); err != nil {
		return nil, err
	}
	for i, v := range m.Float64s() {
		d.Complex64s()[i] = complex(float32(v/3), float32(i))
	}
	return bad(m), nil
}

func (s *testSolver) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) error {
	s.obs, s.tau = d.Clone(), append([]float64(nil), noiseStd...)
	return nil
}

func (s *testSolver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	if s.obs == nil {
		return nil, fmt.Errorf("Observe comes first: %w", contract.ErrNoObservation)
	}
	for i := range phi {
		o := s.obs.Item(which[i]).Complex64s()
		for j, v := range m.Item(i).Float64s() {
			r := v - float64(real(o[j]))
			phi[i] += r * r / s.tau[which[i]]
			if g != nil {
				g.Item(i).Float64s()[j] = 2 * r / s.tau[which[i]]
			}
		}
	}
	return bad(m), nil
}

func (s *testSolver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	for i := range dd.Complex64s() {
		dd.Complex64s()[i] = complex(float32(dm.Float64s()[i%len(dm.Float64s())]), float32(m.Float64s()[i%s.o.N]))
	}
	return nil, nil
}

func (s *testSolver) VJP(ctx context.Context, m, w, dm *tensor.Tensor) ([]contract.Status, error) {
	for i := range dm.Float64s() {
		dm.Float64s()[i] = float64(real(w.Complex64s()[i%len(w.Complex64s())])) + m.Float64s()[i%s.o.N]
	}
	return bad(m), nil
}

func (s *testSolver) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	if r.Dataset == "bad" {
		return fmt.Errorf("%s: %w", r.Folder, contract.ErrCheckpoint)
	}
	for i := range 3 {
		plugin.Progress("training step %d", i)
		if err := report(contract.TrainProgress{Step: i, Steps: 3, Losses: map[string]float64{"mse": 1 / float64(i+1)}, Rate: 2.5}); err != nil {
			return err
		}
	}
	return nil
}

// plainSolver hides all capabilities.
type plainSolver struct{ s *testSolver }

func (p plainSolver) Describe() contract.Description { return p.s.Describe() }
func (p plainSolver) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return p.s.Configure(ctx, c)
}
func (p plainSolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	return p.s.Forward(ctx, m, d)
}

// testPrior: latent, model and data of N float64 or complex64 numbers.
type testPrior struct{ o testOptions }

func (p *testPrior) Describe() contract.Description {
	return contract.Description{Kind: contract.KindPrior, Name: "toy", Version: "1", Numerics: "1"}
}

func (p *testPrior) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	p.o = testOptions{N: 4}
	if err := json.Unmarshal(c.Options, &p.o); c.Options != nil && err != nil {
		return contract.Configured{}, fmt.Errorf("%w: %w", err, contract.ErrInvalidOption)
	}
	m, d := spaces(p.o.N)
	if len(c.Target) == 2 {
		*m, *d = c.Target[0], c.Target[1]
	}
	l := *m
	l.Name = "latent"
	return contract.Configured{Model: m, Data: d, Latent: &l,
		Schedule: &diffusion.Schedule{Alpha: []float64{0.9, 0.5}, Sigma: []float64{0.1, 0.7}, Beta: []float64{0.01, 0.02}}}, nil
}

func (p *testPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	if err := misbehave(ctx, p.o.Fail); err != nil {
		return nil, err
	}
	for i := range level {
		for j, v := range x.Item(i).Float64s() {
			x0.Item(i).Float64s()[j] = v/7 + float64(level[i])
		}
	}
	return bad(x), nil
}

func (p *testPrior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	for i := range level {
		for j, v := range x.Item(i).Float64s() {
			dx.Item(i).Float64s()[j] = v*float64(level[i]+1) - w.Item(i).Float64s()[j]
		}
	}
	return nil, nil
}

func (p *testPrior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	for i, v := range z.Float64s() {
		if model != nil {
			model.Float64s()[i] = 2 * v
		}
		if data != nil {
			data.Complex64s()[i] = complex(float32(v), 1)
		}
	}
	return bad(z), nil
}

func (p *testPrior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	for i := range dz.Float64s() {
		v := z.Float64s()[i%p.o.N]
		if wModel != nil {
			v += wModel.Float64s()[i%len(wModel.Float64s())]
		}
		if wData != nil {
			v -= float64(imag(wData.Complex64s()[i%len(wData.Complex64s())]))
		}
		dz.Float64s()[i] = v
	}
	return nil, nil
}

func (p *testPrior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	d := dz.Float64s()
	if dModel != nil {
		for i := range dModel.Float64s() {
			dModel.Float64s()[i] = d[i%len(d)] * z.Float64s()[i%p.o.N]
		}
	}
	if dData != nil {
		for i := range dData.Complex64s() {
			dData.Complex64s()[i] = complex(0, float32(d[i%len(d)]))
		}
	}
	return nil, nil
}

func (p *testPrior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	for i := range z.Float64s() {
		z.Float64s()[i] = -1
		if model != nil {
			z.Float64s()[i] += model.Float64s()[i] / 2
		}
		if data != nil {
			z.Float64s()[i] += float64(real(data.Complex64s()[i]))
		}
	}
	return nil, nil
}

func (p *testPrior) Mixture(ctx context.Context) (*contract.Mixture, error) {
	n := 5
	m := &contract.Mixture{Means: tensor.New(tensor.Float64, n, p.o.N), Covariance: tensor.New(tensor.Float64, p.o.N), Weights: tensor.New(tensor.Float64, n)}
	for i := range m.Means.Float64s() {
		m.Means.Float64s()[i] = 1 / float64(i+1)
	}
	for i := range m.Covariance.Float64s() {
		m.Covariance.Float64s()[i] = float64(i + 1)
	}
	for i := range n {
		m.Weights.Float64s()[i] = 1 / float64(n)
	}
	return m, nil
}

// testSampler: each step asks the prior to denoise and, when there is physics, for a gradient.
type testSampler struct {
	n int
	c contract.Config
}

func (s *testSampler) Describe() contract.Description {
	return contract.Description{Kind: contract.KindSampler, Name: "walk", Version: "1", Numerics: "1",
		Options: []config.Option{{Name: "mode", Type: config.String, Doc: "How.", Optional: true}},
		Needs:   []contract.Need{{Service: "prior", Capability: contract.CapDenoise}, {Service: "physics", Option: "mode", Value: "full"}}}
}

func (s *testSampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	if c.Prior == nil {
		return contract.Configured{}, fmt.Errorf("a prior is needed: %w", contract.ErrInvalidOption)
	}
	s.c, s.n = c, c.Prior.Configured.Latent.Len()
	return contract.Configured{State: []contract.StateTensor{
		{Name: "latent", DType: tensor.Float64, Shape: []int{s.n}}, {Name: "x0", DType: tensor.Float64, Shape: []int{s.n}}}}, nil
}

func (s *testSampler) Start(ctx context.Context, ch contract.Chains, state contract.State) (int, []contract.Status, error) {
	for i, id := range ch.ID {
		for j := range s.n {
			state["latent"].Item(i).Float64s()[j] = float64(id + j)
		}
	}
	return 3, nil, nil
}

func (s *testSampler) Step(ctx context.Context, step int, ch contract.Chains, state, next contract.State) (contract.StepResult, error) {
	level := make([]int, ch.Len())
	st, err := s.c.Prior.Prior.Denoise(ctx, state["latent"], level, next["x0"])
	if err != nil {
		return contract.StepResult{}, err
	}
	next["latent"].CopyFrom(next["x0"])
	res := contract.StepResult{Status: st, Done: step == 2}
	if p := s.c.Solvers["physics"]; p != nil {
		phi := make([]float64, ch.Len())
		g := tensor.New(tensor.Float64, ch.Len(), s.n) // not in the arena
		if _, err := p.Solver.Misfit(ctx, next["latent"], ch.Observation, phi, g); err != nil {
			return res, err
		}
		for i, v := range g.Float64s() {
			next["latent"].Float64s()[i] -= 0.01 * v
		}
		res.Numbers = map[string][]float64{"misfit": phi}
	}
	return res, nil
}

// launch starts a role with a fresh arena and folder.
func launch(t testing.TB, role string, change ...func(*plugin.LaunchSpec)) *plugin.Process {
	t.Helper()
	p, err := tryLaunch(t, role, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func tryLaunch(t testing.TB, role string, change ...func(*plugin.LaunchSpec)) (*plugin.Process, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	spec := plugin.LaunchSpec{Path: exe, SocketDir: socketDir(t), Env: []string{envRole + "=" + role, "GORACE=atexit_sleep_ms=0"}, Arena: newArena(t)}
	for _, f := range change {
		f(&spec)
	}
	return plugin.Launch(t.Context(), spec)
}

func socketDir(t testing.TB) string {
	t.Helper()
	dir, err := plugin.SocketFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func newArena(t testing.TB) *arena.Arena {
	t.Helper()
	a, err := arena.New(arena.DefaultSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func withArena(a *arena.Arena) func(*plugin.LaunchSpec) {
	return func(s *plugin.LaunchSpec) { s.Arena = a }
}

func withDir(dir string) func(*plugin.LaunchSpec) {
	return func(s *plugin.LaunchSpec) { s.SocketDir = dir }
}

func options(n int, fail string) json.RawMessage {
	b, err := json.Marshal(testOptions{N: n, Fail: fail})
	if err != nil {
		panic(err)
	}
	return b
}

func solverOf(t testing.TB, p *plugin.Process, n int, fail string) contract.FullSolver {
	t.Helper()
	s, err := p.Solver()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Configure(t.Context(), contract.Config{Options: options(n, fail), Seed: 42}); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts the test binary in a role by hand, as a person would.
func run(t *testing.T, role string, args ...string) (stdout string, code int) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), envRole+"="+role)
	cmd.Stderr = io.Discard
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}
