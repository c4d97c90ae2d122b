package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/hook"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/space"
)

// begin is what a handler does first: it gets the arena of its tensors, and end must be called when the handler is done
// with them. It fails when the plugin is not configured.
type begin func() (a *arena.Arena, end func(), err error)

// serverOptions are those of every gRPC server of this package: limits, error kinds, panics, hooks. point names the hook
// point of a method; methods of other services (go-plugin's own) pass untouched. failed sees every error of a handler before it
// is answered.
func serverOptions(point func(service, method string) string, failed func(at string, err error)) []grpc.ServerOption {
	name := func(full string) (string, bool) {
		service, method, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
		short, ours := strings.CutPrefix(service, contract.Version+".")
		return point(short, method), ours
	}
	unary := func(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (reply any, err error) {
		at, ours := name(info.FullMethod)
		if !ours {
			return handler(ctx, req)
		}
		hook.At(at)
		err = guard(at, func() error {
			var err error
			reply, err = handler(ctx, req)
			return err
		})
		hook.At(at + ".reply")
		if err != nil {
			failed(at, err)
			return nil, answer(ctx, err)
		}
		return reply, nil
	}
	stream := func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		at, ours := name(info.FullMethod)
		if !ours {
			return handler(srv, ss)
		}
		hook.At(at)
		err := guard(at, func() error { return handler(srv, ss) })
		hook.At(at + ".reply")
		if err != nil {
			failed(at, err)
		}
		return answer(ss.Context(), err)
	}
	return []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage),
		grpc.InitialWindowSize(window), grpc.InitialConnWindowSize(window),
		grpc.ReadBufferSize(buffer), grpc.WriteBufferSize(buffer), grpc.NumStreamWorkers(handlers),
		grpc.ChainUnaryInterceptor(unary), grpc.ChainStreamInterceptor(stream),
	}
}

// window is the flow-control window in bytes: fixed, so that gRPC sends no pings to estimate one.
const window = 8 << 20

// buffer is the size in bytes of a connection's buffers for reading and writing: a message with a tensor or two inline is one
// system call.
const buffer = 160 << 10

// handlers is how many goroutines of a server wait for calls. Their stacks have grown already; a new goroutine for each call,
// which is what calls beyond that number get, copies its stack several times on the way down.
const handlers = 4

// guard turns a panic of a handler into contract.ErrInternal; the stack goes to stderr, which is the plugin's log.
func guard(at string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(os.Stderr, "panic in %s: %v\n%s\n", at, r, debug.Stack())
			err = fmt.Errorf("panic: %v (the stack is in the plugin's log): %w", r, contract.ErrInternal)
			if e, ok := r.(error); ok && errors.Is(e, contract.ErrShape) {
				err = fmt.Errorf("panic: %w (the stack is in the plugin's log)", e)
			}
		}
	}()
	return f()
}

// exitDeviceLost is the exit code of a plugin that lost its GPU.
const exitDeviceLost = 4

// endWithDevice returns what ends the process instead of an answer where its GPU is lost to it: the host then does what it does
// for a plugin that died, and its log has the reason.
func endWithDevice(stderr io.Writer, exit func(int)) func(at string, err error) {
	return func(at string, err error) {
		if contract.IsDeviceLoss(err) {
			fmt.Fprintf(stderr, "%s: this process ends, so that another one can take its place: %v\n", at, err)
			exit(exitDeviceLost)
		}
	}
}

// server is what every plugin serves, and the state that its handlers share.
type server struct {
	pb.UnimplementedPluginServer
	plugin contract.Plugin
	desc   contract.Description
	live   *lifetime
	meter  contract.DeviceMeter // nil: the plugin has none
	peak   atomic.Int64         // what the host was told of it

	mu         sync.RWMutex // calls hold it for reading, Configure for writing
	configured bool
	arena      *arena.Arena
	ref        arena.Ref
	services   []*dialed
}

// describe completes a plugin's description with what need not be said by its author.
func describe(p contract.Plugin) contract.Description {
	d := p.Describe()
	d.Contract = contract.Version
	if d.Capabilities == nil {
		d.Capabilities = contract.Capabilities(p)
	}
	return d
}

// begin admits a call.
func (s *server) begin() (*arena.Arena, func(), error) {
	s.mu.RLock()
	if !s.configured {
		s.mu.RUnlock()
		return nil, nil, fmt.Errorf("%s %s: Configure comes first: %w", s.desc.Kind, s.desc.Name, contract.ErrNotConfigured)
	}
	if s.meter == nil {
		return s.arena, s.mu.RUnlock, nil
	}
	return s.arena, func() {
		s.mu.RUnlock()
		s.measure()
	}, nil
}

