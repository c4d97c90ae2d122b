package wave

import (
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/cpml"
	"github.com/waveprior/waveprior/cuda/march"
)

// Plan is a propagator on a device: a march.Plan, of which a model is (nz, nx) velocities in m/s, and a model's data (shots,
// steps, receivers): row n of a shot is the field at the receivers at (n + 1) dt.
type Plan[T cuda.Float] struct {
	*march.Plan[T]
	config Config

	shape              shape
	kernel             march.Kernel
	profile, wavelet   cuda.Buffer
	sources, receivers march.Lists     // struct Points of shot.h
	batch              *march.Batch[T] // nil: whole shots, one for each thread
	slowest            []int           // the node of the least velocity of every model of a call
}

// New makes a plan; Close frees its memory. The configuration is kept and must not change.
func New[T cuda.Float](d cuda.Device, c Config) (*Plan[T], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	layers := c
	c = c.withEdges()
	p := &Plan[T]{config: c, shape: c.shape(), kernel: acousticShots}
	s := &p.shape
	p.Plan = march.NewPlan(d, march.Sizes{Family: "wave", Nodes: c.NZ * c.NX, Data: int(s.Shots) * s.perShot(), Shots: int(s.Shots),
		Materials: s.compact(), Extra: c.Sponge}, march.Physics[T](p))
	if err := p.fill(&layers); err != nil {
		p.Rooms.Close()
		return nil, err
	}
	return p, nil
}

// fill puts on the device what no model changes.
func (p *Plan[T]) fill(layers *Config) error {
	c, s := &p.config, &p.shape
	rows, wide := int(s.Rows), int(s.Wide)
	var profile []T
	if c.Sponge {
		p.kernel = spongeShots
		profile = make([]T, s.compact())
		spongeProfile(c, s, profile)
	} else {
		profile = make([]T, 4*wide+4*rows)
		layer := cpml.Layer{SpeedMS: c.LayerSpeed, Hz: c.LayerHz, SpacingM: c.SpacingM, StepS: c.StepS}
		cpml.Along(layer, profile[:4*wide], wide, int(s.Cols), layers.Left, c.Right)
		cpml.Along(layer, profile[4*wide:], rows, rows, layers.Top, c.Bottom)
	}
	var err error
	if p.profile, err = p.Rooms.Put("profile", cuda.BytesOf(profile)); err != nil {
		return err
	}
	if p.wavelet, err = march.PutWavelets[T](p.Rooms, c.Wavelets); err != nil {
		return err
	}
	if p.Device.Name() != "cpu" || c.Batched {
		p.batch, err = p.newBatch(len(profile))
		return err
	}
	if p.sources, err = p.points("sources", c.Sources); err != nil {
		return err
	}
	p.receivers, err = p.points("receivers", c.Receivers)
	return err
}

func (p *Plan[T]) points(what string, list [][]Node) (march.Lists, error) {
	start, node, weight := []int64{0}, []int64{}, []T{}
	for _, nodes := range list {
		for _, n := range nodes {
			row, col := n.IZ+p.config.Top, n.IX+p.config.Left
			node = append(node, int64(row*int(p.shape.Wide)+col), int64(row*p.shape.stride()+col))
			weight = append(weight, T(n.Weight))
		}
		start = append(start, int64(len(weight)))
	}
	return march.PutLists(p.Rooms, what, start, node, weight)
}
