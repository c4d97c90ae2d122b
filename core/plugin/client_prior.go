package plugin

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	pb "github.com/waveprior/waveprior/core/proto/waveprior/v1"
	"github.com/waveprior/waveprior/core/tensor"
)

// priorClient is a prior in another process.
type priorClient struct {
	*remote
	rpc pb.PriorClient
}

func (p *priorClient) Configure(ctx context.Context, c contract.Config) (contract.Configured, error) {
	return p.configure(ctx, c, nil)
}

func (p *priorClient) Denoise(ctx context.Context, x *tensor.Tensor, level []int, x0 *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapDenoise); err != nil {
		return nil, err
	}
	c := p.start(ctx, "Denoise")
	req := &pb.DenoiseRequest{X: c.in("x", x), Level: c.indices("level", level), X0: c.out("x0", x0)}
	var reply *pb.DenoiseReply
	if c.err == nil {
		reply, err = p.rpc.Denoise(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.X0, reply.X0); err != nil {
			return err
		}
		st, err = c.status(reply.Status, x)
		return err
	})
	return st, err
}

func (p *priorClient) DenoiseVJP(ctx context.Context, x *tensor.Tensor, level []int, w, dx *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapDenoiseVJP); err != nil {
		return nil, err
	}
	c := p.start(ctx, "DenoiseVJP")
	req := &pb.DenoiseVJPRequest{X: c.in("x", x), Level: c.indices("level", level), W: c.in("w", w), Dx: c.out("dx", dx)}
	var reply *pb.DenoiseVJPReply
	if c.err == nil {
		reply, err = p.rpc.DenoiseVJP(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Dx, reply.Dx); err != nil {
			return err
		}
		st, err = c.status(reply.Status, x)
		return err
	})
	return st, err
}

func (p *priorClient) Decode(ctx context.Context, z, model, data *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapDecode); err != nil {
		return nil, err
	}
	c := p.start(ctx, "Decode")
	req := &pb.DecodeRequest{Z: c.in("z", z), Model: c.out("model", model), Data: c.out("data", data)}
	var reply *pb.DecodeReply
	if c.err == nil {
		reply, err = p.rpc.Decode(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Model, reply.Model); err != nil {
			return err
		}
		if err := c.take(req.Data, reply.Data); err != nil {
			return err
		}
		st, err = c.status(reply.Status, z)
		return err
	})
	return st, err
}

func (p *priorClient) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapDecodeVJP); err != nil {
		return nil, err
	}
	c := p.start(ctx, "DecodeVJP")
	req := &pb.DecodeVJPRequest{Z: c.in("z", z), WModel: c.in("w_model", wModel), WData: c.in("w_data", wData), Dz: c.out("dz", dz)}
	var reply *pb.DecodeVJPReply
	if c.err == nil {
		reply, err = p.rpc.DecodeVJP(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Dz, reply.Dz); err != nil {
			return err
		}
		st, err = c.status(reply.Status, z)
		return err
	})
	return st, err
}

func (p *priorClient) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapDecodeJVP); err != nil {
		return nil, err
	}
	c := p.start(ctx, "DecodeJVP")
	req := &pb.DecodeJVPRequest{Z: c.in("z", z), Dz: c.in("dz", dz), DModel: c.out("d_model", dModel), DData: c.out("d_data", dData)}
	var reply *pb.DecodeJVPReply
	if c.err == nil {
		reply, err = p.rpc.DecodeJVP(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.DModel, reply.DModel); err != nil {
			return err
		}
		if err := c.take(req.DData, reply.DData); err != nil {
			return err
		}
		st, err = c.status(reply.Status, z)
		return err
	})
	return st, err
}

func (p *priorClient) Encode(ctx context.Context, model, data, z *tensor.Tensor) (st []contract.Status, err error) {
	if err := p.need(contract.CapEncode); err != nil {
		return nil, err
	}
	c := p.start(ctx, "Encode")
	req := &pb.EncodeRequest{Model: c.in("model", model), Data: c.in("data", data), Z: c.out("z", z)}
	var reply *pb.EncodeReply
	if c.err == nil {
		reply, err = p.rpc.Encode(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Z, reply.Z); err != nil {
			return err
		}
		st, err = c.status(reply.Status, z)
		return err
	})
	return st, err
}

// Mixture asks for the sizes first and then for the tensors.
func (p *priorClient) Mixture(ctx context.Context) (*contract.Mixture, error) {
	if err := p.need(contract.CapMixture); err != nil {
		return nil, err
	}
	sizes := &contract.Mixture{}
	c := p.start(ctx, "Mixture")
	var reply *pb.MixtureReply
	var err error
	if c.err == nil {
		reply, err = p.rpc.Mixture(ctx, &pb.MixtureRequest{}, c.options())
	}
	err = c.finish(err, func() error {
		if sizes.Means, err = emptyTensor("means", int64(reply.Components), int64(reply.Dim)); err != nil {
			return c.wrap(err)
		}
		if sizes.Weights, err = emptyTensor("weights", int64(reply.Components)); err != nil {
			return c.wrap(err)
		}
		if sizes.Covariance, err = emptyTensor("covariance", reply.CovarianceShape...); err != nil {
			return c.wrap(err)
		}
		if err := checkMixture(sizes); err != nil {
			return c.wrap(err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c = p.start(ctx, "Mixture")
	req := &pb.MixtureRequest{Means: c.out("means", sizes.Means), Covariance: c.out("covariance", sizes.Covariance), Weights: c.out("weights", sizes.Weights)}
	if c.err == nil {
		reply, err = p.rpc.Mixture(ctx, req, c.options())
	}
	err = c.finish(err, func() error {
		if err := c.take(req.Means, reply.Means); err != nil {
			return err
		}
		if err := c.take(req.Covariance, reply.Covariance); err != nil {
			return err
		}
		return c.take(req.Weights, reply.Weights)
	})
	if err != nil {
		return nil, err
	}
	return sizes, nil
}

// maxMixture is the largest tensor of a mixture in bytes: sizes come from the other process and are allocated here.
const maxMixture = 8 << 30

func emptyTensor(name string, shape ...int64) (*tensor.Tensor, error) {
	_, s, bytes, err := layout(name, &pb.Tensor{Dtype: pb.DType_DTYPE_FLOAT64, Shape: shape})
	if err != nil {
		return nil, err
	}
	if bytes > maxMixture {
		return nil, fmt.Errorf("%s %v has %d bytes (at most %d): %w", name, s, bytes, maxMixture, contract.ErrShape)
	}
	return tensor.New(tensor.Float64, s...), nil
}
