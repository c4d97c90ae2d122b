package klmlp

import (
	"context"
	"math"
	"sync"
	"sync/atomic"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/tensor"
	"github.com/waveprior/waveprior/plugins/priors/internal/latent"
)

// batch checks what the prior is called with.
func (c *configured) batch() latent.Space {
	return latent.Space{Prior: "kl-mlp", Space: c.latent, Levels: c.schedule.Steps()}
}

// Decode implements contract.Decoder: the model (batch, model...) is field.KL.Evaluate of the coordinates mean + std z, the
// floor included. Without a checkpoint mean is 0 and std 1: z are raw KL coordinates. Statuses: OUT_OF_BOUNDS for a z that
// is NaN or infinite, DIVERGED where the model overflows. Errors: ErrUnsupported when data are wanted.
func (p *Prior) Decode(ctx context.Context, z, model, data *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if data != nil {
		return nil, c.batch().NoData("Decode")
	}
	if err := c.batch().Check(z); err != nil {
		return nil, err
	}
	if model == nil {
		return nil, nil
	}
	if err := c.model.Check("prior kl-mlp: model", model, z.Batch()); err != nil {
		return nil, err
	}
	return c.items(ctx, z.Batch(), func(i int, w *work) contract.Status {
		c.raw(w.raw, z.Item(i))
		c.basis.Evaluate(w.cells, w.raw)
		model.Item(i).SetReals(w.cells)
		return c.batch().JudgeItem(z.Item(i), model.Item(i))
	})
}

// DecodeVJP implements contract.DecodeAdjoint: dz (batch, K, latent...) = std times field.KL.Transpose of wModel, with 0 for
// w where the floor acts. Statuses as Decode.
func (p *Prior) DecodeVJP(ctx context.Context, z, wModel, wData, dz *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if wData != nil {
		return nil, c.batch().NoData("DecodeVJP")
	}
	k, err := c.batch().CheckDirections(z, wModel, dz, &c.model, &c.latent, "cotangent")
	if err != nil {
		return nil, err
	}
	return c.items(ctx, z.Batch(), func(i int, w *work) contract.Status {
		held := c.held(w, z.Item(i))
		in, out := latent.Set(wModel, i), dz.Item(i)
		for j := range k {
			w.direction = in.Item(j).AppendReals(w.direction[:0])
			if held {
				w.zeroHeld(c.options.Floor)
			}
			c.basis.Transpose(w.raw, w.direction)
			for n, s := range c.std {
				w.raw[n] *= s
			}
			out.Item(j).SetReals(w.raw)
		}
		return c.batch().JudgeItem(z.Item(i), out)
	})
}

// DecodeJVP implements contract.DecodeTangent: dModel (batch, K, model...) = field.KL.Linear of std dz, 0 where the floor
// acts. Statuses as Decode.
func (p *Prior) DecodeJVP(ctx context.Context, z, dz, dModel, dData *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if dData != nil {
		return nil, c.batch().NoData("DecodeJVP")
	}
	if dModel == nil {
		return nil, c.batch().Check(z)
	}
	k, err := c.batch().CheckDirections(z, dz, dModel, &c.latent, &c.model, "direction")
	if err != nil {
		return nil, err
	}
	return c.items(ctx, z.Batch(), func(i int, w *work) contract.Status {
		held := c.held(w, z.Item(i))
		in, out := latent.Set(dz, i), dModel.Item(i)
		w.direction = w.direction[:len(w.cells)]
		for j := range k {
			w.raw = in.Item(j).AppendReals(w.raw[:0])
			for n, s := range c.std {
				w.raw[n] *= s
			}
			c.basis.Linear(w.direction, w.raw)
			if held {
				w.zeroHeld(c.options.Floor)
			}
			out.Item(j).SetReals(w.direction)
		}
		return c.batch().JudgeItem(z.Item(i), out)
	})
}

// Encode implements contract.Encoder: z are the least-squares coordinates of the model (field.KL.Project), standardised; what
// the basis does not span is lost. Statuses: OUT_OF_BOUNDS for a model that is NaN or infinite.
func (p *Prior) Encode(ctx context.Context, model, data, z *tensor.Tensor) ([]contract.Status, error) {
	c, err := p.state()
	if err != nil {
		return nil, err
	}
	if data != nil {
		return nil, c.batch().NoData("Encode")
	}
	if err := c.model.Check("prior kl-mlp: model", model, -1); err != nil {
		return nil, err
	}
	if err := c.latent.Check("prior kl-mlp: latent", z, model.Batch()); err != nil {
		return nil, err
	}
	return c.items(ctx, model.Batch(), func(i int, w *work) contract.Status {
		w.cells = model.Item(i).AppendReals(w.cells[:0])
		c.basis.Project(w.raw, w.cells)
		for n := range w.raw {
			w.raw[n] = (w.raw[n] - c.mean[n]) / c.std[n]
		}
		z.Item(i).SetReals(w.raw)
		if text, ok := c.model.FirstOutside(model.Item(i)); !ok {
			return contract.Status{Code: contract.OutOfBounds, Text: text}
		}
		return c.batch().JudgeItem(z.Item(i), z.Item(i))
	})
}

// work is the scratch of one goroutine.
type work struct {
	raw       []float64 // (K^2)
	cells     []float64 // (nz, nx)
	direction []float64 // (nz, nx)
}

// items calls f for every item; threads share them, and what comes out does not depend on how.
func (c *configured) items(ctx context.Context, n int, f func(i int, w *work) contract.Status) ([]contract.Status, error) {
	all := make([]contract.Status, n)
	var next atomic.Int64
	loop := func() {
		nz, nx := c.basis.Grid()
		w := &work{raw: make([]float64, c.basis.Dim()), cells: make([]float64, nz*nx), direction: make([]float64, 0, nz*nx)}
		for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
			all[i] = f(i, w)
		}
	}
	threads := min(c.threads, n)
	var wg sync.WaitGroup
	for range threads - 1 {
		wg.Go(loop)
	}
	loop()
	wg.Wait()
	var status []contract.Status
	for i, s := range all {
		status = contract.SetStatus(status, n, i, s)
	}
	return status, ctx.Err()
}

// raw fills dst with the raw coordinates mean + std z of an item.
func (c *configured) raw(dst []float64, z *tensor.Tensor) {
	for i, v := range z.Float32s() {
		dst[i] = math.FMA(c.std[i], float64(v), c.mean[i])
	}
}

// held computes the values that the floor is compared with into w.cells, and tells whether it acts anywhere.
func (c *configured) held(w *work, z *tensor.Tensor) bool {
	c.raw(w.raw, z)
	c.basis.Values(w.cells, w.raw)
	for _, v := range w.cells {
		if v < c.options.Floor {
			return true
		}
	}
	return false
}

// zeroHeld clears the direction where the floor acts.
func (w *work) zeroHeld(floor float64) {
	for i, v := range w.cells {
		if v < floor {
			w.direction[i] = 0
		}
	}
}
