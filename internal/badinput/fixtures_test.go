package badinput

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/priors/gmm"
	"github.com/waveprior/waveprior/plugins/samplers/dps"
	"github.com/waveprior/waveprior/plugins/solvers/analytic"
)

// odd are fixtures that are wrong from the start, by the name after waveprior-KIND-.
var odd = map[string]func(){
	"solver-garbage":  func() { fmt.Println("loading weights ..."); time.Sleep(time.Second) },
	"solver-exits":    func() { fmt.Fprintln(os.Stderr, "cannot find libphysics.so"); os.Exit(3) },
	"solver-flood":    flood,
	"solver-v0":       serveV0,
	"solver-gmm":      func() { plugin.Serve(gmm.New()) },      // a prior under a solver's name
	"solver-renamed":  func() { plugin.Serve(analytic.New()) }, // another solver's name
	"solver-badtable": func() { plugin.Serve(&badTable{analytic.New()}) },
	"solver-threads":  func() { plugin.Serve(&clash{analytic.New()}) },
	"prior-poor":      func() { plugin.Serve(&poor{gmm.New()}) },

	// CUDA builds where there is no driver (what the dynamic loader writes), and where there is no GPU (gorgonia.org/cu).
	"solver-nodriver-cuda": func() {
		fmt.Fprintf(os.Stderr, "%s: error while loading shared libraries: libcuda.so.1: cannot open shared object file: No such file or directory\n", os.Args[0])
		os.Exit(127)
	},
	"solver-nogpu-cuda": func() {
		fmt.Printf("Error in initialization, please refer to %q for details on: %+v\n", "http://docs.nvidia.com/cuda", "NoDevice")
		os.Exit(1)
	},
	"solver-analytic-cuda": func() { plugin.ServeCUDA(analytic.New()) }, // which refuses every GPU
}

// faulty are the real plugins with a fault in one call, under their own names.
var faulty = map[string]func(f *fault) contract.Plugin{
	"solver-analytic": func(f *fault) contract.Plugin { return &faultySolver{contract.LocalSolver(analytic.New()), f} },
	"prior-gmm":       func(f *fault) contract.Plugin { return &faultyPrior{contract.LocalPrior(gmm.New()), f} },
	"sampler-dps":     func(f *fault) contract.Plugin { return &faultySampler{dps.New(), f} },
}

// envFault is KIND CALL MODE: what a faulty plugin does in a call. Modes: die, hang, and then-hang: die, and hang in
// Configure from then on.
const envFault = "WAVEPRIOR_TEST_FAULT"

func fixtureNames() []string {
	var names []string
	for n := range odd {
		names = append(names, "waveprior-"+n)
	}
	for n := range faulty {
		names = append(names, "waveprior-"+n)
	}
	return names
}

// serveFixture does not return.
func serveFixture(name string) {
	name = strings.TrimPrefix(name, "waveprior-")
	if f := odd[name]; f != nil {
		f()
		os.Exit(0)
	}
	kind, _, _ := strings.Cut(name, "-")
	f := &fault{}
	if w := strings.Fields(os.Getenv(envFault)); len(w) == 3 && w[0] == kind {
		f.call, f.mode = w[1], w[2]
	}
	plugin.Serve(faulty[name](f))
}

// flood writes to stdout until nobody reads.
func flood() {
	line := []byte(strings.Repeat("x", 1<<16))
	for {
		if _, err := os.Stdout.Write(line); err != nil {
			os.Exit(1)
		}
	}
}

// serveV0 speaks a contract of another major version: the same services in the package waveprior.v0.
func serveV0() {
	if len(os.Args) > 1 {
		os.Exit(2)
	}
	path := filepath.Join(os.Getenv("PLUGIN_UNIX_SOCKET_DIR"), "v0")
	l, err := net.Listen("unix", path)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := grpc.NewServer()
	old := pb.Plugin_ServiceDesc
	old.ServiceName = "waveprior.v0.Plugin"
	s.RegisterService(&old, pb.UnimplementedPluginServer{})
	fmt.Printf("1|1|unix|%s|grpc|\n", path)
	if err := s.Serve(l); err != nil {
		os.Exit(1)
	}
}

// badTable is a plugin whose author wrote an option's type wrongly.
type badTable struct{ contract.Solver }

func (b *badTable) Describe() contract.Description {
	d := b.Solver.Describe()
	d.Name = "badtable"
	d.Options = append(d.Options, config.Option{Name: "frequency_hz", Type: "flaots", Doc: "Frequencies."})
	return d
}

