package nn_test

import (
	"strconv"
	"testing"

	"github.com/waveprior/waveprior/core/nn"
	"github.com/waveprior/waveprior/cuda"
)

// mlp is the network of the memorisation study: Linear(dim + embed, width), GELU, blocks, Linear(width, dim).
type mlp struct{ dim, embed, width, blocks int }

type declaredMLP[T cuda.Float] struct {
	mlp
	in, out *nn.Linear
	blocks  []*nn.Residual
}

func declareMLP[T cuda.Float](s *nn.Store[T], c mlp) *declaredMLP[T] {
	m := &declaredMLP[T]{mlp: c, in: s.Linear("in", c.dim+c.embed, c.width)}
	for i := range c.blocks {
		m.blocks = append(m.blocks, s.Residual("blocks."+strconv.Itoa(i), c.width))
	}
	m.out = s.Linear("out", c.width, c.dim)
	return m
}

// record is the network of x (rows, dim) and the embedding e (rows, embed).
func (m *declaredMLP[T]) record(t *nn.Tape[T], x, e *nn.Var[T]) *nn.Var[T] {
	h := t.GELU(t.Linear(m.in, t.Concat(x, e)))
	for _, b := range m.blocks {
		h = t.Residual(b, h)
	}
	return t.Linear(m.out, h)
}

// The published network has 51 341 412 parameters.
func TestPublishedCount(t *testing.T) {
	s := nn.NewStore[float32](device(t, 1))
	declareMLP(s, mlp{dim: 100, embed: 256, width: 2048, blocks: 12})
	if got := s.Count(); got != 51_341_412 {
		t.Errorf("%d parameters, the published network has 51341412", got)
	}
}
