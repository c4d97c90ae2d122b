package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/waveprior/waveprior/core/arena"
	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// peer is the process at the other end, as calls need it.
type peer interface {
	// enter counts a call in progress; leave must be called when it is over. An error: the peer is closed.
	enter() (leave func(), err error)
	// lost is told that the connection broke in a call. It returns when the process is gone, where it can make it so, and
	// adds to the error what is known about the end.
	lost(err error) error
	// gone is closed when the process was waited for; nil: never.
	gone() <-chan struct{}
}

// remote is what the clients of all kinds share.
type remote struct {
	peer   peer
	plugin pb.PluginClient
	who    string // "solver analytic", for errors
	desc   contract.Description
	arena  *arena.Arena // nil: only small tensors
	own    *pb.Arena    // the arena as the peer is told of it
}

// Describe returns the description that the plugin gave when it was started, without a round trip.
func (r *remote) Describe() contract.Description { return r.desc }

// need checks a capability without a round trip.
func (r *remote) need(c contract.Capability) error {
	if r.desc.Has(c) {
		return nil
	}
	return contract.Unsupported(r.desc, c)
}

// call is one call in progress: the tensors that go with it and what must be kept until it is over.
type call struct {
	remote  *remote
	ctx     context.Context
	method  string
	err     error // the first one while the request was made
	trailer metadata.MD
	outs    []outgoing
	release []func()
	temps   []*tensor.Tensor
	leave   func()
}

// outgoing is a place for an output.
type outgoing struct {
	name string
	want *pb.Tensor     // what was sent
	dst  *tensor.Tensor // where the caller wants it
	temp *tensor.Tensor // in the arena, nil when dst lies there itself or is small
}

// start begins a call. The caller must go on to finish, whatever happens.
func (r *remote) start(ctx context.Context, method string) *call {
	c := &call{remote: r, ctx: ctx, method: method}
	if err := ctx.Err(); err != nil {
		c.fail(fmt.Errorf("%s: %s: %w", r.who, method, err))
		return c
	}
	leave, err := r.peer.enter()
	if err != nil {
		c.fail(fmt.Errorf("%s: %s: %w", r.who, method, err))
		return c
	}
	c.leave = leave
	return c
}

func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// check refuses a tensor that is not in itself consistent.
func (c *call) check(name string, t *tensor.Tensor) bool {
	if c.err != nil {
		return false
	}
	err := t.Check(name, t.DType, t.Shape...)
	if err == nil && t.DType.Size() == 0 {
		err = shapeError(name, "%v", t.DType)
	}
	if err != nil {
		c.fail(fmt.Errorf("%s: %s: %w", c.remote.who, c.method, err))
		return false
	}
	return true
}

// in sends an input; nil is left out. A large tensor outside the arena is copied into it for the time of the call.
func (c *call) in(name string, t *tensor.Tensor) *pb.Tensor {
	if t == nil || !c.check(name, t) {
		return nil
	}
	w := header(t)
	if len(t.Data) <= InlineLimit {
		w.Inline = t.Data
		return w
	}
	off, temp := c.locate(name, t)
	if temp != nil {
		copy(temp.Data, t.Data)
	}
	w.Offset = &off
	return w
}

// out sends a place; nil is left out.
func (c *call) out(name string, t *tensor.Tensor) *pb.Tensor {
	if t == nil || !c.check(name, t) {
		return nil
	}
	w := header(t)
	o := outgoing{name: name, want: w, dst: t}
	if len(t.Data) > InlineLimit {
		var off uint64
		if off, o.temp = c.locate(name, t); o.temp != nil {
			o.temp.Zero()
		}
		w.Offset = &off
	}
	c.outs = append(c.outs, o)
	return w
}

// locate returns where a large tensor lies in the arena and keeps that range, or makes a temporary one.
func (c *call) locate(name string, t *tensor.Tensor) (uint64, *tensor.Tensor) {
	a := c.remote.arena
	if a == nil {
		c.fail(fmt.Errorf("%s: %s: tensor %s has %d bytes, more than %d need an arena and there is none: %w",
			c.remote.who, c.method, name, len(t.Data), InlineLimit, contract.ErrOutOfMemory))
		return 0, nil
	}
	if off, ok := a.Offset(t); ok && off%arena.Align == 0 {
		c.release = append(c.release, a.Hold(t))
		return off, nil
	}
	temp, err := a.AllocRaw(t.DType, t.Shape...)
	if err != nil {
		c.fail(fmt.Errorf("%s: %s: tensor %s: %w", c.remote.who, c.method, name, err))
		return 0, nil
	}
	c.release = append(c.release, a.Hold(temp))
	c.temps = append(c.temps, temp)
	off, _ := a.Offset(temp)
	return off, temp
}

