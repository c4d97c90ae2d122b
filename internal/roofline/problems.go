package roofline

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/diffusion"
	"github.com/waveprior/waveprior/cuda/mixture"
)

// Problems are the published pieces of work, in the page's order.
var Problems = slices.Concat([]Problem{
	{
		Name: "A training step of the published network",
		What: "The noise predictor of the memorisation study: 51 341 412 parameters, width 2048, 12 blocks; batch 50; 1000 examples of 100\n" +
			"coordinates. Noise, forward, backward, norm of the gradient, Adam with clipping and moving average (core/nn, float32).",
		Run: published.trainingStep, Small: smallNetwork.trainingStep,
	},
	{
		Name: "The published network for 128 chains",
		What: "One evaluation of the same network for 128 rows, in tiles of 32: half of a step of the study's sampler.",
		Run:  published.evaluation(128), Small: smallNetwork.evaluation(32),
	},
	{
		Name: "Scores of a mixture",
		What: "The exact denoiser of 1000 memorised examples and its transposed Jacobian: 100 coordinates, 1024 chains, float32; one width for\n" +
			"all coordinates.",
		Run: scores[float32](1000, 100, 1024), Small: scores[float32](60, 20, 64),
	},
	{
		Name: "Normals",
		What: "2^24 standard normals, as the noise of 1024 chains of 16 384 numbers.",
		Run:  normals(1024, 1<<14), Small: normals(16, 1<<10),
	},
}, helmholtzProblems, waveProblems, elasticProblems)

// network is a noise predictor and what it is trained with: plugins/priors/kl-mlp has the same with its options.
type network struct{ dim, width, blocks, batch, examples, levels int }

var (
	published    = network{dim: 100, width: 2048, blocks: 12, batch: 50, examples: 1000, levels: 200}
	smallNetwork = network{dim: 20, width: 64, blocks: 2, batch: 10, examples: 40, levels: 50}
)

// publishedParameters is what the study says of its network.
const publishedParameters = 51_341_412

// declare declares the network in a store and returns how a tape records it.
func (n network) declare(d cuda.Device, s *nn.Store[float32]) (nn.Network[float32], error) {
	levels, err := nn.TimeTable[float32](d, n.levels)
	if err != nil {
		return nil, err
	}
	in := s.Linear("in", n.dim+nn.TimeWidth, n.width)
	var blocks []*nn.Residual
	for i := range n.blocks {
		blocks = append(blocks, s.Residual("blocks."+strconv.Itoa(i), n.width))
	}
	out := s.Linear("out", n.width, n.dim)
	if p := s.Count(); n == published && p != publishedParameters {
		return nil, fmt.Errorf("the network has %d parameters, the published one %d", p, publishedParameters)
	}
	return func(t *nn.Tape[float32], level *nn.Index[float32], x ...*nn.Var[float32]) *nn.Var[float32] {
		h := t.GELU(t.Linear(in, t.Concat(x[0], t.Lookup(levels, level))))
		for _, b := range blocks {
			h = t.Residual(b, h)
		}
		return t.Linear(out, h)
	}, nil
}

func (n network) trainingStep(d cuda.Device) error {
	s := nn.NewStore[float32](d)
	net, err := n.declare(d, s)
	if err != nil {
		return err
	}
	if err := s.Allocate(nn.ForTraining); err != nil {
		return err
	}
	t, err := nn.NewTape(s, nn.Value, true)
	if err != nil {
		return err
	}
	level, x, eps := t.Index(n.batch), t.Input(false, n.batch, n.dim), t.Input(false, n.batch, n.dim)
	loss := t.SquareError(net(t, level, x), eps, 1/float64(n.batch))
	var wrong []error
	room := func(bytes int) cuda.Buffer {
		b, err := d.Alloc(bytes)
		wrong = append(wrong, err)
		return b
	}
	set := diffusion.Set{
		Z: room(4 * n.examples * n.dim), Alpha: room(8 * n.levels), Sigma: room(8 * n.levels),
		Examples: n.examples, Width: n.dim, Levels: n.levels,
	}
	batch := diffusion.Batch{Index: room(4 * n.batch), Level: room(4 * n.batch), Rows: n.batch}
	if err := errors.Join(append(wrong, t.Err(), level.Bind(batch.Level, 0, int32(n.levels-1)),
		diffusion.Noised(d, x.Buffer(), eps.Buffer(), batch, set, [2]uint32{}, 0))...); err != nil {
		return err
	}
	if err := t.Forward(); err != nil {
		return err
	}
	_, err = t.Update(loss, nn.Adam{Schedule: nn.Constant(5e-4), Clip: 1, EMADecay: 0.9999}, 0)
	return err
}

// evaluation is one evaluation for that many rows.
func (n network) evaluation(rows int) func(cuda.Device) error {
	return func(d cuda.Device) error {
		s := nn.NewStore[float32](d)
		net, err := n.declare(d, s)
		if err != nil {
			return err
		}
		if err := s.Allocate(nn.ForInference); err != nil {
			return err
		}
		e, err := nn.NewEvaluator(s, nn.Value, net, n.dim)
		if err != nil {
			return err
		}
		return e.Forward(make([]float32, rows*n.dim), make([]int32, rows), make([]float32, rows*n.dim))
	}
}

// normals draws rows of noise.
func normals(rows, width int) func(cuda.Device) error {
	return func(d cuda.Device) error {
		to, err := d.Alloc(4 * rows * width)
		if err != nil {
			return err
		}
		return cuda.Normals[float32](d, to, width, cuda.Noise{}, rows, width)
	}
}

// scores evaluates a mixture of n components in dim dimensions at some points, and pulls a vector back.
func scores[T cuda.Float](n, dim, items int) func(cuda.Device) error {
	return func(d cuda.Device) error {
		c := mixture.Components{Dim: dim, Means: make([]float64, n*dim), Weights: make([]float64, n), Variances: []float64{0.01}}
		for i := range c.Weights {
			c.Weights[i] = 1 / float64(n)
		}
		m, err := mixture.New[T](d, c)
		if err != nil {
			return err
		}
		level := make([]float64, items)
		for i := range level {
			level[i] = 0.5
		}
		x, out := make([]T, items*dim), make([]T, items*dim)
		return errors.Join(m.Denoise(out, x, level, level), m.VJP(out, x, x, level, level))
	}
}