// measure tells the host, and its log, of a new peak of the memory of a GPU.
func (s *server) measure() {
	now := int64(s.meter.DevicePeak())
	for was := s.peak.Load(); now > was; was = s.peak.Load() {
		if s.peak.CompareAndSwap(was, now) {
			s.live.send(liveLine{text: fmt.Sprintf("GPU memory: at most %.1f MiB at once", float64(now)/(1<<20)), peak: uint64(now)})
			return
		}
	}
}

func (s *server) Describe(context.Context, *pb.DescribeRequest) (*pb.Description, error) {
	return descriptionToWire(s.desc), nil
}

// Configure waits for the calls in progress, maps the arena, connects to the services and configures the plugin.
func (s *server) Configure(ctx context.Context, r *pb.ConfigureRequest) (*pb.Configured, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.configured = false
	if err := s.mapArena(r.GetArena()); err != nil {
		return nil, err
	}
	for _, d := range s.services {
		d.close()
	}
	s.services = nil
	c := contract.Config{Seed: r.GetSeed(), Device: r.GetDevice(), Threads: int(r.GetThreads()), Checkpoint: r.GetCheckpoint()}
	if r.GetOptionsJson() != "" {
		c.Options = json.RawMessage(r.GetOptionsJson())
	}
	for _, t := range r.GetTarget() {
		sp, err := spaceFromWire(t)
		if err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
		if sp == nil {
			sp = &space.Space{}
		}
		c.Target = append(c.Target, *sp)
	}
	for _, w := range r.GetServices() {
		d, err := s.dial(w)
		if err != nil {
			return nil, err
		}
		s.services = append(s.services, d)
		if d.desc.Kind == contract.KindPrior {
			c.Prior = &contract.PriorService{Prior: d.prior(), Description: d.desc, Configured: d.configured}
			continue
		}
		if c.Solvers == nil {
			c.Solvers = map[string]*contract.SolverService{}
		}
		c.Solvers[w.GetName()] = &contract.SolverService{Solver: d.solver(), Description: d.desc, Configured: d.configured}
	}
	got, err := s.plugin.Configure(ctx, c)
	if err != nil {
		return nil, err
	}
	s.configured = true
	if s.meter != nil {
		s.measure()
	}
	return configuredToWire(got), nil
}

// mapArena maps the arena that the host names, unless it is mapped already. Called with mu held for writing.
func (s *server) mapArena(w *pb.Arena) error {
	ref := arena.Ref{Path: w.GetPath(), Size: w.GetSize(), OwnOffset: w.GetOwnOffset(), OwnSize: w.GetOwnSize()}
	if s.arena != nil && ref == s.ref {
		return nil
	}
	var a *arena.Arena
	if w != nil {
		var err error
		if a, err = arena.Open(ref); err != nil {
			return err
		}
	}
	if s.arena != nil {
		// Another host's: nothing of it is in use, calls are over. Its mapping is dropped.
		_ = s.arena.Close()
	}
	s.arena, s.ref = a, ref
	return nil
}

func (s *server) Train(r *pb.TrainRequest, stream grpc.ServerStreamingServer[pb.TrainProgress]) error {
	t, ok := s.plugin.(contract.Trainer)
	if !ok {
		return contract.Unsupported(s.desc, contract.CapTrain)
	}
	_, end, err := s.begin()
	if err != nil {
		return err
	}
	defer end()
	at := string(s.desc.Kind) + ".Train.progress"
	return t.Train(stream.Context(), contract.TrainRequest{Dataset: r.GetDataset(), Folder: r.GetFolder(), HeldOut: r.GetHeldOut()}, func(p contract.TrainProgress) error {
		hook.At(at)
		return stream.Send(&pb.TrainProgress{Step: uint64(max(p.Step, 0)), Steps: uint64(max(p.Steps, 0)), Losses: p.Losses, Rate: p.Rate})
	})
}

// Live tells the lifetime that a host is there, and that it has gone.
func (s *server) Live(_ *pb.LiveRequest, stream grpc.ServerStreamingServer[pb.LiveProgress]) error {
	lines, leave := s.live.enter()
	defer leave()
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case line := <-lines:
			if err := stream.Send(&pb.LiveProgress{Text: line.text, DevicePeakBytes: line.peak}); err != nil {
				return err
			}
		}
	}
}
