package gmm

import (
	"context"
	"fmt"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
)

// noData is the error of calls that want data: this prior knows models alone.
func noData(what string) error {
	return fmt.Errorf("prior gmm: %s of data: it is a prior of models only: %w", what, contract.ErrUnsupported)
}

// Decode implements contract.Decoder: the model is the latent vector, rounded to the model's dtype. Nothing is clamped.
// Statuses: OUT_OF_BOUNDS for a z that is NaN or infinite, DIVERGED for one beyond float32 where the model is float32.
// Errors: ErrUnsupported when data are wanted. It needs no training.
func (p *Prior) Decode(_ context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if data != nil {
		return nil, noData("Decode")
	}
	if err := c.latent.Check("prior gmm: latent", z, -1); err != nil {
		return nil, err
	}
	if model == nil {
		return nil, nil
	}
	if err := c.model.Check("prior gmm: model", model, z.Batch()); err != nil {
		return nil, err
	}
	convert(model, z)
	return c.judge(z, model), nil
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
		return nil, noData("Encode")
	}
	if err := c.model.Check("prior gmm: model", model, -1); err != nil {
		return nil, err
	}
	if err := c.latent.Check("prior gmm: latent", z, model.Batch()); err != nil {
		return nil, err
	}
	convert(z, model)
	return c.judge(z, z), nil
}

// DecodeVJP implements contract.DecodeAdjoint: dz = wModel, in float64.
func (p *Prior) DecodeVJP(_ context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if wData != nil {
		return nil, noData("DecodeVJP")
	}
	return c.directions(z, wModel, dz, c.model.DType, c.latent.DType, "cotangent")
}

// DecodeJVP implements contract.DecodeTangent: dModel = dz, rounded to the model's dtype.
func (p *Prior) DecodeJVP(_ context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if dData != nil {
		return nil, noData("DecodeJVP")
	}
	if dModel == nil {
		return nil, c.latent.Check("prior gmm: latent", z, -1)
	}
	return c.directions(z, dz, dModel, c.latent.DType, c.model.DType, "direction")
}

// directions copies K directions per item, in (batch or 1, K, ...) of dtype from, to out (batch, K, ...) of dtype to.
func (c *configured) directions(z, in, out *tensor.Tensor, from, to tensor.DType, what string) ([]contract.Status, error) {
	if err := c.latent.Check("prior gmm: latent", z, -1); err != nil {
		return nil, err
	}
	batch, item := z.Batch(), c.model.ItemShape()
	if err := in.Check("prior gmm: "+what, from, append([]int{-1, -1}, item...)...); err != nil {
		return nil, err
	}
	sets, k := in.Shape[0], in.Shape[1]
	if sets != batch && sets != 1 {
		return nil, fmt.Errorf("%w: prior gmm: %s has %d sets for %d items, want %d or 1", tensor.ErrShape, what, sets, batch, batch)
	}
	if err := out.Check("prior gmm: result for the "+what, to, append([]int{batch, k}, item...)...); err != nil {
		return nil, err
	}
	for i := range batch {
		set := 0
		if sets != 1 {
			set = i
		}
		convert(out.Item(i), in.Item(set))
	}
	return c.judge(z, z), nil
}