// options are the gRPC options of the call.
func (c *call) options() grpc.CallOption { return grpc.Trailer(&c.trailer) }

// take fills an output from the reply.
func (c *call) take(want, got *pb.Tensor) error {
	for _, o := range c.outs {
		if o.want != want {
			continue
		}
		dt, shape, bytes, err := layout(o.name, nonNil(got))
		if err != nil {
			return c.wrap(err)
		}
		if err := o.dst.Check(o.name, dt, shape...); err != nil {
			return c.wrap(fmt.Errorf("the answer differs from the place for it: %w", err))
		}
		if bytes > InlineLimit {
			if got.Offset == nil || *got.Offset != *want.Offset || len(got.Inline) != 0 {
				return c.wrap(shapeError(o.name, "the answer is not where its place was (offset %d)", *want.Offset))
			}
			if o.temp != nil {
				copy(o.dst.Data, o.temp.Data)
			}
			return nil
		}
		if got.Offset != nil || len(got.Inline) != bytes {
			return c.wrap(shapeError(o.name, "the answer has %d bytes inline, want %d", len(got.Inline), bytes))
		}
		copy(o.dst.Data, got.Inline)
		return nil
	}
	return nil
}

func nonNil(t *pb.Tensor) *pb.Tensor {
	if t == nil {
		return &pb.Tensor{}
	}
	return t
}

func (c *call) wrap(err error) error {
	return fmt.Errorf("%s: %s: %w", c.remote.who, c.method, err)
}

// finish ends a call. err is what gRPC said; take the outputs in filled, which runs only when there is no error. The
// ranges of the call are available again when the callee has answered or is gone; until then they are kept.
func (c *call) finish(err error, filled func() error) error {
	if c.leave != nil {
		defer c.leave()
	}
	if c.err != nil { // nothing was sent
		c.free()
		return c.err
	}
	if err == nil {
		defer c.free()
		return filled()
	}
	v := judge(c.ctx, c.remote.who, c.method, err, c.trailer)
	if v.lost {
		v.err = c.remote.peer.lost(v.err)
	}
	gone := c.remote.peer.gone()
	select {
	case <-gone:
		v.answered = true
	default:
	}
	switch {
	case v.answered || len(c.release) == 0:
		c.free()
	case gone != nil:
		go func() { <-gone; c.free() }()
	}
	return v.err
}

// free gives back what the call held.
func (c *call) free() {
	for _, f := range c.release {
		f()
	}
	for _, t := range c.temps {
		// A temporary of this call: Free fails only after Close of the arena, when there is nothing to give back.
		_ = c.remote.arena.Free(t)
	}
	c.release, c.temps = nil, nil
}

// configure is Configure of all kinds; services are a sampler's.
func (r *remote) configure(ctx context.Context, cfg contract.Config, services []*pb.Service) (contract.Configured, error) {
	c := r.start(ctx, "Configure")
	if cfg.Threads < 0 {
		c.fail(c.wrap(fmt.Errorf("threads = %d (at least 0): %w", cfg.Threads, contract.ErrInvalidOption)))
	}
	req := &pb.ConfigureRequest{
		OptionsJson: string(cfg.Options), Seed: cfg.Seed, Device: cfg.Device, Threads: uint32(max(cfg.Threads, 0)),
		Arena: r.own, Checkpoint: cfg.Checkpoint, Services: services,
	}
	for i := range cfg.Target {
		req.Target = append(req.Target, spaceToWire(&cfg.Target[i]))
	}
	var reply *pb.Configured
	var err error
	if c.err == nil {
		reply, err = r.plugin.Configure(ctx, req, c.options())
	}
	var got contract.Configured
	err = c.finish(err, func() (err error) {
		if got, err = configuredFromWire(reply); err != nil {
			return c.wrap(err)
		}
		return nil
	})
	return got, err
}

// Train is capability "train" of any kind.
func (r *remote) Train(ctx context.Context, t contract.TrainRequest, report func(contract.TrainProgress) error) error {
	if err := r.need(contract.CapTrain); err != nil {
		return err
	}
	c := r.start(ctx, "Train")
	if c.err != nil {
		return c.finish(nil, nil)
	}
	streamCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.plugin.Train(streamCtx, &pb.TrainRequest{Dataset: t.Dataset, Folder: t.Folder, HeldOut: t.HeldOut})
	for err == nil {
		var p *pb.TrainProgress
		if p, err = stream.Recv(); err != nil {
			break
		}
		if report == nil {
			continue
		}
		if stop := report(contract.TrainProgress{Step: int(p.Step), Steps: int(p.Steps), Losses: p.Losses, Rate: p.Rate}); stop != nil {
			return c.finish(nil, func() error { return stop })
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	} else if stream != nil {
		c.trailer = stream.Trailer()
	}
	return c.finish(err, func() error { return nil })
}
