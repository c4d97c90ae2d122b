package elastic

import (
	"math"

	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/elastic"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

func newSetup(o *Options, device string, threads int) (*intime.Setup, *limits, error) {
	if err := o.fill(); err != nil {
		return nil, nil, err
	}
	l := newLimits(o)
	if l.Upper <= l.lowest() {
		return nil, nil, invalid("no velocity suits both: %s, and %s for the slowest wave", l.Stable(), l.Carried())
	}
	cells, top := *o.Boundary.Cells, *o.Boundary.Cells
	if o.FreeSurface {
		top = 0
	}
	c := elastic.Config{
		NZ: *o.Grid.NZ, NX: *o.Grid.NX, SpacingM: *o.Grid.SpacingM, StepS: l.DT, Steps: *o.NT * l.each, Each: l.each, Order: o.Order,
		Top: top, Bottom: cells, Left: cells, Right: cells, FreeSurface: o.FreeSurface,
		LayerSpeed: o.VpMaxMS, LayerHz: *o.Wavelet.PeakHz,
	}
	sources, receivers, err := place(o, &c)
	if err != nil {
		return nil, nil, err
	}
	q, err := o.wavelet(l.DT, l.each)
	if err != nil {
		return nil, nil, err
	}
	for range c.Sources {
		c.Wavelets = append(c.Wavelets, q)
	}
	s := &intime.Setup{Spaces: calls.Spaces{Solver: "elastic"}, Judge: l.check, Threads: max(1, threads),
		Scheme: &seismic.Scheme{Order: o.Order, Staggered: true, StepS: l.DT, SpacingM: l.H, PeakHz: *o.Wavelet.PeakHz, HighestHz: l.HighestHz, ShearOfVp: l.ratio}}
	dtype := intime.Precision(o.Precision)
	lower, upper := intime.Bounds(l.lowest(), l.Upper, dtype)
	l.Upper = upper
	quantities := []space.Quantity{{Name: "vp", Unit: "m/s", Lower: &lower, Upper: &upper}}
	if l.vs {
		_, shear := intime.Bounds(0, l.Upper/math.Sqrt2, dtype)
		quantities = append(quantities, space.Quantity{Name: "vs", Unit: "m/s", Lower: ptr(0.0), Upper: &shear})
	}
	if l.rho {
		quantities = append(quantities, space.Quantity{Name: "rho", Unit: "kg/m3", Lower: ptr(float64(leastDensity))})
	}
	s.SetSpaces(dtype, &o.Grid, quantities, intime.Gather{Shots: sources, Receivers: receivers, Samples: *o.NT, DtS: *o.DtS,
		Quantities: []space.Quantity{{Name: "vx", Unit: "m/s"}, {Name: "vz", Unit: "m/s"}}})
	if err := s.Open(device, o.MemoryMB, plan[float32](c, &l.earth), plan[float64](c, &l.earth)); err != nil {
		return nil, nil, err
	}
	return s, &l, nil
}

func plan[T cuda.Float](c elastic.Config, e *earth) func(d cuda.Device, memory int) (intime.Plan[T], error) {
	return func(d cuda.Device, memory int) (intime.Plan[T], error) {
		c.Memory = memory
		p, err := elastic.New[T](d, c)
		if err != nil || e.fields() == 3 {
			return p, err
		}
		return &computed[T]{e, p}, nil
	}
}

// place puts sources and receivers on the fields' own nodes, and returns the axes that they make.
func place(o *Options, c *elastic.Config) (sources, receivers space.Axis, err error) {
	on := func(f elastic.Field, zx []float64, scale float64) ([]elastic.Node, error) {
		sinc := seismic.Sinc{HalfWidth: o.SincHalfWidth, NZ: c.NZ, NX: c.NX, SpacingM: c.SpacingM,
			Top: c.Top, Bottom: c.Bottom, Left: c.Left, Right: c.Right}
		switch f { // velocities are even about a free surface
		case elastic.VX:
			sinc.OffsetX, sinc.FreeSurface, sinc.Even = 0.5, c.FreeSurface, true
		case elastic.VZ:
			sinc.OffsetZ, sinc.FreeSurface, sinc.Even = 0.5, c.FreeSurface, true
		}
		nodes, err := sinc.Nodes(zx[0], zx[1])
		var out []elastic.Node
		for _, n := range nodes {
			out = append(out, elastic.Node{Field: f, IZ: n.IZ, IX: n.IX, Weight: scale * n.Weight})
		}
		return out, err
	}
	from, err := o.Sources.List("sources")
	if err != nil {
		return sources, receivers, invalid("%w", err)
	}
	to, err := o.Receivers.List("receivers")
	if err != nil {
		return sources, receivers, invalid("%w", err)
	}
	act := map[elastic.Field]float64{elastic.SXX: 1, elastic.SZZ: 1}
	if o.Source.Kind == "force" {
		act = map[elastic.Field]float64{elastic.VZ: o.Source.Direction[0], elastic.VX: o.Source.Direction[1]}
	}
	for k, zx := range from {
		var all []elastic.Node
		for f := elastic.VX; f <= elastic.SZZ; f++ {
			if act[f] == 0 {
				continue
			}
			nodes, err := on(f, zx, act[f])
			if err != nil {
				return sources, receivers, invalid("sources: position %d %w", k, err)
			}
			all = append(all, nodes...)
		}
		c.Sources = append(c.Sources, all)
	}
	for k, zx := range to {
		var both [2][]elastic.Node
		for f := range both {
			if both[f], err = on(elastic.Field(f), zx, 1); err != nil {
				return sources, receivers, invalid("receivers: position %d %w", k, err)
			}
		}
		c.Receivers = append(c.Receivers, both)
	}
	return seismic.Axis("shot", from), seismic.Axis("receiver", to), nil
}
