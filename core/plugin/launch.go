package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// ErrLaunch is wrapped by every error of Launch but those of its context: the plugin could not be started or joined.
var ErrLaunch = errors.New("cannot start plugin")

// LaunchSpec says which plugin to start and how.
type LaunchSpec struct {
	Kind contract.Kind // must be what the plugin says; "": any
	Name string        // must be what the plugin says; "": any
	Path string        // the binary
	// Device is what it is to compute on (contract.CheckDevice): for "cuda:N" the binary must be a CUDA build, and errors of
	// its start are told in terms of drivers and GPUs.
	Device string

	// SocketDir is the run's private folder (0700) for sockets. It must exist; SocketFolder makes one.
	SocketDir string
	// Attach joins a plugin that is already running, at "unix:/path", instead of starting Path.
	Attach string
	// Stderr gets what the plugin writes to stderr and stdout; nil: only the last lines are kept (Process.LogTail).
	Stderr io.Writer
	// StartTimeout bounds the start, 0: one minute.
	StartTimeout time.Duration
	// Env is added to this process's environment.
	Env []string
	// Arena carries tensors larger than InlineLimit; nil: only smaller ones can be passed.
	Arena *arena.Arena
	// Progress gets the lines that the plugin sends with plugin.Progress, from one goroutine. nil: dropped.
	Progress func(text string)
}

// SocketFolder makes a private folder for a run's sockets under the system's folder for temporary files, with a name
// short enough for a socket's address. The caller removes it; a plugin does so when the host was killed.
func SocketFolder() (string, error) {
	dir, err := os.MkdirTemp("", "waveprior-")
	if err != nil {
		return "", fmt.Errorf("folder for sockets: %w", err)
	}
	if len(dir)+socketNameLen > maxSocketPath {
		_ = os.Remove(dir)
		return "", fmt.Errorf("folder for sockets: %s is %d bytes long (at most %d): set TMPDIR to a shorter path", dir, len(dir), maxSocketPath-socketNameLen)
	}
	return dir, nil
}

// A unix socket's address has at most 107 bytes; go-plugin appends "/plugin" and up to ten digits.
const (
	maxSocketPath = 107
	socketNameLen = 18
)

// what names the plugin in errors.
func (s *LaunchSpec) what() string {
	w := strings.TrimSpace(string(s.Kind) + " " + s.Name)
	if w == "" {
		w = "plugin"
	}
	return w
}

// fail makes an error of Launch: what came, the last log lines, and what to do.
func (s *LaunchSpec) fail(tail *logTail, advice, format string, args ...any) error {
	where := s.Path
	if s.Attach != "" {
		where = s.Attach
	}
	text := fmt.Sprintf("%s: %s: %s", s.what(), where, fmt.Sprintf(format, args...))
	if tail != nil {
		if log := tail.String(); log != "" {
			text += "\n  its last words:\n    " + strings.ReplaceAll(log, "\n", "\n    ")
		}
	}
	if advice != "" {
		text += "\n  " + advice
	}
	return &launchError{text: text}
}

type launchError struct {
	text   string
	died   bool // by a signal from outside, or after its handshake: it may start next time
	noCUDA bool
}

func (e *launchError) Error() string { return e.text }

func (e *launchError) Unwrap() []error {
	all := []error{ErrLaunch}
	if e.died {
		all = append(all, contract.ErrPluginDied)
	}
	if e.noCUDA {
		all = append(all, ErrNoCUDA)
	}
	return all
}

// died marks an error of fail.
func died(err error) error {
	var e *launchError
	if errors.As(err, &e) {
		e.died = true
	}
	return err
}

