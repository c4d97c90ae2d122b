package klmlp

import (
	"strconv"

	"github.com/waveprior/waveprior/core/nn"
)

// embedding is the width of a level's embedding.
const embedding = nn.TimeWidth

// network predicts noise: Linear(d + 256, H), GELU, L residual blocks h + GELU(LayerNorm(Linear(h))), Linear(H, d), of the
// noisy coordinates and the embedding of their level (memorisation study, section 3).
type network struct {
	in, out *nn.Linear
	blocks  []*nn.Residual
	levels  *nn.Table[float32]
}

// declare declares the network's parameters, for d coordinates.
func declare(s *nn.Store[float32], d int, o *Options) (*network, error) {
	table, err := nn.TimeTable[float32](s.Device(), o.Schedule.Steps)
	if err != nil {
		return nil, err
	}
	n := &network{levels: table, in: s.Linear("in", d+embedding, o.Width)}
	for i := range o.Blocks {
		n.blocks = append(n.blocks, s.Residual("blocks."+strconv.Itoa(i), o.Width))
	}
	n.out = s.Linear("out", o.Width, d)
	return n, nil
}

// free gives the table of levels back; the parameters are their store's.
func (n *network) free() error { return n.levels.Free() }

// record is the network of in[0] (rows, d); an nn.Network.
func (n *network) record(t *nn.Tape[float32], level *nn.Index[float32], in ...*nn.Var[float32]) *nn.Var[float32] {
	h := t.GELU(t.Linear(n.in, t.Concat(in[0], t.Lookup(n.levels, level))))
	for _, b := range n.blocks {
		h = t.Residual(b, h)
	}
	return t.Linear(n.out, h)
}
