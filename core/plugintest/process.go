package plugintest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/plugin"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// ProcessOptions say how processes of a target are started.
type ProcessOptions struct {
	Env    []string  // added to the environment
	Stderr io.Writer // gets what plugins write there; nil: dropped but for the last lines in errors
}

// arenaSize is the virtual size of an instance's shared memory in bytes; only what is used is reserved.
const arenaSize = 4 << 30

// Process is a target in a binary: every instance is a process with sockets and shared memory of its own.
func Process(path string, o ProcessOptions) Target {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return Target{Path: path, Env: o.Env, New: func(ctx context.Context) (*Instance, error) {
		dir, err := plugin.SocketFolder()
		if err != nil {
			return nil, err
		}
		mem, err := arena.New(arenaSize)
		if err != nil {
			os.RemoveAll(dir)
			return nil, err
		}
		drop := func() {
			_ = mem.Close() // nothing of it is in use any more: the process is gone
			os.RemoveAll(dir)
		}
		proc, err := plugin.Launch(ctx, plugin.LaunchSpec{Path: path, SocketDir: dir, Env: o.Env, Stderr: o.Stderr, Arena: mem})
		if err != nil {
			drop()
			return nil, err
		}
		i := &Instance{PID: proc.PID(), Alloc: mem.Alloc, Close: sync.OnceFunc(func() { proc.Kill(); drop() })}
		switch proc.Description().Kind {
		case contract.KindSolver:
			i.Plugin, err = proc.Solver()
		case contract.KindPrior:
			i.Plugin, err = proc.Prior()
		default:
			i.Plugin, err = proc.Sampler()
		}
		if err != nil {
			i.Close()
			return nil, err
		}
		return i, nil
	}}
}

// The environment by which a plugin knows that it is started as one: part of the contract for every language.
const (
	cookie = "WAVEPRIOR_PLUGIN=2f1c4f0e-waveprior-v1"
	bare   = "WAVEPRIOR_PLUGIN="
)

// patience is how long a process may take to start, and to end.
const patience = 15 * time.Second

// raw is a plugin process that the suite starts itself, to see what goes to stdout and how it ends.
type raw struct {
	cmd    *exec.Cmd
	dir    string
	first  string // the first line of stdout
	exited chan struct{}
	conn   *grpc.ClientConn

	mu   sync.Mutex
	rest strings.Builder // what came on stdout after it
}

// startRaw starts the target's binary as a host would, without go-plugin, and reads the first line of stdout.
func (p *probe) startRaw(as string) *raw {
	dir, err := plugin.SocketFolder()
	p.must(err, "folder")
	r := &raw{dir: dir, exited: make(chan struct{})}
	r.cmd = exec.Command(p.target.Path)
	r.cmd.Env = append(os.Environ(), as, fmt.Sprintf("WAVEPRIOR_HOST_PID=%d", os.Getpid()), "WAVEPRIOR_ATTACH=",
		"PLUGIN_UNIX_SOCKET_DIR="+dir, "PLUGIN_MIN_PORT=10000", "PLUGIN_MAX_PORT=25000", "PLUGIN_PROTOCOL_VERSIONS=1")
	r.cmd.Env = append(r.cmd.Env, p.target.Env...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, in, err := os.Pipe()
	p.must(err, "pipe")
	r.cmd.Stdout = in
	if err := r.cmd.Start(); err != nil {
		out.Close()
		in.Close()
		os.RemoveAll(dir)
		p.fatalf("the plugin does not start: %v", err)
	}
	in.Close()
	go func() {
		_ = r.cmd.Wait() // how it ended does not matter, that it did does
		close(r.exited)
	}()
	line := make(chan string, 1)
	go func() {
		defer out.Close()
		b := bufio.NewReader(out)
		first, _ := b.ReadString('\n')
		line <- first
		buf := make([]byte, 4096)
		for {
			n, err := b.Read(buf)
			r.mu.Lock()
			r.rest.Write(buf[:n])
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	select {
	case r.first = <-line:
	case <-time.After(patience):
		r.end()
		p.fatalf("nothing came on stdout within %v: no handshake", patience)
	}
	return r
}

// stdout is what came after the first line.
func (r *raw) stdout() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rest.String()
}

// dial connects to the address of the handshake 1|1|unix|/path|grpc.
func (r *raw) dial() error {
	f := strings.Split(strings.TrimSpace(r.first), "|")
	if len(f) < 5 || f[0] != "1" || f[1] != "1" || f[2] != "unix" || f[4] != "grpc" {
		return fmt.Errorf("the first line on stdout is %.200q, want the handshake 1|1|unix|/path|grpc| and nothing else", r.first)
	}
	var err error
	r.conn, err = grpc.NewClient("passthrough:///plugin", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", f[3])
		}))
	return err
}

// end kills the process and removes its folder.
func (r *raw) end() {
	if r.conn != nil {
		_ = r.conn.Close() // the process is killed next
	}
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL) // an error: it is gone already
	<-r.exited
	os.RemoveAll(r.dir)
}

// ended tells whether the process ends by itself in time.
func (r *raw) ended(limit time.Duration) bool {
	select {
	case <-r.exited:
		return true
	case <-time.After(limit):
		return false
	}
}

