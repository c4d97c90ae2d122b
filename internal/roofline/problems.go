package roofline

import (
	"errors"
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
		Run: trainingStep,
	},
	{
		Name: "The published network for 128 chains",
		What: "One evaluation of the same network for 128 rows, in tiles of 32: half of a step of the study's sampler.",
		Run:  evaluation,
	},
	{
		Name: "Scores of a mixture",
		What: "The exact denoiser of 1000 memorised examples and its transposed Jacobian: 100 coordinates, 1024 chains, float32; one width for\n" +
			"all coordinates.",
		Run: func(d cuda.Device) error { return scores[float32](d) },
	},
	{
		Name: "Normals",
		What: "2^24 standard normals, as the noise of 1024 chains of 16 384 numbers.",
		Run: func(d cuda.Device) error {
			const rows, width = 1024, 1 << 14
			to, err := d.Alloc(4 * rows * width)
			if err != nil {
				return err
			}
			return cuda.Normals[float32](d, to, width, cuda.Noise{}, rows, width)
		},
	},
}, helmholtzProblems, waveProblems)

// The published network: plugins/priors/kl-mlp has the same with its options.
const (
	mlpDim, mlpWidth, mlpBlocks, mlpBatch, mlpExamples, mlpLevels = 100, 2048, 12, 50, 1000, 200
	mlpParameters                                                 = 51_341_412
)

// mlp declares the network in a store and returns how a tape records it.
func mlp(d cuda.Device, s *nn.Store[float32]) (nn.Network[float32], error) {
	levels, err := nn.TimeTable[float32](d, mlpLevels)
	if err != nil {
		return nil, err
	}
	in := s.Linear("in", mlpDim+nn.TimeWidth, mlpWidth)
	var blocks []*nn.Residual
	for i := range mlpBlocks {
		blocks = append(blocks, s.Residual("blocks."+strconv.Itoa(i), mlpWidth))
	}
	out := s.Linear("out", mlpWidth, mlpDim)
	if n := s.Count(); n != mlpParameters {
		return nil, errors.New("the network has " + strconv.Itoa(n) + " parameters, the published one 51341412")
	}
	return func(t *nn.Tape[float32], level *nn.Index[float32], x ...*nn.Var[float32]) *nn.Var[float32] {
		h := t.GELU(t.Linear(in, t.Concat(x[0], t.Lookup(levels, level))))
		for _, b := range blocks {
			h = t.Residual(b, h)
		}
		return t.Linear(out, h)
	}, nil
}

func trainingStep(d cuda.Device) error {
	s := nn.NewStore[float32](d)
	net, err := mlp(d, s)
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
	level, x, eps := t.Index(mlpBatch), t.Input(false, mlpBatch, mlpDim), t.Input(false, mlpBatch, mlpDim)
	loss := t.SquareError(net(t, level, x), eps, 1.0/mlpBatch)
	var wrong []error
	room := func(bytes int) cuda.Buffer {
		b, err := d.Alloc(bytes)
		wrong = append(wrong, err)
		return b
	}
	set := diffusion.Set{
		Z: room(4 * mlpExamples * mlpDim), Alpha: room(8 * mlpLevels), Sigma: room(8 * mlpLevels),
		Examples: mlpExamples, Width: mlpDim, Levels: mlpLevels,
	}
	batch := diffusion.Batch{Index: room(4 * mlpBatch), Level: room(4 * mlpBatch), Rows: mlpBatch}
	if err := errors.Join(append(wrong, t.Err(), level.Bind(batch.Level, 0, mlpLevels-1),
		diffusion.Noised(d, x.Buffer(), eps.Buffer(), batch, set, [2]uint32{}, 0))...); err != nil {
		return err
	}
	if err := t.Forward(); err != nil {
		return err
	}
	_, err = t.Update(loss, nn.Adam{Schedule: nn.Constant(5e-4), Clip: 1, EMADecay: 0.9999}, 0)
	return err
}

func evaluation(d cuda.Device) error {
	const rows = 128
	s := nn.NewStore[float32](d)
	net, err := mlp(d, s)
	if err != nil {
		return err
	}
	if err := s.Allocate(nn.ForInference); err != nil {
		return err
	}
	e, err := nn.NewEvaluator(s, nn.Value, net, mlpDim)
	if err != nil {
		return err
	}
	return e.Forward(make([]float32, rows*mlpDim), make([]int32, rows), make([]float32, rows*mlpDim))
}

// scores evaluates a mixture of 1000 components in 100 dimensions at 1024 points, and pulls a vector back.
func scores[T cuda.Float](d cuda.Device) error {
	const n, dim, items = 1000, 100, 1024
	c := mixture.Components{Dim: dim, Means: make([]float64, n*dim), Weights: make([]float64, n), Variances: []float64{0.01}}
	for i := range c.Weights {
		c.Weights[i] = 1.0 / n
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
