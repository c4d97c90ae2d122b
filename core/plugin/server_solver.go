package plugin

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
)

// solverServer serves a solver: a plugin's own, or one of the host as a service for samplers.
type solverServer struct {
	pb.UnimplementedSolverServer
	solver contract.FullSolver
	begin  begin
}

func (s *solverServer) Forward(ctx context.Context, r *pb.ForwardRequest) (*pb.ForwardReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	m, d := de.in("m", r.M), de.out("d", r.D)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.solver.Forward(ctx, m, d)
	if err != nil {
		return nil, err
	}
	return &pb.ForwardReply{D: filled(a, d), Status: statusToWire(st)}, nil
}

func (s *solverServer) Observe(ctx context.Context, r *pb.ObserveRequest) (*pb.ObserveReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	d := de.in("d", r.D)
	de.perItem("noise_std", len(r.NoiseStd), d)
	if de.err != nil {
		return nil, de.err
	}
	return &pb.ObserveReply{}, s.solver.Observe(ctx, d, r.NoiseStd)
}

func (s *solverServer) Misfit(ctx context.Context, r *pb.MisfitRequest) (*pb.MisfitReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	m, g := de.in("m", r.M), de.outOpt("gradient", r.Gradient)
	de.perItem("which", len(r.Which), m)
	if de.err != nil {
		return nil, de.err
	}
	if g != nil && g.Batch() != m.Batch() {
		return nil, fmt.Errorf("gradient has shape %v for models %v: %w", g.Shape, m.Shape, contract.ErrShape)
	}
	phi := make([]float64, m.Batch())
	st, err := s.solver.Misfit(ctx, m, toInts(r.Which), phi, g)
	if err != nil {
		return nil, err
	}
	return &pb.MisfitReply{Phi: phi, Gradient: filled(a, g), Status: statusToWire(st)}, nil
}

func (s *solverServer) JVP(ctx context.Context, r *pb.JVPRequest) (*pb.JVPReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	m, dm, dd := de.in("m", r.M), de.in("dm", r.Dm), de.out("dd", r.Dd)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.solver.JVP(ctx, m, dm, dd)
	if err != nil {
		return nil, err
	}
	return &pb.JVPReply{Dd: filled(a, dd), Status: statusToWire(st)}, nil
}

func (s *solverServer) VJP(ctx context.Context, r *pb.VJPRequest) (*pb.VJPReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	m, w, dm := de.in("m", r.M), de.in("w", r.W), de.out("dm", r.Dm)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.solver.VJP(ctx, m, w, dm)
	if err != nil {
		return nil, err
	}
	return &pb.VJPReply{Dm: filled(a, dm), Status: statusToWire(st)}, nil
}