// clash has an option with the name of a key of the host.
type clash struct{ contract.Solver }

func (c *clash) Describe() contract.Description {
	d := c.Solver.Describe()
	d.Name = "threads"
	d.Options = append(d.Options, config.Option{Name: "threads", Type: config.Int, Doc: "Threads.", Default: []byte("1")})
	return d
}

// poor is a gmm prior without decode-vjp.
type poor struct{ p *gmm.Prior }

func (p *poor) Describe() contract.Description {
	d := p.p.Describe()
	d.Name = "poor"
	return d
}

func (p *poor) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return p.p.Configure(ctx, c)
}

func (p *poor) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	return p.p.Denoise(ctx, x, level, x0)
}

func (p *poor) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	return p.p.DenoiseVJP(ctx, x, level, w, dx)
}

func (p *poor) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	return p.p.Decode(ctx, z, model, data)
}

// fault is what goes wrong, and where.
type fault struct{ call, mode string }

func (f *fault) at(call string) {
	mark := filepath.Join(os.Getenv("WAVEPRIOR_TEST_MARK"), "died")
	if f.mode == "then-hang" && call == "Configure" {
		if _, err := os.Stat(mark); err == nil {
			fmt.Fprintln(os.Stderr, "device 7 is busy, in Configure")
			select {}
		}
	}
	if f.call != call {
		return
	}
	fmt.Fprintf(os.Stderr, "device 7 is gone, in %s\n", call)
	if f.mode == "hang" {
		select {}
	}
	if err := os.WriteFile(mark, nil, 0o644); err != nil {
		panic(err)
	}
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

type faultySolver struct {
	contract.FullSolver
	f *fault
}

func (s *faultySolver) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	s.f.at("Configure")
	return s.FullSolver.Configure(ctx, c)
}

func (s *faultySolver) Forward(ctx context.Context, m, d *tensor.Tensor) ([]contract.Status, error) {
	s.f.at("Forward")
	return s.FullSolver.Forward(ctx, m, d)
}

func (s *faultySolver) Observe(ctx context.Context, d *tensor.Tensor, std []float64) error {
	s.f.at("Observe")
	return s.FullSolver.Observe(ctx, d, std)
}

func (s *faultySolver) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, g *tensor.Tensor) ([]contract.Status, error) {
	s.f.at("Misfit")
	return s.FullSolver.Misfit(ctx, m, which, phi, g)
}

func (s *faultySolver) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) ([]contract.Status, error) {
	s.f.at("JVP")
	return s.FullSolver.JVP(ctx, m, dm, dd)
}

type faultyPrior struct {
	contract.FullPrior
	f *fault
}

func (p *faultyPrior) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	p.f.at("Configure")
	return p.FullPrior.Configure(ctx, c)
}

func (p *faultyPrior) Train(ctx context.Context, r contract.TrainRequest, report func(contract.TrainProgress) error) error {
	p.f.at("Train")
	return p.FullPrior.Train(ctx, r, report)
}

func (p *faultyPrior) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) ([]contract.Status, error) {
	p.f.at("Denoise")
	return p.FullPrior.Denoise(ctx, x, level, x0)
}

func (p *faultyPrior) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) ([]contract.Status, error) {
	p.f.at("DenoiseVJP")
	return p.FullPrior.DenoiseVJP(ctx, x, level, w, dx)
}

func (p *faultyPrior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	p.f.at("Decode")
	return p.FullPrior.Decode(ctx, z, model, data)
}

func (p *faultyPrior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	p.f.at("DecodeVJP")
	return p.FullPrior.DecodeVJP(ctx, z, wModel, wData, dz)
}

func (p *faultyPrior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	p.f.at("DecodeJVP")
	return p.FullPrior.DecodeJVP(ctx, z, dz, dModel, dData)
}

func (p *faultyPrior) Mixture(ctx context.Context) (*contract.Mixture, error) {
	p.f.at("Mixture")
	return p.FullPrior.Mixture(ctx)
}

type faultySampler struct {
	contract.Sampler
	f *fault
}

func (s *faultySampler) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	s.f.at("Configure")
	return s.Sampler.Configure(ctx, c)
}

func (s *faultySampler) Start(ctx context.Context, chains contract.Chains, state contract.State) (int, []contract.Status, error) {
	s.f.at("Start")
	return s.Sampler.Start(ctx, chains, state)
}

func (s *faultySampler) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	s.f.at("Step")
	return s.Sampler.Step(ctx, step, chains, state, next)
}