// Launch starts a plugin (or joins one, Attach) and returns it when it has said what it is. The error says where it
// looked, what came, the plugin's last words and what to type; it also wraps contract.ErrPluginDied where the process was
// killed on its way, so that another try may do better. ctx bounds the start only.
func Launch(ctx context.Context, spec LaunchSpec) (*Process, error) {
	if spec.StartTimeout <= 0 {
		spec.StartTimeout = time.Minute
	}
	if spec.Attach != "" {
		return attach(ctx, spec)
	}
	if err := spec.checkFiles(); err != nil {
		return nil, err
	}
	p := &Process{spec: spec, tail: &logTail{to: spec.Stderr}, done: make(chan struct{})}
	// The process lives until Kill cancels this context; the group is killed, so that its children go with it.
	life, kill := context.WithCancel(context.Background())
	p.kill = kill
	cmd := exec.CommandContext(life, spec.Path)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", envHost, os.Getpid()), envSocketDir+"="+spec.SocketDir, envAttach+"=")
	cmd.Env = append(cmd.Env, spec.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	p.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  handshake,
		Plugins:          goplugin.PluginSet{pluginName: &glue{}},
		Cmd:              cmd,
		SkipHostEnv:      true, // it is in Cmd.Env, where ours come after it and win
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		StartTimeout:     spec.StartTimeout,
		Logger:           hclog.NewNullLogger(),
		Stderr:           p.tail,
		SyncStdout:       p.tail,
		SyncStderr:       p.tail,
		GRPCDialOptions:  dialOptions(),
	})
	started := make(chan error, 1)
	go func() {
		_, err := p.client.Start()
		started <- err
	}()
	var err error
	select {
	case err = <-started:
	case <-ctx.Done():
		kill()
		<-started
		p.client.Kill()
		return nil, fmt.Errorf("%s: start: %w", spec.what(), ctx.Err())
	}
	if err != nil {
		kill()
		p.client.Kill()
		return nil, p.startError(cmd, err)
	}
	p.pid = cmd.Process.Pid
	p.socket = p.client.ReattachConfig().Addr.String()
	proto, err := p.client.Client()
	var raw any
	if err == nil {
		raw, err = proto.Dispense(pluginName)
	}
	if err != nil {
		kill()
		p.client.Kill()
		return nil, died(spec.fail(p.tail, "", "it could not be reached at %s: %v", p.socket, err))
	}
	d := raw.(*dispensed)
	p.conn = d.conn
	go p.watch(d.gone.Done())
	if err := p.greet(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

func dialOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithReadBufferSize(buffer), grpc.WithWriteBufferSize(buffer),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
	}
}

// checkFiles looks at what can be wrong before anything is started.
func (s *LaunchSpec) checkFiles() error {
	build := fmt.Sprintf("build it (make build), or set path = \"FILE\" in the [%s] table, or WAVEPRIOR_PLUGINS to the folder it is in", s.Kind)
	st, err := os.Stat(s.Path)
	switch {
	case s.Path == "":
		return s.fail(nil, build, "no file was found for it")
	case errors.Is(err, os.ErrNotExist):
		return s.fail(nil, build, "there is no such file")
	case err != nil:
		return s.fail(nil, "", "%v", err)
	case st.IsDir():
		return s.fail(nil, build, "it is a folder, not a program")
	case st.Mode()&0o111 == 0:
		return s.fail(nil, "type: chmod +x "+s.Path, "it is not executable (mode %v)", st.Mode())
	}
	if !filepath.IsAbs(s.Path) {
		if s.Path, err = filepath.Abs(s.Path); err != nil {
			return s.fail(nil, "", "%v", err)
		}
	}
	if st, err := os.Stat(s.SocketDir); err != nil || !st.IsDir() {
		return s.fail(nil, "", "the folder for sockets %q does not exist", s.SocketDir)
	}
	if len(s.SocketDir)+socketNameLen > maxSocketPath {
		return s.fail(nil, "set TMPDIR to a shorter path", "the folder for sockets %s is %d bytes long (at most %d)",
			s.SocketDir, len(s.SocketDir), maxSocketPath-socketNameLen)
	}
	return nil
}

// startError says in our words what go-plugin found. The process has been waited for.
func (p *Process) startError(cmd *exec.Cmd, err error) error {
	spec, text := &p.spec, err.Error()
	// go-plugin kills what closed its stdout without a line: then the process had not ended by itself.
	state := "it closed its stdout, or wrote a line of more than 64 KiB to it, without go-plugin's handshake"
	killed := false
	if s := cmd.ProcessState; s != nil {
		if killed = s.String() == "signal: killed"; !killed {
			state = fmt.Sprintf("it ended before it served (%s)", s)
		}
	}
	byHand := "type it by hand to see what it says: " + spec.Path + " --help"
	line, garbage := strings.CutPrefix(text, "Unrecognized remote plugin message: ")
	if why, advice := noCUDA(line + "\n" + p.tail.String()); why != "" {
		return withoutCUDA(spec.fail(nil, advice, "%s", why))
	}
	switch {
	case strings.Contains(text, "Failed to read any lines") || strings.Contains(text, "exited before we could connect"):
		fail := spec.fail(p.tail, byHand, "%s", state)
		if killed {
			return died(fail)
		}
		return fail
	case garbage:
		line, _, _ = strings.Cut(line, "\n")
		if len(line) > 200 {
			line = line[:200] + "..."
		}
		return spec.fail(p.tail, byHand+"\n  nothing but go-plugin's handshake line may go to stdout: print to stderr",
			"it wrote %q to stdout where the handshake belongs (1|1|unix|/path|grpc|)", line)
	case strings.Contains(text, "parsing core protocol"), strings.Contains(text, "parsing protocol version"):
		return spec.fail(p.tail, byHand+"\n  nothing but go-plugin's handshake line may go to stdout: print to stderr",
			"what it wrote to stdout is no handshake (1|1|unix|/path|grpc|): %s", text)
	case strings.Contains(text, "timeout while waiting"):
		return spec.fail(p.tail, byHand, "it wrote no handshake line to stdout within %v and was killed", spec.StartTimeout)
	case strings.Contains(text, "incompatible API version"), strings.Contains(text, "incompatible core API"), strings.Contains(text, "unsupported plugin protocol"):
		return spec.fail(p.tail, "build the plugin against this version's contract ("+contract.Version+")", "it speaks another protocol: %s", text)
	}
	return spec.fail(p.tail, "", "%s", text)
}

