package plugin

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// priorServer serves a prior: a plugin's own, or the host's as a service for samplers.
type priorServer struct {
	pb.UnimplementedPriorServer
	prior contract.FullPrior
	begin begin
}

func (s *priorServer) Denoise(ctx context.Context, r *pb.DenoiseRequest) (*pb.DenoiseReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	x, x0 := de.in("x", r.X), de.out("x0", r.X0)
	de.perItem("level", len(r.Level), x)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.Denoise(ctx, x, toInts(r.Level), x0)
	if err != nil {
		return nil, err
	}
	return &pb.DenoiseReply{X0: filled(a, x0), Status: statusToWire(st)}, nil
}

func (s *priorServer) DenoiseVJP(ctx context.Context, r *pb.DenoiseVJPRequest) (*pb.DenoiseVJPReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	x, w, dx := de.in("x", r.X), de.in("w", r.W), de.out("dx", r.Dx)
	de.perItem("level", len(r.Level), x)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.DenoiseVJP(ctx, x, toInts(r.Level), w, dx)
	if err != nil {
		return nil, err
	}
	return &pb.DenoiseVJPReply{Dx: filled(a, dx), Status: statusToWire(st)}, nil
}

func (s *priorServer) Decode(ctx context.Context, r *pb.DecodeRequest) (*pb.DecodeReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	z, model, data := de.in("z", r.Z), de.outOpt("model", r.Model), de.outOpt("data", r.Data)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.Decode(ctx, z, model, data)
	if err != nil {
		return nil, err
	}
	return &pb.DecodeReply{Model: filled(a, model), Data: filled(a, data), Status: statusToWire(st)}, nil
}

func (s *priorServer) DecodeVJP(ctx context.Context, r *pb.DecodeVJPRequest) (*pb.DecodeVJPReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	z, wModel, wData, dz := de.in("z", r.Z), de.inOpt("w_model", r.WModel), de.inOpt("w_data", r.WData), de.out("dz", r.Dz)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.DecodeVJP(ctx, z, wModel, wData, dz)
	if err != nil {
		return nil, err
	}
	return &pb.DecodeVJPReply{Dz: filled(a, dz), Status: statusToWire(st)}, nil
}

func (s *priorServer) DecodeJVP(ctx context.Context, r *pb.DecodeJVPRequest) (*pb.DecodeJVPReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	z, dz, dModel, dData := de.in("z", r.Z), de.in("dz", r.Dz), de.outOpt("d_model", r.DModel), de.outOpt("d_data", r.DData)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.DecodeJVP(ctx, z, dz, dModel, dData)
	if err != nil {
		return nil, err
	}
	return &pb.DecodeJVPReply{DModel: filled(a, dModel), DData: filled(a, dData), Status: statusToWire(st)}, nil
}

func (s *priorServer) Encode(ctx context.Context, r *pb.EncodeRequest) (*pb.EncodeReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	de := decoder{arena: a}
	model, data, z := de.inOpt("model", r.Model), de.inOpt("data", r.Data), de.out("z", r.Z)
	if de.err != nil {
		return nil, de.err
	}
	st, err := s.prior.Encode(ctx, model, data, z)
	if err != nil {
		return nil, err
	}
	return &pb.EncodeReply{Z: filled(a, z), Status: statusToWire(st)}, nil
}

func (s *priorServer) Mixture(ctx context.Context, r *pb.MixtureRequest) (*pb.MixtureReply, error) {
	a, end, err := s.begin()
	if err != nil {
		return nil, err
	}
	defer end()
	mix, err := s.prior.Mixture(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkMixture(mix); err != nil {
		return nil, err
	}
	n, dim := mix.Means.Shape[0], mix.Means.Shape[1]
	reply := &pb.MixtureReply{Components: uint32(n), Dim: uint32(dim), CovarianceShape: header(mix.Covariance).Shape}
	if r.Means == nil {
		return reply, nil
	}
	de := decoder{arena: a}
	means, covariance, weights := de.out("means", r.Means), de.out("covariance", r.Covariance), de.out("weights", r.Weights)
	if de.err != nil {
		return nil, de.err
	}
	for _, p := range []struct {
		name     string
		to, from *tensor.Tensor
	}{{"means", means, mix.Means}, {"covariance", covariance, mix.Covariance}, {"weights", weights, mix.Weights}} {
		if err := p.to.Check(p.name, tensor.Float64, p.from.Shape...); err != nil {
			return nil, err
		}
		p.to.CopyFrom(p.from)
	}
	reply.Means, reply.Covariance, reply.Weights = filled(a, means), filled(a, covariance), filled(a, weights)
	return reply, nil
}

// checkMixture checks the shapes that the contract promises.
func checkMixture(m *contract.Mixture) error {
	if m == nil {
		return fmt.Errorf("the prior answered no mixture: %w", contract.ErrInternal)
	}
	if err := m.Means.Check("means", tensor.Float64, -1, -1); err != nil {
		return err
	}
	n, dim := m.Means.Shape[0], m.Means.Shape[1]
	if err := m.Weights.Check("weights", tensor.Float64, n); err != nil {
		return err
	}
	if m.Covariance == nil {
		return fmt.Errorf("covariance is missing: %w", contract.ErrShape)
	}
	switch s := m.Covariance.Shape; {
	case len(s) == 1 && s[0] == 1:
		return m.Covariance.Check("covariance", tensor.Float64, 1)
	case len(s) == 1:
		return m.Covariance.Check("covariance", tensor.Float64, dim)
	default:
		return m.Covariance.Check("covariance", tensor.Float64, dim, dim)
	}
}
