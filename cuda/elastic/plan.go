package elastic

import (
	"cmp"
	"slices"

	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/cpml"
	"github.com/waveprior/waveprior/cuda/march"
)

// Plan is a propagator on a device: a march.Plan, of which a model is (3, nz, nx), vp and vs in m/s and rho in kg/m3, and a model's
// data (2, shots, rows, receivers): vx and vz in m/s at the receivers after the last step of a row. Velocities of step n lie half
// a step after its forces.
type Plan[T cuda.Float] struct {
	*march.Plan[T]
	config Config

	shape             shape
	profile, wavelet  cuda.Buffer
	sources, injected march.Lists     // struct Entries of shot.h
	batch             *march.Batch[T] // nil: whole shots, one for each thread
}

// New makes a plan; Close frees its memory. The configuration is kept and must not change.
func New[T cuda.Float](d cuda.Device, c Config) (*Plan[T], error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	layers := c
	c = c.withEdges()
	c.Batched = c.Batched || d.Name() != "cpu"
	p := &Plan[T]{config: c, shape: c.shape()}
	s := &p.shape
	p.Plan = march.NewPlan(d, march.Sizes{Family: "elastic", Nodes: 3 * c.NZ * c.NX, Data: int(s.Shots) * s.perShot(), Shots: int(s.Shots),
		Materials: parts * s.compact()}, march.Physics[T](p))
	if err := p.fill(&layers); err != nil {
		p.Rooms.Close()
		return nil, err
	}
	return p, nil
}

// fill puts on the device what no model changes; layers has them without the edges.
func (p *Plan[T]) fill(layers *Config) error {
	c, s := &p.config, &p.shape
	rows, wide := int(s.Rows), int(s.Wide)
	profile := make([]T, 4*wide+4*rows)
	layer := cpml.Layer{SpeedMS: c.LayerSpeed, Hz: c.LayerHz, SpacingM: c.SpacingM, StepS: c.StepS}
	cpml.Along(layer, profile[s.Lead:4*wide], wide, int(s.Cols), layers.Left, c.Right)
	cpml.Along(layer, profile[4*wide:], rows, rows, layers.Top, c.Bottom)
	var err error
	if p.profile, err = p.Rooms.Put("profile", cuda.BytesOf(profile)); err != nil {
		return err
	}
	if p.wavelet, err = march.PutWavelets[T](p.Rooms, c.Wavelets); err != nil {
		return err
	}
	if c.Batched {
		p.batch, err = p.newBatch()
		return err
	}
	if p.sources, err = p.entries("sources", p.acting()); err != nil {
		return err
	}
	p.injected, err = p.entries("injected", [][]entry{p.driving()})
	return err
}

// acting are what every shot's nodes put into fields.
func (p *Plan[T]) acting() [][]entry {
	c := &p.config
	// A force adds dt/(rho h^2) q = b q/(h c), a moment rate takes away dt/h^2 q.
	sources := make([][]entry, len(c.Sources))
	for k, nodes := range c.Sources {
		for _, n := range nodes {
			e := p.entry(n)
			if n.Field <= VZ {
				e.weight /= c.SpacingM * c.first()
			} else {
				e.weight *= -c.StepS / (c.SpacingM * c.SpacingM)
			}
			sources[k] = append(sources[k], e)
		}
	}
	return sources
}

// driving are what the receivers' channels put into fields of the transpose.
func (p *Plan[T]) driving() []entry {
	c := &p.config
	var all []entry
	for component := range 2 {
		for k, r := range c.Receivers {
			for _, n := range r[component] {
				e := p.entry(n)
				e.channel = int64(component*len(c.Receivers) + k)
				all = append(all, e)
			}
		}
	}
	return all
}

// first is the difference's first weight.
func (c *Config) first() float64 {
	if c.Order == 2 {
		return 1
	}
	return 9.0 / 8
}

// beta is dt/h times that: what inverse densities and moduli are multiplied by.
func (c *Config) beta() float64 { return c.first() * c.StepS / c.SpacingM }

// entry is what a node puts into a field.
type entry struct {
	row, place, node, channel int64 // as Node of shot.h has them
	weight                    float64
}

func (p *Plan[T]) place(n Node) int64 {
	row, col := n.IZ+p.config.Top, n.IX+p.config.Left+int(p.shape.Lead)
	return int64(int(n.Field)*p.shape.field() + p.shape.origin() + row*p.shape.stride() + col)
}

func (p *Plan[T]) entry(n Node) entry {
	row, col := n.IZ+p.config.Top, n.IX+p.config.Left+int(p.shape.Lead)
	e := entry{row: int64(row), place: p.place(n), node: int64(int(n.Field)*p.shape.compact() + row*int(p.shape.Wide) + col), weight: n.Weight}
	if n.Field > VZ {
		e.row = p.shape.Rows + p.shape.Halo
	} else if p.config.FreeSurface && n.Field == VX && row == 0 {
		e.weight *= 2 // half a cell
	}
	return e
}

// beside tells whether next lies right of e and belongs to the next channel.
func (e entry) beside(next entry) bool {
	return next.row == e.row && next.node == e.node+1 && next.channel == e.channel+1
}

// entries puts lists of entries on the device, each in the order of its rows.
func (p *Plan[T]) entries(what string, lists [][]entry) (march.Lists, error) {
	start, node, weight := []int64{0}, []int64{}, []T{}
	for _, list := range lists {
		slices.SortStableFunc(list, func(a, b entry) int { return cmp.Compare(a.row, b.row) })
		runs := make([]int64, len(list))
		for i := len(list) - 1; i >= 0; i-- {
			runs[i] = 1
			if i+1 < len(list) && list[i].beside(list[i+1]) {
				runs[i] += runs[i+1]
			}
		}
		for i, e := range list {
			node = append(node, e.row, e.place, e.node, e.channel, runs[i])
			weight = append(weight, T(e.weight))
		}
		start = append(start, int64(len(weight)))
	}
	return march.PutLists(p.Rooms, what, start, node, weight)
}
