package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// attach joins a plugin that was started by hand with WAVEPRIOR_ATTACH=1. It is left running by Close; Kill kills it.
func attach(ctx context.Context, spec LaunchSpec) (*Process, error) {
	advice := fmt.Sprintf("start it with %s=1; it prints its address (unix:/path)", envAttach)
	path, ok := strings.CutPrefix(spec.Attach, "unix:")
	if !ok {
		return nil, spec.fail(nil, advice, "the address must be unix:/path")
	}
	pid, err := peerPID(ctx, path)
	if err != nil {
		return nil, spec.fail(nil, advice, "nothing answers there: %v", err)
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, spec.fail(nil, advice, "process %d: %v", pid, err)
	}
	p := &Process{spec: spec, tail: &logTail{to: spec.Stderr}, done: make(chan struct{}), pid: pid, socket: path}
	p.kill = func() { _ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) } // an error: it is gone already
	p.conn, err = dialSocket(path)
	if err != nil {
		unix.Close(fd)
		return nil, spec.fail(nil, advice, "%v", err)
	}
	exited := make(chan struct{})
	go func() {
		defer unix.Close(fd)
		for { // it is not our child: poll says when it is gone
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if n > 0 || err != nil && !errors.Is(err, unix.EINTR) {
				break
			}
		}
		close(exited)
	}()
	go p.watch(exited)
	if err := p.greet(ctx); err != nil {
		p.detach()
		return nil, err
	}
	return p, nil
}

// detach lets go of an attached plugin.
func (p *Process) detach() {
	p.mu.Lock()
	p.closing = true
	stop := p.stop
	p.stop = nil
	p.mu.Unlock()
	for _, f := range stop {
		f()
	}
	_ = p.conn.Close()
}

// dialSocket makes a client connection to a unix socket.
func dialSocket(path string) (*grpc.ClientConn, error) {
	opts := append(dialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", path)
		}))
	return grpc.NewClient("passthrough:///waveprior", opts...)
}

// peerPID returns the process that listens on a unix socket.
func peerPID(ctx context.Context, path string) (int, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	c, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	raw, err := c.(*net.UnixConn).SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *syscall.Ucred
	var optErr error
	if err := raw.Control(func(fd uintptr) {
		cred, optErr = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if optErr != nil {
		return 0, optErr
	}
	return int(cred.Pid), nil
}
