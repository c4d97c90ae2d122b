package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"

	"github.com/waveprior/waveprior/core/config"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// handshake is what host and plugin must agree on before they speak.
var handshake = goplugin.HandshakeConfig{ProtocolVersion: 1, MagicCookieKey: envCookie, MagicCookieValue: cookieValue}

// current is the lifetime of the plugin that this process serves, for Progress.
var current atomic.Pointer[lifetime]

// Serve runs a plugin process: it is the main of every plugin.
//
//	func main() { plugin.Serve(analytic.New()) }
//
// Started by a host, it serves p until the host lets go. Started by hand it prints what it is, its options and how to use
// it, and ends with 0; --describe prints the description as JSON; with WAVEPRIOR_ATTACH=1 it serves until killed and
// prints the address for `waveprior run --attach`. What kind p is follows from its description, what it can do from the
// interfaces that it implements. Serve does not return.
func Serve(p contract.Plugin) {
	os.Exit(serve(p, "", os.Args[1:], os.Stdout, os.Stderr))
}

// ServeCUDA is Serve for a build that computes on GPUs: the main of waveprior-<kind>-<name>-cuda, which the host starts for
// device = "cuda:N". Its description says so.
func ServeCUDA(p contract.Plugin) {
	os.Exit(serve(p, contract.DeviceCUDA, os.Args[1:], os.Stdout, os.Stderr))
}

// Progress sends a line of text to the host, which may show it. In a process that is not a plugin it does nothing.
func Progress(format string, args ...any) {
	if l := current.Load(); l != nil {
		l.send(liveLine{text: fmt.Sprintf(format, args...)})
	}
}

func serve(p contract.Plugin, device string, args []string, stdout, stderr io.Writer) int {
	desc := describe(p)
	desc.Device = device
	attach := os.Getenv(envAttach) == "1"
	switch {
	case len(args) == 1 && args[0] == "--describe":
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		if err := e.Encode(desc); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	case len(args) > 0 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help"):
		fmt.Fprint(stdout, help(desc))
		return 0
	case len(args) > 0:
		fmt.Fprintf(stderr, "%s: unknown argument %q (allowed: --help, --describe)\n", filepath.Base(os.Args[0]), args[0])
		return 2
	case os.Getenv(envCookie) != cookieValue && !attach:
		fmt.Fprint(stdout, help(desc))
		return 0
	}
	EaseCollector()
	live := &lifetime{host: os.Getppid(), dir: os.Getenv(envSocketDir), attach: attach, exit: os.Exit, parent: os.Getppid, done: make(chan struct{})}
	if pid, err := strconv.Atoi(os.Getenv(envHost)); err == nil {
		live.host = pid
	}
	if !attach {
		// Ctrl-C is for the host. A write to stderr after the host's death must not end this process: it has to clean up.
		signal.Ignore(os.Interrupt, unix.SIGPIPE)
	}
	register, err := services(p, desc, live)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	current.Store(live)
	point := func(service, method string) string { return string(desc.Kind) + "." + method }

	// go-plugin's way to serve without its own handling of stdout and stderr, which would lose the last words of a plugin
	// that dies. So the handshake line is printed here, and afterwards file 1 is stderr: for C code, too.
	addresses := make(chan *goplugin.ReattachConfig, 1)
	go goplugin.Serve(&goplugin.ServeConfig{
		HandshakeConfig: handshake,
		Plugins:         goplugin.PluginSet{pluginName: &glue{register: register}},
		GRPCServer: func(opts []grpc.ServerOption) *grpc.Server {
			return grpc.NewServer(append(opts, serverOptions(point, endWithDevice(stderr, live.exit))...)...)
		},
		Logger: hclog.NewNullLogger(),
		Test:   &goplugin.ServeTestConfig{Context: context.Background(), ReattachConfigCh: addresses, CloseCh: live.done},
	})
	var at *goplugin.ReattachConfig
	select {
	case at = <-addresses:
	case <-live.done:
		fmt.Fprintf(stderr, "%s: cannot listen in the folder %q ($%s)\n", filepath.Base(os.Args[0]), live.dir, envSocketDir)
		return 1
	}
	live.remove = func() error { return os.Remove(at.Addr.String()) }
	if attach {
		fmt.Fprintf(stdout, "%s %s serves at\n  %s:%s\ntell the host: waveprior run --attach %s=%s:%s FILE (Ctrl-C ends it)\n",
			desc.Kind, desc.Name, at.Addr.Network(), at.Addr, desc.Kind, at.Addr.Network(), at.Addr)
	} else {
		go live.watch()
		fmt.Fprintf(stdout, "%d|%d|%s|%s|%s|\n", goplugin.CoreProtocolVersion, at.ProtocolVersion, at.Addr.Network(), at.Addr, goplugin.ProtocolGRPC)
		if err := unix.Dup3(2, 1, 0); err != nil {
			fmt.Fprintln(stderr, "stdout stays where it is:", err)
		}
	}
	<-live.done
	return 0
}

