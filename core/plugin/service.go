package plugin

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"google.golang.org/grpc"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// ServePrior serves a prior of the host to a sampler, on a unix socket of its own in dir: "prior.sock", or with a number
// when that is taken. The address is "unix:/path". References to the arena pass through when the prior is itself a client
// in the same arena. stop ends it and waits for the calls in progress, whose contexts are cancelled.
func ServePrior(dir string, s contract.PriorService, a *arena.Arena) (address string, stop func(), err error) {
	return serveSocket(dir, "prior", func(g *grpc.Server) {
		pb.RegisterPriorServer(g, &priorServer{prior: s.Prior, begin: always(a)})
	})
}

// ServeSolver serves a solver of the host, whose model is the latent vector, to a sampler: name is "physics" or "decoder"
// and names the socket. See ServePrior.
func ServeSolver(dir, name string, s contract.SolverService, a *arena.Arena) (address string, stop func(), err error) {
	return serveSocket(dir, name, func(g *grpc.Server) {
		pb.RegisterSolverServer(g, &solverServer{solver: s.Solver, begin: always(a)})
	})
}

// always admits every call: the host has configured what it serves.
func always(a *arena.Arena) begin {
	return func() (*arena.Arena, func(), error) { return a, func() {}, nil }
}

func serveSocket(dir, name string, register func(*grpc.Server)) (string, func(), error) {
	l, path, err := listen(dir, name)
	if err != nil {
		return "", nil, fmt.Errorf("service %s: %w", name, err)
	}
	point := func(_, method string) string { return "service." + name + "." + method }
	opts := append(serverOptions(point, func(string, error) {}), grpc.WaitForHandlers(true)) // the host computes on no GPU
	g := grpc.NewServer(opts...)
	register(g)
	go func() {
		// It returns when stop is called; the listener is ours alone, so there is nobody to tell.
		_ = g.Serve(l)
	}()
	return "unix:" + path, func() {
		g.Stop()
		_ = os.Remove(path)
	}, nil
}

// listen opens the first free one of name.sock, name-2.sock, ...
func listen(dir, name string) (net.Listener, string, error) {
	var first error
	for i := 1; i <= 1000; i++ {
		path := filepath.Join(dir, name+".sock")
		if i > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.sock", name, i))
		}
		l, err := net.Listen("unix", path)
		if err == nil {
			return l, path, nil
		}
		if first == nil {
			first = err
		}
		if _, stat := os.Lstat(path); stat != nil {
			break // not taken, but impossible
		}
	}
	return nil, "", first
}

// serveServices serves what a sampler's configuration names and replaces what was served before.
func (p *Process) serveServices(c contract.Config) ([]*pb.Service, error) {
	p.mu.Lock()
	old := p.stop
	p.stop = nil
	p.mu.Unlock()
	for _, f := range old {
		f()
	}
	var services []*pb.Service
	keep := func(name, address string, stop func(), err error, d contract.Description, cfg contract.Configured) error {
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.dead {
			go stop()
			return fmt.Errorf("service %s: the process (pid %d) is no longer there: %w", name, p.pid, contract.ErrPluginDied)
		}
		p.stop = append(p.stop, stop)
		services = append(services, &pb.Service{Name: name, Address: address, Description: descriptionToWire(d), Configured: configuredToWire(cfg)})
		return nil
	}
	dir := p.spec.SocketDir
	if dir == "" {
		dir = filepath.Dir(p.socket)
	}
	if s := c.Prior; s != nil {
		d := fillKind(s.Description, contract.KindPrior)
		address, stop, err := ServePrior(dir, *s, p.spec.Arena)
		if err := keep("prior", address, stop, err, d, s.Configured); err != nil {
			return nil, err
		}
	}
	order := make([]string, 0, len(c.Solvers))
	for name := range c.Solvers {
		order = append(order, name)
	}
	sort.Strings(order)
	for _, name := range order {
		s := c.Solvers[name]
		d := fillKind(s.Description, contract.KindSolver)
		address, stop, err := ServeSolver(dir, name, *s, p.spec.Arena)
		if err := keep(name, address, stop, err, d, s.Configured); err != nil {
			return nil, err
		}
	}
	return services, nil
}

// fillKind names the kind of a service, by which the sampler's side knows what it is.
func fillKind(d contract.Description, k contract.Kind) contract.Description {
	d.Kind = k
	return d
}

// dialed is a service as the sampler's process holds it.
type dialed struct {
	remote     *remote
	conn       *grpc.ClientConn
	desc       contract.Description
	configured contract.Configured
}

// dial makes the client of a service that Configure named.
func (s *server) dial(w *pb.Service) (*dialed, error) {
	path, ok := strings.CutPrefix(w.GetAddress(), "unix:")
	if !ok {
		return nil, fmt.Errorf("service %s: address %q (want unix:/path): %w", w.GetName(), w.GetAddress(), contract.ErrInvalidOption)
	}
	cfg, err := configuredFromWire(w.GetConfigured())
	if err != nil {
		return nil, fmt.Errorf("service %s: %w", w.GetName(), err)
	}
	conn, err := dialSocket(path)
	if err != nil {
		return nil, fmt.Errorf("service %s: %w: %w", w.GetName(), err, contract.ErrInternal)
	}
	d := &dialed{conn: conn, desc: descriptionFromWire(w.GetDescription()), configured: cfg}
	d.remote = &remote{peer: host{}, plugin: pb.NewPluginClient(conn), who: "service " + w.GetName(), desc: d.desc, arena: s.arena}
	return d, nil
}

func (d *dialed) close()                    { _ = d.conn.Close() }
func (d *dialed) prior() contract.FullPrior { return &priorClient{d.remote, pb.NewPriorClient(d.conn)} }
func (d *dialed) solver() contract.FullSolver {
	return &solverClient{d.remote, pb.NewSolverClient(d.conn)}
}

// host is the peer of a service: when it is gone, so is this process.
type host struct{}

func (host) enter() (func(), error) { return func() {}, nil }
func (host) lost(err error) error   { return fmt.Errorf("the host cannot be reached: %w", err) }
func (host) gone() <-chan struct{}  { return nil }
