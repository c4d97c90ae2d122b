package plugin

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// solverClient is a solver in another process.
type solverClient struct {
	*remote
	rpc pb.SolverClient
}

func (s *solverClient) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return s.configure(ctx, c, nil)
}

func (s *solverClient) Forward(ctx context.Context, m, d *tensor.Tensor) (st []contract.Status, err error) {
	c := s.start(ctx, "Forward")
	req := &pb.ForwardRequest{M: c.in("m", m), D: c.out("d", d)}
	var reply *pb.ForwardReply
	if c.err == nil {
		reply, err = s.rpc.Forward(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.D, reply.D); err != nil {
			return err
		}
		st, err = c.status(reply.Status, m)
		return err
	})
	return st, err
}

// status takes the item states of a reply.
func (c *call) status(w []*pb.ItemStatus, batch *tensor.Tensor) ([]contract.Status, error) {
	n := 0
	if batch != nil {
		n = batch.Batch()
	}
	st, err := statusFromWire(w, n)
	if err != nil {
		return nil, c.wrap(err)
	}
	return st, nil
}

// indices sends a list of indices.
func (c *call) indices(name string, v []int) []uint32 {
	u, err := toUint32s(name, v)
	if err != nil {
		c.fail(c.wrap(err))
	}
	return u
}

func (s *solverClient) Observe(ctx context.Context, d *tensor.Tensor, noiseStd []float64) (err error) {
	if err := s.need(contract.CapMisfit); err != nil {
		return err
	}
	c := s.start(ctx, "Observe")
	req := &pb.ObserveRequest{D: c.in("d", d), NoiseStd: noiseStd}
	if c.err == nil {
		_, err = s.rpc.Observe(ctx, req, c.options())
	}
	return c.finish(err, func() error { return nil })
}

func (s *solverClient) Misfit(ctx context.Context, m *tensor.Tensor, which []int, phi []float64, gradient *tensor.Tensor) (st []contract.Status, err error) {
	if err := s.need(contract.CapMisfit); err != nil {
		return nil, err
	}
	if gradient != nil {
		if err := s.need(contract.CapGradient); err != nil {
			return nil, err
		}
	}
	c := s.start(ctx, "Misfit")
	req := &pb.MisfitRequest{M: c.in("m", m), Which: c.indices("which", which), Gradient: c.out("gradient", gradient)}
	var reply *pb.MisfitReply
	if c.err == nil {
		reply, err = s.rpc.Misfit(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if len(reply.Phi) != len(phi) {
			return c.wrap(fmt.Errorf("the answer has %d misfits, want %d: %w", len(reply.Phi), len(phi), contract.ErrShape))
		}
		copy(phi, reply.Phi)
		if err := c.take(req.Gradient, reply.Gradient); err != nil {
			return err
		}
		st, err = c.status(reply.Status, m)
		return err
	})
	return st, err
}

func (s *solverClient) JVP(ctx context.Context, m, dm, dd *tensor.Tensor) (st []contract.Status, err error) {
	if err := s.need(contract.CapJVP); err != nil {
		return nil, err
	}
	c := s.start(ctx, "JVP")
	req := &pb.JVPRequest{M: c.in("m", m), Dm: c.in("dm", dm), Dd: c.out("dd", dd)}
	var reply *pb.JVPReply
	if c.err == nil {
		reply, err = s.rpc.JVP(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Dd, reply.Dd); err != nil {
			return err
		}
		st, err = c.status(reply.Status, m)
		return err
	})
	return st, err
}

func (s *solverClient) VJP(ctx context.Context, m, w, dm *tensor.Tensor) (st []contract.Status, err error) {
	if err := s.need(contract.CapVJP); err != nil {
		return nil, err
	}
	c := s.start(ctx, "VJP")
	req := &pb.VJPRequest{M: c.in("m", m), W: c.in("w", w), Dm: c.out("dm", dm)}
	var reply *pb.VJPReply
	if c.err == nil {
		reply, err = s.rpc.VJP(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Dm, reply.Dm); err != nil {
			return err
		}
		st, err = c.status(reply.Status, m)
		return err
	})
	return st, err
}
