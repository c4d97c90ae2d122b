package plugin

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// samplerServer serves a sampler plugin.
type samplerServer struct {
	pb.UnimplementedSamplerServer
	sampler contract.Sampler
	begin   begin
}

// inputs decodes named tensors with one item per chain.
func (d *decoder) inputs(what string, w map[string]*pb.Tensor, chains int) contract.State {
	s := make(contract.State, len(w))
	for name, t := range w {
		s[name] = d.in(what+" "+name, t)
		d.perChain(what+" "+name, s[name], chains)
	}
	return s
}

// places is inputs for outputs.
func (d *decoder) places(what string, w map[string]*pb.Tensor, chains int) contract.State {
	s := make(contract.State, len(w))
	for name, t := range w {
		s[name] = d.out(what+" "+name, t)
		d.perChain(what+" "+name, s[name], chains)
	}
	return s
}

func (d *decoder) perChain(name string, t *tensor.Tensor, chains int) {
	if d.err == nil && (len(t.Shape) == 0 || t.Shape[0] != chains) {
		d.err = shapeError(name, "shape %v for %d chains", t.Shape, chains)
	}
}

func (s *samplerServer) Start(ctx context.Context, r *pb.StartRequest) (*pb.StartReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	chains, err := chainsFromWire(r.Chains)
	if err != nil {
		return nil, err
	}
	de := decoder{arena: a}
	state, at := de.places("state", r.State, chains.Len()), de.inOpt("start", r.At)
	if at != nil {
		de.perChain("start", at, chains.Len())
	}
	if de.err != nil {
		return nil, de.err
	}
	var steps int
	var st []contract.Status
	if starter, ok := s.sampler.(contract.Starter); at == nil {
		steps, st, err = s.sampler.Start(ctx, chains, state)
	} else if ok {
		steps, st, err = starter.StartAt(ctx, chains, at, state)
	} else {
		err = contract.Unsupported(s.sampler.Describe(), contract.CapStart)
	}
	if err != nil {
		return nil, err
	}
	if steps < 0 {
		return nil, fmt.Errorf("Start answered %d steps: %w", steps, contract.ErrInternal)
	}
	reply := &pb.StartReply{State: make(map[string]*pb.Tensor, len(state)), Steps: uint64(steps), Status: statusToWire(st)}
	for name, t := range state {
		reply.State[name] = filled(a, t)
	}
	return reply, nil
}

func (s *samplerServer) Step(ctx context.Context, r *pb.StepRequest) (*pb.StepReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	chains, err := chainsFromWire(r.Chains)
	if err != nil {
		return nil, err
	}
	de := decoder{arena: a}
	state, next := de.inputs("state", r.State, chains.Len()), de.places("next", r.Next, chains.Len())
	if de.err != nil {
		return nil, de.err
	}
	res, err := s.sampler.Step(ctx, int(r.Step), chains, state, next)
	if err != nil {
		return nil, err
	}
	reply := &pb.StepReply{Next: make(map[string]*pb.Tensor, len(next)), Done: res.Done, Status: statusToWire(res.Status)}
	for name, t := range next {
		reply.Next[name] = filled(a, t)
	}
	if len(res.Numbers) > 0 {
		reply.Numbers = make(map[string]*pb.Numbers, len(res.Numbers))
		for name, v := range res.Numbers {
			reply.Numbers[name] = &pb.Numbers{Value: v}
		}
	}
	return reply, nil
}
