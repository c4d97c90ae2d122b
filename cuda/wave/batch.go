package wave

import (
	"github.com/waveprior/waveprior/cuda"
	"github.com/waveprior/waveprior/cuda/march"
)

// newBatch is what takes all shots through time side by side, with a profile of that many numbers.
func (p *Plan[T]) newBatch(profile int) (*march.Batch[T], error) {
	s, c := &p.shape, &p.config
	rows := int(s.Rows)
	from, to := c.pieces()
	above, below := 0, rows
	if c.Top > 0 {
		above = c.Top + 1
	}
	if c.Bottom > 0 {
		below = rows - c.Bottom - 1
	}
	g := march.Grid{
		Rows: int32(rows), Cols: int32(s.Cols), Wide: int32(s.Wide), Halo: int32(s.Halo),
		Top: int32(c.Top), Bottom: int32(c.Bottom), Left: int32(c.Left), Right: int32(c.Right), FreeSurface: int32(s.FreeSurface),
		Steps: int32(s.Steps), Phases: 1, Each: 1, Shots: int32(s.Shots), Receivers: int32(s.Receivers), Components: 1,
		From: int32(from), To: int32(to), Above: int32(above), Below: int32(below),
		Materials: int32(s.compact()), Profile: int32(profile),
	}
	axes := g.Axes()
	variables := rows*axes[1].Variables + axes[0].Variables*int(s.Wide)
	b := march.Scheme{
		Grid: g, Forward: acousticMarch, Back: acousticBack, States: [2]int{2*s.field() + 3*variables, 2*s.field() + 5*variables},
		Kept:    [2]int{s.compact(), s.compact()},
		Profile: p.profile, Wavelet: p.wavelet, SourceGroups: len(c.Sources), InjectedGroups: 1,
		ForwardCosts: forwardCosts, BackCosts: backCosts, Memory: c.Memory, Segment: c.Segment,
	}
	if c.Sponge {
		b.Forward, b.Back, b.Grid.Earlier, b.After = spongeMarch, spongeBack, 1, p.damping
		b.States = [2]int{2 * s.field(), 2*s.field() + s.compact()}
	}
	for k, nodes := range c.Sources {
		for _, n := range nodes {
			b.Sources = append(b.Sources, march.Spot{Group: k, Row: n.IZ + c.Top, Col: n.IX + c.Left, Weight: n.Weight})
		}
	}
	for k, nodes := range c.Receivers {
		var places []march.Place
		for _, n := range nodes {
			at := march.Spot{Row: n.IZ + c.Top, Col: n.IX + c.Left, Point: k, Weight: n.Weight}
			b.Injected = append(b.Injected, at)
			places = append(places, march.Place{At: at.Row*s.stride() + at.Col, Weight: n.Weight})
		}
		b.Record = append(b.Record, places)
	}
	return march.NewBatch[T](p.Device, p.Rooms, "wave", b)
}

// damping sums the gradient with respect to the sponge's damping.
func (p *Plan[T]) damping(l *march.Launch) error {
	args := []cuda.Arg{l.ExtraOut.Arg(), p.batch.Numbers.Arg(), l.States.Arg(), p.profile.Arg(), l.Materials.Arg(),
		cuda.Int(l.Models), cuda.Int(l.Many), cuda.Int(l.Shot)}
	return p.Device.Run(march.Of[T](spongeDamping), l.Units(), append(args, p.dampingCosts(l).Args()...)...)
}
