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
	"github.com/waveprior/waveprior/core/plugin"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
)

// The test binary is also every test plugin, and the host that is killed: the environment says which.
const (
	envRole   = "WAVEPRIOR_TEST_ROLE"
	envDir    = "WAVEPRIOR_TEST_DIR"
	envChatty = "WAVEPRIOR_TEST_CHATTY" // write to stderr without end
)

func TestMain(m *testing.M) {
	if os.Getenv(envChatty) != "" {
		go func() {
			for {
				fmt.Fprintln(os.Stderr, "still here")
				time.Sleep(20 * time.Microsecond)
			}
		}()
	}
	switch role := os.Getenv(envRole); role {
	case "":
		os.Exit(m.Run())
	case "solver":
		plugin.Serve(&testSolver{})
	case "plain-solver":
		plugin.Serve(plainSolver{&testSolver{}})
	case "cuda-solver":
		plugin.ServeCUDA(&meteredSolver{})
	case "no-driver":
		fmt.Fprintln(os.Stderr, "x: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory")
		os.Exit(127)
	case "no-gpu":
		fmt.Println(`Error in initialization, please refer to "https://docs" for details on: NoDevice`)
		os.Exit(1)
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
	Fast bool   // Forward copies bytes: for the cost of the way there and back
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
	case "lost":
		return fmt.Errorf("layer 3: %w: %w", contract.ErrInternal, lostDevice{})
	case "kept":
		return fmt.Errorf("layer 3: %w: %w", contract.ErrInternal, keptDevice{})
	case "hang":
		select {}
	case "wait":
		<-ctx.Done()
		return ctx.Err()
	}
	return fmt.Errorf("misbehave %q", what)
}

// lostDevice is a contract.DeviceLoss; keptDevice says that it is none.
type lostDevice struct{}

func (lostDevice) Error() string    { return "kernels up to gelu: IllegalAddress" }
func (lostDevice) DeviceLost() bool { return true }

type keptDevice struct{ lostDevice }

func (keptDevice) DeviceLost() bool { return false }

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
	if s.o.Fast {
		copy(d.Data, m.Data)
		return nil, nil
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
