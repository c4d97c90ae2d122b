package elastic

import (
	"fmt"
	"math"

	"github.com/waveprior/waveprior/core/contract"
	"github.com/waveprior/waveprior/core/machine"
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/core/tensor"
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
	if l.upper <= l.lowest() {
		return nil, nil, invalid("no velocity suits both: %s, and %s for the slowest wave", l.stable(), l.carried())
	}
	cells, top := *o.Boundary.Cells, *o.Boundary.Cells
	if o.FreeSurface {
		top = 0
	}
	c := elastic.Config{
		NZ: *o.Grid.NZ, NX: *o.Grid.NX, SpacingM: *o.Grid.SpacingM, StepS: l.dt, Steps: *o.NT * l.each, Each: l.each, Order: o.Order,
		Top: top, Bottom: cells, Left: cells, Right: cells, FreeSurface: o.FreeSurface,
		LayerSpeed: o.VpMaxMS, LayerHz: *o.Wavelet.PeakHz, Memory: min(o.MemoryMB<<20, int(machine.Available()/2)),
	}
	sources, receivers, err := place(o, &c)
	if err != nil {
		return nil, nil, err
	}
	q, err := o.wavelet(l.dt, l.each)
	if err != nil {
		return nil, nil, err
	}
	for range c.Sources {
		c.Wavelets = append(c.Wavelets, q)
	}
	s := &intime.Setup{Spaces: calls.Spaces{Solver: "elastic"}, Judge: l.check, Threads: max(1, threads), Shots: len(c.Sources),
		Scheme: &seismic.Scheme{Order: o.Order, Staggered: true, StepS: l.dt, SpacingM: l.h, PeakHz: *o.Wavelet.PeakHz, HighestHz: l.hz, ShearOfVp: l.ratio}}
	dtype := tensor.Float32
	if o.Precision == "float64" {
		dtype = tensor.Float64
	}
	lower, upper := intime.Bounds(l.lowest(), l.upper, dtype)
	l.upper = upper
	quantities := []space.Quantity{{Name: "vp", Unit: "m/s", Lower: &lower, Upper: &upper}}
	if l.vs {
		_, shear := intime.Bounds(0, l.upper/math.Sqrt2, dtype)
		quantities = append(quantities, space.Quantity{Name: "vs", Unit: "m/s", Lower: ptr(0.0), Upper: &shear})
	}
	if l.rho {
		quantities = append(quantities, space.Quantity{Name: "rho", Unit: "kg/m3", Lower: ptr(float64(leastDensity))})
	}
	s.Model = space.Space{Name: "model", DType: dtype, Quantities: quantities,
		Axes: []space.Axis{{Name: "field", Size: len(quantities)}, {Name: "z", Unit: "m", Size: c.NZ, Step: c.SpacingM},
			{Name: "x", Unit: "m", Size: c.NX, Step: c.SpacingM}}}
	s.Data = space.Space{Name: "data", DType: dtype,
		Axes: []space.Axis{{Name: "component", Size: 2}, sources,
			{Name: "time", Unit: "s", Size: *o.NT, Origin: *o.DtS, Step: *o.DtS}, receivers},
		Quantities: []space.Quantity{{Name: "vx", Unit: "m/s"}, {Name: "vz", Unit: "m/s"}}}
	if contract.DeviceKind(device) == contract.DeviceCPU {
		device = contract.DeviceCPU
	} else {
		c.Memory = 0 // what a GPU has, within what package march takes of it
	}
	if s.Device, err = cuda.Open(device, s.Threads); err != nil {
		return nil, nil, fmt.Errorf("solver elastic: %w: %w", contract.ErrUnsupported, err)
	}
	if dtype == tensor.Float32 {
		s.Single, err = plan[float32](s.Device, c, &l.earth)
	} else {
		s.Double, err = plan[float64](s.Device, c, &l.earth)
	}
	if err != nil {
		s.Device.Close()
		return nil, nil, invalid("%w", err)
	}
	return s, &l, nil
}

func plan[T cuda.Float](d cuda.Device, c elastic.Config, e *earth) (intime.Plan[T], error) {
	p, err := elastic.New[T](d, c)
	if err != nil || e.fields() == 3 {
		return p, err
	}
	return &computed[T]{e, p}, nil
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
