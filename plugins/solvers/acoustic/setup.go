package acoustic

import (
	"github.com/waveprior/waveprior/core/seismic"
	"github.com/waveprior/waveprior/core/space"
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/wave"
	"github.com/waveprior/waveprior/plugins/solvers/internal/calls"
	"github.com/waveprior/waveprior/plugins/solvers/internal/intime"
)

func newSetup(o *Options, device string, threads int) (*intime.Setup, error) {
	if err := o.fill(); err != nil {
		return nil, err
	}
	sponge := *o.Boundary.Kind == "openfwi"
	cells, top := *o.Boundary.Cells, *o.Boundary.Cells
	if o.FreeSurface {
		top = 0
	}
	sources, err := o.Sources.List("sources")
	if err != nil {
		return nil, invalid("%w", err)
	}
	receivers, err := o.Receivers.List("receivers")
	if err != nil {
		return nil, invalid("%w", err)
	}
	signals, of, err := o.signals(len(sources))
	if err != nil {
		return nil, err
	}
	peak, highest := 0.0, 0.0
	for _, q := range signals {
		peak += q.PeakHz / float64(len(signals))
		highest = max(highest, q.HighestHz)
	}
	s := &intime.Setup{Spaces: calls.Spaces{Solver: "acoustic"}, Threads: max(1, threads),
		Scheme: &seismic.Scheme{Order: o.Order, StepS: *o.DtS, SpacingM: *o.Grid.SpacingM, PeakHz: peak, HighestHz: highest}}
	if peak == 0 { // of samples whose spectrum is largest at 0: a plan wants a wave
		s.Scheme.PeakHz = highest / seismic.HighestRicker
	}
	l := newLimits(o, highest)
	if l.Upper <= l.Lower {
		return nil, invalid("no velocity suits both: %s, and %s", l.Stable(), l.Carried())
	}
	s.Judge = l.check
	c := wave.Config{
		NZ: *o.Grid.NZ, NX: *o.Grid.NX, SpacingM: *o.Grid.SpacingM, StepS: *o.DtS, Steps: *o.NT, Order: o.Order,
		Top: top, Bottom: cells, Left: cells, Right: cells, FreeSurface: o.FreeSurface, Sponge: sponge,
		LayerSpeed: l.Upper, LayerHz: peak,
	}
	if o.Boundary.VelocityMS != nil {
		c.LayerSpeed = *o.Boundary.VelocityMS
	}
	// The delta is the weights over h^2, and C = (v dt/h)^2 has that already; the data sets' source is without.
	scale := 1.0
	if sponge {
		scale = c.SpacingM * c.SpacingM
	}
	sinc := seismic.Sinc{HalfWidth: o.SincHalfWidth, NZ: c.NZ, NX: c.NX, SpacingM: c.SpacingM,
		Top: c.Top, Bottom: c.Bottom, Left: c.Left, Right: c.Right, FreeSurface: c.FreeSurface}
	var axes [2]space.Axis
	for i, p := range []struct {
		what, axis string
		list       [][]float64
		scale      float64
		at         func(z, x float64) ([]seismic.Node, error)
		nodes      *[][]wave.Node
	}{
		{"sources", "shot", sources, scale, sinc.Nodes, &c.Sources},
		{"receivers", "receiver", receivers, 1, func(z, x float64) ([]seismic.Node, error) { return o.Record.nodes(&sinc, z, x) }, &c.Receivers},
	} {
		axes[i] = seismic.Axis(p.axis, p.list)
		for k, zx := range p.list {
			nodes, err := p.at(zx[0], zx[1])
			if err != nil {
				return nil, invalid("%s: position %d %w", p.what, k, err)
			}
			point := make([]wave.Node, len(nodes))
			for j, n := range nodes {
				point[j] = wave.Node{IZ: n.IZ, IX: n.IX, Weight: n.Weight * p.scale}
			}
			*p.nodes = append(*p.nodes, point)
		}
	}
	for _, k := range of {
		c.Wavelets = append(c.Wavelets, signals[k].Q)
	}
	dtype := intime.Precision(o.Precision)
	l.Lower, l.Upper = intime.Bounds(l.Lower, l.Upper, dtype)
	s.SetSpaces(dtype, &o.Grid, []space.Quantity{{Name: "vp", Unit: "m/s", Lower: &l.Lower, Upper: &l.Upper}},
		intime.Gather{Shots: axes[0], Receivers: axes[1], Samples: c.Steps, DtS: c.StepS, Quantities: []space.Quantity{o.Record.quantity()}})
	if err := s.Open(device, o.MemoryMB, plan[float32](c), plan[float64](c)); err != nil {
		return nil, err
	}
	return s, nil
}

func plan[T cuda.Float](c wave.Config) func(d cuda.Device, memory int) (intime.Plan[T], error) {
	return func(d cuda.Device, memory int) (intime.Plan[T], error) {
		c.Memory = memory
		return wave.New[T](d, c)
	}
}