// greet asks what the plugin is, opens Live, and compares that with what was wanted.
func (p *Process) greet(ctx context.Context) error {
	spec := &p.spec
	plugin := pb.NewPluginClient(p.conn)
	bounded, cancel := context.WithTimeout(ctx, spec.StartTimeout)
	defer cancel()
	// First Describe: a plugin of another contract answers it with a reason, and is killed when its Live breaks.
	w, err := plugin.Describe(bounded, &pb.DescribeRequest{})
	if err == nil {
		var live grpc.ServerStreamingClient[pb.LiveProgress]
		if live, err = plugin.Live(context.Background(), &pb.LiveRequest{}); err == nil {
			go p.follow(live)
		}
	}
	if err != nil {
		if cause := ctx.Err(); cause != nil {
			return fmt.Errorf("%s: start: %w", spec.what(), cause)
		}
		st := status.Convert(err)
		if st.Code() == codes.Unimplemented {
			return spec.fail(p.tail, "build the plugin against this version's contract", "it does not speak the contract %s: %s", contract.Version, st.Message())
		}
		fail := spec.fail(p.tail, "", "it started but does not answer Describe: %s", st.Message())
		if st.Code() == codes.Unavailable || st.Code() == codes.Canceled { // Canceled: watch was quicker to close the connection
			return died(fail)
		}
		return fail
	}
	d := descriptionFromWire(w)
	who := fmt.Sprintf("%s %s", d.Kind, d.Name)
	switch {
	case d.Contract != contract.Version:
		return spec.fail(p.tail, "build the plugin against this version's contract", "%s speaks contract %q, this host %q", who, d.Contract, contract.Version)
	case d.Kind != contract.KindSolver && d.Kind != contract.KindPrior && d.Kind != contract.KindSampler:
		return spec.fail(p.tail, "", "it says that it is a %q (allowed: solver, prior, sampler)", d.Kind)
	case spec.Kind != "" && d.Kind != spec.Kind:
		return spec.fail(p.tail, fmt.Sprintf("name it in the [%s] table, or give the path of a %s", d.Kind, spec.Kind), "it is a %s (%s), wanted is a %s", d.Kind, d.Name, spec.Kind)
	case spec.Name != "" && d.Name != spec.Name:
		return spec.fail(p.tail, fmt.Sprintf("write plugin = %q, or give the path of %s", d.Name, spec.Name), "it says that it is %s, wanted is %s", d.Name, spec.Name)
	}
	if err := d.Check(); err != nil {
		return spec.fail(p.tail, "", "%v", err)
	}
	if want := contract.DeviceKind(spec.Device); want == contract.DeviceCUDA && d.Device != want {
		return spec.fail(nil, "take path away, or name the file waveprior-"+string(d.Kind)+"-"+d.Name+"-cuda that make cuda builds",
			"it computes on the CPU, and device = %q asks for a CUDA build", spec.Device)
	}
	p.remote = &remote{peer: p, plugin: plugin, who: who, desc: d, arena: spec.Arena}
	if a := spec.Arena; a != nil {
		// Samplers call services and need room for what they pass (of 256 GiB: 1 GiB); the others allocate nothing by
		// themselves. Small enough for hundreds of processes: the window of one that died in a call on a service comes back
		// only when the process behind that service is gone.
		size := a.Size() / 4096
		if d.Kind == contract.KindSampler {
			size = a.Size() / 256
		}
		ref, release, err := a.Grant(int64(size))
		if err != nil {
			return spec.fail(p.tail, "", "%v", err)
		}
		p.mu.Lock()
		dead := p.dead
		p.onGone = append(p.onGone, release)
		p.mu.Unlock()
		if dead {
			release()
		}
		p.remote.own = &pb.Arena{Path: ref.Path, Size: ref.Size, OwnOffset: ref.OwnOffset, OwnSize: ref.OwnSize}
	}
	return nil
}
