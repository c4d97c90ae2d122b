package plugin

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// Process is a plugin that runs. Its methods may be called from several goroutines.
type Process struct {
	spec   LaunchSpec
	client *goplugin.Client // nil when attached
	conn   *grpc.ClientConn
	remote *remote
	tail   *logTail
	pid    int
	socket string
	kill   func()

	done     chan struct{} // closed when the process was waited for
	killOnce sync.Once

	mu      sync.Mutex
	calls   int
	idle    chan struct{} // closed when calls falls to 0 while closing
	closing bool
	dead    bool // done is closed, onGone ran
	onGone  []func()
	// devicePeak is the most memory of a GPU that the plugin told of.
	devicePeak uint64
	stop       []func() // services of a sampler
}

// Description returns what the plugin is.
func (p *Process) Description() contract.Description { return p.remote.desc }

// Solver returns the plugin as a solver; an error when it is none. A missing capability answers contract.ErrUnsupported
// without a round trip.
func (p *Process) Solver() (contract.FullSolver, error) {
	if err := p.wrongKind(contract.KindSolver); err != nil {
		return nil, err
	}
	return &solverClient{p.remote, pb.NewSolverClient(p.conn)}, nil
}

// Prior returns the plugin as a prior; an error when it is none.
func (p *Process) Prior() (contract.FullPrior, error) {
	if err := p.wrongKind(contract.KindPrior); err != nil {
		return nil, err
	}
	return &priorClient{p.remote, pb.NewPriorClient(p.conn)}, nil
}

// Sampler returns the plugin as a sampler; an error when it is none.
func (p *Process) Sampler() (contract.Sampler, error) {
	if err := p.wrongKind(contract.KindSampler); err != nil {
		return nil, err
	}
	return &samplerClient{p.remote, pb.NewSamplerClient(p.conn), p.serveServices}, nil
}

func (p *Process) wrongKind(want contract.Kind) error {
	if d := &p.remote.desc; d.Kind != want {
		return fmt.Errorf("plugin %s is a %s, wanted is a %s: %w", d.Name, d.Kind, want, contract.ErrUnsupported)
	}
	return nil
}

// DevicePeak returns the most memory of a GPU, in bytes, that the plugin told of; 0: none.
func (p *Process) DevicePeak() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.devicePeak
}

// PID returns the process id.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process is gone and was waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// LogTail returns the last lines that the plugin wrote to stderr, at most 50.
func (p *Process) LogTail() string { return p.tail.String() }

// Kill ends the process and its group by SIGKILL and returns when it was waited for: nothing writes to the arena any more.
func (p *Process) Kill() {
	p.killOnce.Do(func() {
		p.kill()
		if p.client != nil {
			p.client.Kill() // waits for the process; closes its pipes
		}
	})
	<-p.done
}

// drainTime is how long Close waits for calls in progress.
const drainTime = 2 * time.Second

// Close ends the plugin kindly: new calls are refused, those in progress get two seconds, then it is told to stop, and
// killed if it does not. An attached plugin is left running.
func (p *Process) Close() {
	p.mu.Lock()
	p.closing = true
	var idle chan struct{}
	if p.calls > 0 {
		if p.idle == nil {
			p.idle = make(chan struct{})
		}
		idle = p.idle
	}
	p.mu.Unlock()
	if idle != nil {
		select {
		case <-idle:
		case <-p.done:
		case <-time.After(drainTime):
		}
	}
	if p.client == nil {
		p.detach()
		return
	}
	p.client.Kill() // Shutdown, then two seconds of patience, then SIGKILL
	p.Kill()
}

// enter counts a call.
func (p *Process) enter() (func(), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing || p.dead {
		return nil, fmt.Errorf("the process (pid %d) is no longer there%s: %w", p.pid, p.lastWords(), contract.ErrPluginDied)
	}
	p.calls++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.calls--; p.calls == 0 && p.idle != nil {
			close(p.idle)
			p.idle = nil
		}
	}, nil
}

func (p *Process) gone() <-chan struct{} { return p.done }

// lost kills what is left of a process whose connection broke, waits for it, and adds its last words.
func (p *Process) lost(err error) error {
	if p.client != nil {
		p.Kill()
	}
	return fmt.Errorf("%w (pid %d)%s", err, p.pid, p.lastWords())
}

// lastWords returns the last few log lines for an error.
func (p *Process) lastWords() string {
	log := p.tail.String()
	if log == "" {
		return ""
	}
	lines := strings.Split(log, "\n")
	return "; its last words:\n    " + strings.Join(lines[max(0, len(lines)-10):], "\n    ")
}

// watch runs what must happen when the process is gone.
func (p *Process) watch(exited <-chan struct{}) {
	<-exited
	if p.client != nil {
		// Its children, if it had any, are in its group. There is none: an error that says so.
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	}
	p.mu.Lock()
	p.dead = true
	todo := append(p.stop, p.onGone...)
	p.stop, p.onGone = nil, nil
	p.mu.Unlock()
	for _, f := range todo {
		f()
	}
	_ = p.conn.Close()
	if p.client != nil {
		_ = os.Remove(p.socket) // a killed process leaves it
	}
	close(p.done)
}

// follow holds the Live stream open. When it breaks, the process is on its end or useless: it is killed.
func (p *Process) follow(live grpc.ServerStreamingClient[pb.LiveProgress]) {
	for {
		line, err := live.Recv()
		if err != nil {
			break
		}
		if peak := line.GetDevicePeakBytes(); peak > 0 {
			p.mu.Lock()
			p.devicePeak = max(p.devicePeak, peak)
			p.mu.Unlock()
		}
		if text := line.GetText(); text != "" && p.spec.Progress != nil {
			p.spec.Progress(text)
		}
	}
	if p.client == nil {
		return
	}
	p.mu.Lock()
	closing := p.closing
	p.mu.Unlock()
	if !closing {
		p.Kill()
	}
}
