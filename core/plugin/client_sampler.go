package plugin

import (
	"context"
	"fmt"
	"math"
	"sort"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// samplerClient is a sampler in another process.
type samplerClient struct {
	*remote
	rpc   pb.SamplerClient
	serve func(contract.Config) ([]*pb.Service, error)
}

// Configure serves the sampler's services on sockets of their own, which live until the next Configure or the end of the
// process, and tells the sampler their addresses.
func (s *samplerClient) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	services, err := s.serve(c)
	if err != nil {
		return contract.Configured{}, fmt.Errorf("%s: Configure: %w", s.who, err)
	}
	return s.configure(ctx, c, services)
}

// names returns a state's names in order: nothing may depend on a map's order.
func names(s contract.State) []string {
	n := make([]string, 0, len(s))
	for name := range s {
		n = append(n, name)
	}
	sort.Strings(n)
	return n
}

func (c *call) state(what string, s contract.State, place bool) map[string]*pb.Tensor {
	w := make(map[string]*pb.Tensor, len(s))
	for _, name := range names(s) {
		if s[name] == nil {
			c.fail(c.wrap(shapeError(what+" "+name, "is missing")))
		}
		if place {
			w[name] = c.out(what+" "+name, s[name])
		} else {
			w[name] = c.in(what+" "+name, s[name])
		}
	}
	return w
}

func (c *call) chains(ch contract.Chains) *pb.Chains {
	w, err := chainsToWire(ch)
	if err != nil {
		c.fail(c.wrap(err))
	}
	return w
}

// takeState fills the places of a state.
func (c *call) takeState(want, got map[string]*pb.Tensor, s contract.State) error {
	for _, name := range names(s) {
		if err := c.take(want[name], got[name]); err != nil {
			return err
		}
	}
	return nil
}

func (s *samplerClient) Start(ctx context.Context, chains contract.Chains, state contract.State) (steps int, st []contract.Status, err error) {
	return s.startAt(ctx, chains, nil, state)
}

// StartAt implements contract.Starter for samplers that have the capability.
func (s *samplerClient) StartAt(ctx context.Context, chains contract.Chains, x *tensor.Tensor, state contract.State) (steps int, st []contract.Status, err error) {
	if err := s.need(contract.CapStart); err != nil {
		return 0, nil, err
	}
	if x == nil {
		return 0, nil, fmt.Errorf("%s: StartAt without latent vectors: %w", s.who, contract.ErrShape)
	}
	return s.startAt(ctx, chains, x, state)
}

func (s *samplerClient) startAt(ctx context.Context, chains contract.Chains, x *tensor.Tensor, state contract.State) (steps int, st []contract.Status, err error) {
	c := s.start(ctx, "Start")
	req := &pb.StartRequest{Chains: c.chains(chains), State: c.state("state", state, true)}
	if x != nil {
		req.At = c.in("start", x)
	}
	var reply *pb.StartReply
	if c.err == nil {
		reply, err = s.rpc.Start(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if reply.Steps > math.MaxInt {
			return c.wrap(fmt.Errorf("%d steps: %w", reply.Steps, contract.ErrInternal))
		}
		steps = int(reply.Steps)
		if err := c.takeState(req.State, reply.State, state); err != nil {
			return err
		}
		if st, err = statusFromWire(reply.Status, chains.Len()); err != nil {
			return c.wrap(err)
		}
		return nil
	})
	return steps, st, err
}

func (s *samplerClient) Step(ctx context.Context, step int, chains contract.Chains, state, next contract.State) (contract.StepResult, error) {
	c := s.start(ctx, "Step")
	if step < 0 {
		c.fail(c.wrap(fmt.Errorf("step %d (at least 0): %w", step, contract.ErrShape)))
	}
	req := &pb.StepRequest{Step: uint64(step), Chains: c.chains(chains), State: c.state("state", state, false), Next: c.state("next", next, true)}
	var reply *pb.StepReply
	var res contract.StepResult
	var err error
	if c.err == nil {
		reply, err = s.rpc.Step(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.takeState(req.Next, reply.Next, next); err != nil {
			return err
		}
		if res.Status, err = statusFromWire(reply.Status, chains.Len()); err != nil {
			return c.wrap(err)
		}
		res.Done = reply.Done
		for name, v := range reply.Numbers {
			if len(v.GetValue()) != chains.Len() {
				return c.wrap(fmt.Errorf("number %q has %d values for %d chains: %w", name, len(v.GetValue()), chains.Len(), contract.ErrShape))
			}
			if res.Numbers == nil {
				res.Numbers = make(map[string][]float64, len(reply.Numbers))
			}
			res.Numbers[name] = v.GetValue()
		}
		return nil
	})
	return res, err
}
