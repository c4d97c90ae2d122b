package gmm

import (
	"context"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/priors/internal/latent"
)

// Decode implements contract.Decoder: the model is the latent vector, rounded to the model's dtype. Nothing is clamped.
// Statuses: OUT_OF_BOUNDS for a z that is NaN or infinite, DIVERGED for one beyond float32 where the model is float32.
// Errors: ErrUnsupported when data are wanted. It needs no training.
func (p *Prior) Decode(_ context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if data != nil {
		return nil, c.batch.NoData("Decode")
	}
	if err := c.batch.Check(z); err != nil {
		return nil, err
	}
	if model == nil {
		return nil, nil
	}
	if err := c.model.Check("prior gmm: model", model, z.Batch()); err != nil {
		return nil, err
	}
	convert(model, z)
	return c.batch.Judge(z, model), nil
}

// convert copies src to dst, float64 and float32 either way, rounding to nearest.
func convert(dst, src *tensor.Tensor) {
	switch {
	case dst.DType == src.DType:
		dst.CopyFrom(src)
	case dst.DType == tensor.Float32:
		d := dst.Float32s()
		for i, v := range src.Float64s() {
			d[i] = float32(v)
		}
	default:
		d := dst.Float64s()
		for i, v := range src.Float32s() {
			d[i] = float64(v)
		}
	}
}

// Encode implements contract.Encoder: z is the model, exactly. Statuses: OUT_OF_BOUNDS for a model that is NaN or infinite.
func (p *Prior) Encode(_ context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if data != nil {
		return nil, c.batch.NoData("Encode")
	}
	if err := c.model.Check("prior gmm: model", model, -1); err != nil {
		return nil, err
	}
	if err := c.batch.Space.Check("prior gmm: latent", z, model.Batch()); err != nil {
		return nil, err
	}
	convert(z, model)
	return c.batch.Judge(z, z), nil
}

// DecodeVJP implements contract.DecodeAdjoint: dz = wModel, in float64.
func (p *Prior) DecodeVJP(_ context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if wData != nil {
		return nil, c.batch.NoData("DecodeVJP")
	}
	return c.directions(z, wModel, dz, &c.model, &c.batch.Space, "cotangent")
}

// DecodeJVP implements contract.DecodeTangent: dModel = dz, rounded to the model's dtype.
func (p *Prior) DecodeJVP(_ context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if dData != nil {
		return nil, c.batch.NoData("DecodeJVP")
	}
	if dModel == nil {
		return nil, c.batch.Check(z)
	}
	return c.directions(z, dz, dModel, &c.batch.Space, &c.model, "direction")
}

// directions copies K directions per item, in (batch or 1, K, ...) as in from, to out (batch, K, ...) as in to.
func (c *configured) directions(z, in, out *tensor.Tensor, from, to *space.Space, what string) ([]contract.Status, error) {
	if _, err := c.batch.CheckDirections(z, in, out, from, to, what); err != nil {
		return nil, err
	}
	for i := range z.Batch() {
		convert(out.Item(i), latent.Set(in, i))
	}
	return c.batch.Judge(z, z), nil
}