// services returns what registers a plugin's gRPC services.
func services(p contract.Plugin, desc contract.Description, live *lifetime) (func(*grpc.Server), error) {
	s := &server{plugin: p, desc: desc, live: live}
	s.meter, _ = p.(contract.DeviceMeter)
	var kind func(*grpc.Server)
	switch desc.Kind {
	case contract.KindSolver:
		if v, ok := p.(contract.Solver); ok {
			kind = func(g *grpc.Server) {
				pb.RegisterSolverServer(g, &solverServer{solver: contract.LocalSolver(v), begin: s.begin})
			}
		}
	case contract.KindPrior:
		kind = func(g *grpc.Server) {
			pb.RegisterPriorServer(g, &priorServer{prior: contract.LocalPrior(p), begin: s.begin})
		}
	case contract.KindSampler:
		if v, ok := p.(contract.Sampler); ok {
			kind = func(g *grpc.Server) { pb.RegisterSamplerServer(g, &samplerServer{sampler: v, begin: s.begin}) }
		}
	default:
		return nil, fmt.Errorf("plugin %s: Describe says kind %q (allowed: solver, prior, sampler)", desc.Name, desc.Kind)
	}
	if kind == nil {
		return nil, fmt.Errorf("plugin %s: Describe says it is a %s, but %T does not implement contract.%s", desc.Name, desc.Kind, p,
			strings.ToUpper(string(desc.Kind[:1]))+string(desc.Kind[1:]))
	}
	return func(g *grpc.Server) { pb.RegisterPluginServer(g, s); kind(g) }, nil
}

// pluginName is the name under which go-plugin dispenses: there is one plugin per process.
const pluginName = "waveprior"

// glue is go-plugin's view of either side.
type glue struct {
	goplugin.NetRPCUnsupportedPlugin
	register func(*grpc.Server)
}

// dispensed is what the client side gets: the connection, and a context that ends when the process was waited for.
type dispensed struct {
	gone context.Context
	conn *grpc.ClientConn
}

func (g *glue) GRPCServer(_ *goplugin.GRPCBroker, s *grpc.Server) error {
	g.register(s)
	return nil
}

func (g *glue) GRPCClient(ctx context.Context, _ *goplugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return &dispensed{gone: ctx, conn: conn}, nil
}

// help is what a person who starts a plugin by hand sees.
func help(d contract.Description) string {
	var b strings.Builder
	on, key := "", ""
	if d.Device != "" {
		on, key = ", which computes on GPUs ("+d.Device+")", fmt.Sprintf("\n  device = \"%s:0\"", d.Device)
	}
	fmt.Fprintf(&b, "waveprior-%s-%s %s (numerics %s, contract %s): a %s plugin of waveprior%s.\n", d.Kind, d.Name, d.Version, d.Numerics, d.Contract, d.Kind, on)
	if d.Doc != "" {
		fmt.Fprintf(&b, "\n%s\n", d.Doc)
	}
	if len(d.Capabilities) > 0 {
		fmt.Fprintf(&b, "\nCapabilities: %s\n", join(d.Capabilities))
	}
	for i, n := range d.Needs {
		if i == 0 {
			b.WriteString("\nNeeds:\n")
		}
		fmt.Fprintf(&b, "  %s", n.Service)
		if n.Capability != "" {
			fmt.Fprintf(&b, " with capability %s", n.Capability)
		}
		if n.Option != "" {
			fmt.Fprintf(&b, ", where %s = %s", n.Option, n.Value)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nOptions:\n")
	if len(d.Options) == 0 {
		b.WriteString("  none\n")
	} else {
		b.WriteString(config.Help(d.Options))
	}
	fmt.Fprintf(&b, `
How to use it: a host starts it; it does nothing by itself. In an experiment file:

  [%s]
  plugin = "%s"%s

  waveprior run FILE.toml
  waveprior plugin check %s/%s

%s --describe prints this as JSON; %s=1 serves it by itself, to be joined by waveprior run --attach (debuggers).
`, d.Kind, d.Name, key, d.Kind, d.Name, filepath.Base(os.Args[0]), envAttach)
	return b.String()
}

func join(c []contract.Capability) string {
	s := make([]string, len(c))
	for i, v := range c {
		s[i] = string(v)
	}
	return strings.Join(s, ", ")
}