// live opens the Live stream and waits until the plugin has taken it: until its headers come, or for a second.
func (r *raw) live(ctx context.Context) (pb.PluginClient, error) {
	c := pb.NewPluginClient(r.conn)
	stream, err := c.Live(ctx, &pb.LiveRequest{})
	if err != nil {
		return nil, err
	}
	taken := make(chan struct{})
	go func() {
		_, _ = stream.Header() // it ends with the stream; an error shows in the next call
		close(taken)
	}()
	select {
	case <-taken:
	case <-time.After(time.Second): // a plugin need not send headers
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := c.Describe(bounded, &pb.DescribeRequest{}); err != nil {
		return nil, fmt.Errorf("Describe: %w", err)
	}
	return c, nil
}

// raised starts a process, connects and opens Live; drop breaks Live.
func (p *probe) raised() (r *raw, c pb.PluginClient, drop func()) {
	if p.noStart != "" {
		p.skipf("not decided: %s", p.noStart)
	}
	r = p.startRaw(cookie)
	ctx, drop := context.WithCancel(p.ctx)
	err := r.dial()
	if err == nil {
		c, err = r.live(ctx)
	}
	if err != nil {
		drop()
		r.end()
		p.must(err, "start")
	}
	return r, c, drop
}

// processProperties are those of the process itself, whatever its kind.
func processProperties() []property {
	return []property{
		{"stdout-clean", "Nothing but the handshake line goes to stdout, at the start and in calls.", checkStdout},
		{"started-by-hand", "Started without a host it says what it is and ends.", func(p *probe) {
			r := p.startRaw(bare)
			defer r.end()
			if !r.ended(patience) {
				p.failf("it still runs after %v", patience)
			}
			if strings.TrimSpace(r.first+r.stdout()) == "" {
				p.failf("it says nothing on stdout")
			}
			p.notef("%s", strings.TrimSpace(r.first))
		}},
		{"ends-with-live", "When the Live stream breaks, the process ends itself and removes its socket.", func(p *probe) {
			r, _, drop := p.raised()
			defer r.end()
			drop()
			if !r.ended(patience) {
				p.failf("it still runs %v after the Live stream broke", patience)
			}
		}},
		{"interrupt", "Ctrl-C, which is for the host, does not end the process.", func(p *probe) {
			r, c, drop := p.raised()
			defer r.end()
			defer drop()
			p.must(r.cmd.Process.Signal(os.Interrupt), "signal")
			if r.ended(300 * time.Millisecond) {
				p.fatalf("SIGINT ended the process")
			}
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			defer cancel()
			_, err := c.Describe(ctx, &pb.DescribeRequest{})
			p.must(err, "Describe after SIGINT")
		}},
		{"shuts-down", "go-plugin's GRPCController.Shutdown ends the process in less than two seconds.", func(p *probe) {
			r, _, drop := p.raised()
			defer r.end()
			defer drop()
			ctx, cancel := context.WithTimeout(p.ctx, patience)
			defer cancel()
			err := r.conn.Invoke(ctx, "/plugin.GRPCController/Shutdown", &emptypb.Empty{}, &emptypb.Empty{})
			if err != nil && !r.ended(2*time.Second) { // the answer may be lost when the process ends at once
				p.fatalf("Shutdown: %v", err)
			}
			if !r.ended(2 * time.Second) {
				p.failf("it still runs 2 s after Shutdown")
			}
		}},
	}
}

// checkStdout starts the process, configures it and makes a call, where it can.
func checkStdout(p *probe) {
	r := p.startRaw(cookie)
	defer r.end()
	if err := r.dial(); err != nil {
		p.noStart = "it does not start, see stdout-clean"
		p.fatalf("%v", err)
	}
	ctx, cancel := context.WithTimeout(p.ctx, max(patience, p.o.CallLimit))
	defer cancel()
	c, err := r.live(ctx)
	p.must(err, "start")
	d, err := c.Describe(ctx, &pb.DescribeRequest{})
	p.must(err, "Describe")
	called := "Describe"
	if d.GetKind() == string(contract.KindSolver) && p.kind() == contract.KindSolver {
		if err := p.exercise(ctx, r); err != nil && !errors.Is(err, errExercise) {
			p.must(err, "call")
		} else if err == nil {
			called = "Describe, Configure and Forward"
		}
	}
	time.Sleep(100 * time.Millisecond) // what was printed arrives
	if out := r.stdout(); out != "" {
		p.failf("after the handshake it wrote %.200q to stdout: print to stderr", out)
	}
	p.notef("after %s", called)
}

// errExercise: the call could not be made; why is the matter of other properties.
var errExercise = errors.New("no call was made")

// exercise configures a solver by bare messages and runs Forward on one model.
func (p *probe) exercise(ctx context.Context, r *raw) error {
	p.start() // for the table of options
	resolved, err := p.resolved()
	if err != nil {
		return errExercise
	}
	c := pb.NewPluginClient(r.conn)
	conf, err := c.Configure(ctx, &pb.ConfigureRequest{OptionsJson: string(resolved), Seed: p.o.Seed, Device: p.o.Device, Threads: 1})
	if err != nil || conf.GetModel() == nil || conf.GetData() == nil {
		return errExercise
	}
	message := func(sp *pb.Space, fill bool) *pb.Tensor {
		t := &pb.Tensor{Dtype: sp.GetDtype(), Shape: []int64{1}}
		n := tensor.DType(sp.GetDtype()).Size()
		for _, a := range sp.GetAxes() {
			t.Shape = append(t.Shape, a.GetSize())
			n *= int(a.GetSize())
		}
		if n > plugin.InlineLimit || n < 0 {
			return nil
		}
		if fill {
			t.Inline = make([]byte, n)
		}
		return t
	}
	m, d := message(conf.GetModel(), true), message(conf.GetData(), false)
	if m == nil || d == nil {
		return errExercise
	}
	bounded, cancel := context.WithTimeout(ctx, min(p.o.CallLimit, patience))
	defer cancel()
	if _, err := pb.NewSolverClient(r.conn).Forward(bounded, &pb.ForwardRequest{M: m, D: d}); err != nil {
		return errExercise
	}
	return nil
}
